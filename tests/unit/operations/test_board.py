"""The board is a fold of events: what it shows at any moment, its timings, and the `status` view of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kadeploy.domain.event import NodeProgress
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import OperationState, Progress
from kadeploy.operations.board import Board, fold
from kadeploy.operations.status import status
from kadeploy.operations.timings import timings
from tests.unit.operations import stories


def progress(node: str, micro: str, done: int, at: float = 120.0) -> NodeProgress:
    return NodeProgress(operation=stories.OPERATION, at=at, node=node, micro=micro, done=done, total=100)


def test_in_the_middle() -> None:
    board = fold(stories.one_node_fails()[:10])
    third, first = board.nodes["node-3"], board.nodes["node-1"]
    assert (third.set, third.micro, third.turn, third.since, third.state) == (
        "0.1",
        "wait_reboot",
        1,
        140.0,
        Progress.PROCESSING,
    )
    assert (first.set, first.micro, first.since, first.passed) == ("0", "format_deploy_part", 135.0, None)
    assert third.reason == ""
    assert board.clusters == {"alpha": NodeSet.parse("node-[1-3]")}
    assert board.said == [(135.0, "node-3 go on apart: retry 1 of Untrusted")]


def test_between_two_steps_the_last_reason_stands() -> None:
    board = fold(stories.one_node_fails()[:5])
    assert (board.nodes["node-3"].passed, board.nodes["node-3"].reason) == (False, "no answer")
    assert board.nodes["node-1"].passed is True


def test_at_the_end() -> None:
    board = fold(stories.one_node_fails())
    assert (board.state, board.ended) == (OperationState.DONE, 170.0)
    assert board.having(Progress.OK) == NodeSet.parse("node-[1-2]")
    assert board.having(Progress.KO) == NodeSet(["node-3"])
    assert board.nodes["node-3"].reason == "SetDeploymentEnvUntrusted-wait_reboot: no answer"
    assert board.running == {}


def test_progress_counts_only_for_the_step_the_node_is_in() -> None:
    board = fold(stories.one_node_fails()[:4])
    board.apply(progress("node-1", "wait_reboot", 40))
    board.apply(progress("node-2", "reboot", 99))
    board.apply(progress("stranger", "wait_reboot", 1))
    assert (board.nodes["node-1"].done, board.nodes["node-1"].total) == (40, 100)
    assert board.nodes["node-2"].done == 0
    assert "stranger" not in board.nodes


def test_a_late_node_has_been_in_its_step_all_along() -> None:
    wait = stories.entered(105.0, "wait_reboot")
    board = fold(
        [
            stories.begun(),
            wait,
            stories.left(wait, 120.0, ok="node-[1-2]", late="node-3"),
            stories.branched(120.0, "node-3", "0.1", "late: the others go on"),
            stories.entered(120.0, "wait_reboot", "node-3", set="0.1"),
        ]
    )
    assert (board.nodes["node-3"].since, board.nodes["node-3"].set) == (105.0, "0.1")
    assert board.steps[0].late == 1


def test_an_aborted_operation_leaves_no_node_processing() -> None:
    wait = stories.entered(105.0, "wait_reboot")
    board = fold(
        [
            stories.begun(),
            wait,
            stories.aborted(110.0, "node-1"),
            stories.over(111.0, ko="node-[1-3]", state="aborted"),
        ]
    )
    assert board.having(Progress.ABORTED) == NodeSet.parse("node-[1-3]")
    assert board.nodes["node-2"].reason == "aborted"
    assert board.steps[0].end == 111.0


def test_a_visit_cut_off_by_a_restart_ends_when_it_begins_again() -> None:
    board = fold([stories.begun(), stories.entered(105.0, "wait_reboot"), stories.entered(150.0, "wait_reboot")])
    assert [step.end for step in board.steps] == [150.0, None]
    assert board.nodes["node-1"].since == 105.0


@given(st.integers(min_value=0, max_value=15), st.integers(min_value=0, max_value=15))
def test_folding_in_two_goes_is_folding_at_once(first: int, second: int) -> None:
    events = stories.one_node_fails()
    cut, end = sorted((first, second))
    board = fold(events[:cut])
    for event in events[cut:end]:
        board.apply(event)
    assert board == fold(events[:end])


def test_timings_count_overlapping_visits_once() -> None:
    board = fold(stories.one_node_fails())
    told = {timing.micro: timing for timing in timings(board.steps, 170.0)}
    assert list(told) == ["reboot", "wait_reboot", "format_deploy_part"]
    assert (told["reboot"].seconds, told["reboot"].visits, told["reboot"].nodes) == (10.0, 2, 4)
    assert (told["wait_reboot"].seconds, told["wait_reboot"].longest) == (60.0, 30.0)
    overlapping = fold(
        [
            stories.begun(),
            stories.entered(100.0, "reboot", "node-1"),
            stories.entered(105.0, "reboot", "node-2", set="0.1"),
        ]
    )
    (timing,) = timings(overlapping.steps, 110.0)
    assert (timing.start, timing.end, timing.seconds) == (100.0, 110.0, 10.0)


def test_status_in_the_middle_and_at_the_end() -> None:
    still = {"OK": [], "KO": [], "**": ["node-1", "node-2", "node-3"]}
    assert status(fold(stories.one_node_fails()[:4]), 115.0) == {
        "alpha": {"SetDeploymentEnvUntrusted": {"wait_reboot": {"nodes": still, "time": 10}}}
    }
    between = {"OK": ["node-1", "node-2"], "KO": ["node-3"], "**": []}
    assert status(fold(stories.one_node_fails()[:5]), 135.0) == {
        "alpha": {"SetDeploymentEnvUntrusted": {"wait_reboot": {"nodes": between, "time": 30}}}
    }
    assert status(fold(stories.one_node_fails()), 200.0) == {"alpha": {"OK": ["node-1", "node-2"], "KO": ["node-3"]}}
    assert status(Board(), 0.0) == {}


def test_nodes_that_are_held_stand_before_their_step_until_they_are_resumed() -> None:
    told = [stories.begun(), stories.held(105.0, "node-[1-2]"), stories.aborted(106.0, "node-2", why="no power")]
    board = fold(told)
    assert board.having(Progress.HELD) == NodeSet(["node-1"])
    assert (board.nodes["node-1"].macro, board.nodes["node-1"].micro) == ("SetDeploymentEnv", "reboot")
    assert board.nodes["node-2"].reason == "SetDeploymentEnvUntrusted-reboot: aborted by alice: no power"
    board = fold([*told, stories.resumed(107.0, "node-1"), stories.entered(107.0, "reboot", "node-1")])
    assert board.having(Progress.PROCESSING) == NodeSet.parse("node-[1,3]")
    assert [what for _, what in board.said] == [
        "node-[1-2] held before SetDeploymentEnvUntrusted-reboot",
        "node-2 aborted by alice: no power",
        "node-1 resumed by alice",
    ]
