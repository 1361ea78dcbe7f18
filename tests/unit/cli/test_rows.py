"""Rows: one a node while they fit, folded when not, never more than there is room for."""

from __future__ import annotations

from kadeploy.cli.display import Board
from kadeploy.cli.rows import RowState, reasons, rows, set_rows
from tests.unit.cli.story import BROADCAST, DEPLOYMENT, IMAGE, Teller, half_deployment
from tests.unit.cli.test_display import told


def crowd(count: int) -> Board:
    """So many nodes in the broadcast, five of them in their own sets, one failed."""
    teller = Teller()
    board = told([teller.began(f"n-[1-{count}]"), teller.started("0", BROADCAST, "send_environment", f"n-[1-{count}]")])
    for index in range(1, 6):
        board.apply(teller.branched(f"0.{index}", f"n-{index}", "late: the others go on"))
        board.apply(teller.started(f"0.{index}", DEPLOYMENT, "wait_reboot", f"n-{index}", turn=index))
    board.apply(teller.failed("0", "n-9", BROADCAST, "send_environment", "the disk is full"))
    return board


def test_nodes_that_fit_have_a_row_each_in_natural_order() -> None:
    shown, hidden = rows(told(half_deployment()), 3)
    assert [row.nodes for row in shown] == ["node-1", "node-2", "node-3"]
    assert hidden == 0


def test_nodes_in_the_same_place_are_folded_when_they_do_not_fit() -> None:
    shown, hidden = rows(told(half_deployment()), 2)
    assert [(row.nodes, row.count) for row in shown] == [("node-[1-2]", 2), ("node-3", 1)]
    assert hidden == 0
    assert (shown[0].done, shown[0].total) == (522_000_000, 2 * IMAGE)
    assert shown[0].rate == 43_500_000


def test_ten_thousand_nodes_fit_a_small_screen() -> None:
    shown, hidden = rows(crowd(10_000), 4)
    assert len(shown) == 3
    assert hidden == 4  # of seven places
    assert all(row.state is RowState.RUNNING for row in shown)


def test_a_node_that_has_told_no_bytes_yet_still_has_them_to_come() -> None:
    teller = Teller()
    board = told([teller.began("n-[1-2]"), teller.started("0", BROADCAST, "send_environment", "n-[1-2]")])
    for event in teller.progress("send_environment", n_1=IMAGE):
        board.apply(event)
    (row,), _ = rows(board, 1)
    assert (row.done, row.total) == (IMAGE, 2 * IMAGE)


def test_live_sets_say_why_they_left() -> None:
    first, second = set_rows(told(half_deployment()))
    assert (first.set, first.count, first.macro) == ("0", 2, "BroadcastEnvChain")
    assert (second.set, second.count, second.why) == ("0.1", 1, "retry 1 of Untrusted")


def test_nodes_that_failed_alike_share_a_reason() -> None:
    teller = Teller()
    board = told([teller.began("n-[1-40]")])
    for index in range(1, 40):
        board.apply(teller.failed("0", f"n-{index}", DEPLOYMENT, "reboot", "wrong BMC password"))
    board.apply(teller.failed("0", "n-40", DEPLOYMENT, "reboot", "no answer"))
    assert reasons(board) == [
        ("n-[1-39]", "SetDeploymentEnvUntrusted-reboot: wrong BMC password"),
        ("n-40", "SetDeploymentEnvUntrusted-reboot: no answer"),
    ]
