from __future__ import annotations

import io

from rich.console import Console

from kadeploy.broadcast.order import MOVED
from kadeploy.broadcast.reception import Outcome, Progress
from kadeploy.cast.cast import Board
from kadeploy.cast.display import headline, view

DONE = Progress(received=100, verified=100, written=100, source="this machine", rate=3e6)
HALF = Progress(received=90, verified=80, written=50, source="one", rate=1e6, rank=MOVED + 1, blocked=0.9)


def board() -> Board:
    return Board(
        size=100,
        progress={"one": DONE, "two": HALF},
        outcomes={"one": Outcome(reason=None, progress=DONE)},
        lost={"three": "SSH: Connection refused"},
        logged_in=2,
    )


def drawn(board: Board) -> list[str]:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    with console.capture() as shown:
        console.print(view(board, 3, 4.0))
    return [line.rstrip() for line in shown.get().splitlines()]


def test_each_thing_has_a_line_of_its_own() -> None:
    bar, said, _, *hosts = drawn(board())
    assert set(bar) <= set("━╸╺ ")
    assert said == "1 of 3 hosts, 2 MB/s each, 4 s; slowest: disk of two; 1 failed"
    assert [line.split() for line in hosts] == [["two", "one", "(at", "the", "end)", "90%", "80%", "50%", "1"]]


def test_before_the_first_byte() -> None:
    assert drawn(Board(logged_in=1)) == ["logging in: 1 of 3 hosts, 0 lost, 4 s"]
    assert headline(Board(), 3, 1.0) == "logging in: 0 of 3 hosts, 0 lost, 1 s"
