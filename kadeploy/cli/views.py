"""Two ways to show a board as it changes: redrawn in place on a terminal, a line a fact anywhere else."""

from __future__ import annotations

import os
import time
from typing import Protocol, TextIO, cast

from kadeploy.cli.display import Board
from kadeploy.cli.later import Later, load
from kadeploy.cli.lines import SMALLEST, Lines
from kadeploy.cli.standing import standing
from kadeploy.domain.event import Event


class View(Protocol):
    """`tick` is how long, in seconds, to wait for news before `idle` is called; None is for ever."""

    @property
    def tick(self) -> float | None: ...

    @property
    def is_live(self) -> bool:
        """Whether it always shows how things stand."""
        ...

    def open(self) -> None: ...

    def event(self, board: Board, event: Event) -> None: ...

    def notice(self, board: Board, text: str) -> None:
        """Something about the connection or the user's own doing; empty when it no longer holds."""
        ...

    def again(self, board: Board) -> None:
        """The server, of which a notice said that it was lost, answers again."""
        ...

    def stand(self, board: Board) -> None:
        """The user wants to know how it stands."""
        ...

    def idle(self, board: Board) -> None: ...

    def close(self) -> None: ...


class LineView:
    """One readable line an event, no control codes."""

    tick: float | None = None
    is_live = False

    def __init__(self, stream: TextIO, level: int, prefix: str = "", skew: float = 0.0) -> None:
        self._stream = stream
        self._prefix = prefix
        self._skew = skew
        self._lines = Lines(level)

    def open(self) -> None:
        pass

    def event(self, board: Board, event: Event) -> None:
        for line in self._lines.of(board, event):
            self.say(line)

    def notice(self, board: Board, text: str) -> None:
        if text:
            self.say(f"{'':9} {text}")

    def again(self, board: Board) -> None:
        self.notice(board, "The server answers again.")

    def stand(self, board: Board) -> None:
        for line in standing(board, time.time() - self._skew):
            self.say(line)

    def idle(self, board: Board) -> None:
        pass

    def close(self) -> None:
        pass

    def say(self, line: str) -> None:
        self._stream.write(f"{self._prefix}{line}\n")  # at once: several may write there
        self._stream.flush()


def choose_view(stream: TextIO, *, level: int, skew: float, color: bool = True) -> View:
    """The live display on a terminal that can redraw, unless only the ends were asked for."""
    able = stream.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown", "")
    if able and level > SMALLEST:
        return cast(View, load(Later.LIVE_VIEW).live_view(stream, skew, color=color))
    return LineView(stream, level, skew=skew)
