"""What ENTER tells."""

from __future__ import annotations

from kadeploy.cli.display import Board
from kadeploy.cli.standing import standing
from tests.unit.cli.story import deployment


def test_who_is_where() -> None:
    board = Board()
    for event in deployment()[:12]:
        board.apply(event)
    assert board.started is not None
    told = list(standing(board, board.started + 83))
    assert told[0] == "After 1:23:"
    assert told[1:]
    assert all(line.startswith(("  RUNNING ", "  WAITING ", "  KO ", "  OK ", "  HELD ")) for line in told[1:])


def test_before_it_began() -> None:
    assert list(standing(Board(), 100.0)) == ["After 0:00:"]
