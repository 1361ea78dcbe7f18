"""The board: what is known after each event, whatever is repeated, late or missing."""

from __future__ import annotations

from collections.abc import Iterable

from kadeploy.cli.display import Board
from kadeploy.domain.event import Event, OperationEnded, StepStarted
from kadeploy.domain.nodeset import NodeSet
from tests.unit.cli.story import BEGAN, BROADCAST, DEPLOYMENT, Teller, deployment, half_deployment


def told(events: Iterable[Event]) -> Board:
    board = Board()
    for event in events:
        board.apply(event)
    return board


def test_in_the_middle_each_node_is_where_its_set_is() -> None:
    board = told(half_deployment())
    assert board.nodes == NodeSet.parse("node-[1-3]")
    assert (board.spots["node-1"].macro, board.spots["node-1"].micro) == ("BroadcastEnvChain", "send_environment")
    assert (board.spots["node-3"].set, board.spots["node-3"].turn) == ("0.1", 1)
    assert board.sets["alpha", "0.1"][1] == "retry 1 of Untrusted"
    assert not board.ok
    assert not board.ko


def test_a_rate_comes_from_the_bytes_between_two_reports() -> None:
    transfer = told(half_deployment()).transfer("node-1")
    assert transfer is not None
    assert (transfer.done, transfer.rate) == (270_000_000, 45_000_000.0)
    assert told(half_deployment()).transfer("node-3") is None


def test_at_the_end_every_node_is_settled_with_its_reason() -> None:
    board = told(deployment())
    assert board.ok == {"node-1", "node-2"}
    assert str(board.ko["node-3"]) == "SetDeploymentEnvUntrusted-wait_reboot: no answer within 37 s"
    assert not board.spots
    assert board.ended is not None
    assert board.elapsed == 84.0


def test_events_told_twice_change_nothing_but_the_number_of_runs() -> None:
    events = deployment()
    once = told(events)
    twice = told(events[:-1] + events)
    assert (once.ok, once.ko, once.elapsed, once.nodes) == (twice.ok, twice.ko, twice.elapsed, twice.nodes)


def test_a_step_begun_again_by_a_restarted_server_keeps_its_time() -> None:
    teller = Teller()
    first = teller.started("0", BROADCAST, "send_environment", "node-1")
    teller.at += 30
    board = told([first, teller.started("0", BROADCAST, "send_environment", "node-1")])
    assert board.spots["node-1"].since == BEGAN
    teller.at += 30
    board.apply(teller.started("0", BROADCAST, "send_environment", "node-1", turn=1))
    assert board.spots["node-1"].since == BEGAN + 60


def test_bytes_of_an_earlier_step_are_not_shown_in_the_next() -> None:
    events = half_deployment()
    board = told(events)
    ended = Teller()
    ended.at = board.spots["node-1"].since + 60
    board.apply(ended.started("0", BROADCAST, "install_bootloader", "node-[1-2]"))
    assert board.transfer("node-1") is None


def test_an_aborted_operation_leaves_no_node_unsettled() -> None:
    teller = Teller()
    board = told([teller.began("node-[1-2]"), teller.started("0", DEPLOYMENT, "reboot", "node-[1-2]")])
    board.apply(teller.over("aborted", "", "node-[1-2]"))
    assert str(board.ko["node-2"]) == "SetDeploymentEnvUntrusted-reboot: aborted"


def test_an_operation_that_failed_before_any_step_gives_its_error_to_every_node() -> None:
    ended = OperationEnded(operation="D-1", at=BEGAN, state="error", ok="", ko="node-1", error="the image is gone")
    board = told([ended])
    assert str(board.ko["node-1"]) == "the image is gone"
    assert board.nodes == NodeSet(["node-1"])


def test_nodes_no_step_has_begun_for_are_waiting() -> None:
    teller = Teller()
    board = told([teller.began("node-[1-3]"), teller.started("0", DEPLOYMENT, "reboot", "node-1")])
    assert board.waiting == NodeSet.parse("node-[2-3]")


def test_a_step_may_be_told_of_a_settled_node_without_bringing_it_back() -> None:
    board = told(deployment())
    late = Teller().started("0", DEPLOYMENT, "reboot", "node-3")
    assert isinstance(late, StepStarted)
    board.apply(late)
    assert not board.spots
