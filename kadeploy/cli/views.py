"""Two ways to show a board as it changes: redrawn in place on a terminal, a line a fact anywhere else."""

from __future__ import annotations

import os
import time
from typing import Final, Protocol, TextIO

from rich.console import Console
from rich.live import Live

from kadeploy.cli.display import Board
from kadeploy.cli.lines import SMALLEST, Lines
from kadeploy.cli.render import screen
from kadeploy.domain.event import Event

FASTEST: Final = 0.125  # seconds between two drawings at least
# Synchronized output, a private mode of the DEC kind: the terminal shows the whole drawing or nothing of it. One that
# does not know the mode ignores it.
HOLD: Final = "\x1b[?2026h"
SHOW: Final = "\x1b[?2026l"
SHARE: Final = 10  # a drawing is made at most this fraction of the time


class View(Protocol):
    """`tick` is how long, in seconds, to wait for news before `idle` is called; None is for ever."""

    @property
    def tick(self) -> float | None: ...

    def open(self) -> None: ...

    def event(self, board: Board, event: Event) -> None: ...

    def notice(self, board: Board, text: str) -> None:
        """Something about the connection or the user's own doing; empty when it no longer holds."""
        ...

    def idle(self, board: Board) -> None: ...

    def close(self) -> None: ...


class LineView:
    """One readable line an event, no control codes."""

    tick: float | None = None

    def __init__(self, stream: TextIO, level: int) -> None:
        self._stream = stream
        self._lines = Lines(level)

    def open(self) -> None:
        pass

    def event(self, board: Board, event: Event) -> None:
        for line in self._lines.of(board, event):
            self._write(line)

    def notice(self, board: Board, text: str) -> None:
        self._write(f"{'':9} {text}" if text else f"{'':9} The server answers again.")

    def idle(self, board: Board) -> None:
        pass

    def close(self) -> None:
        pass

    def _write(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


class LiveView:
    """The drawing of `render.screen`, redrawn at most eight times a second."""

    def __init__(self, console: Console, skew: float) -> None:
        self._console = console
        self._skew = skew
        self._notice = ""
        self._live = Live(
            console=console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self._next = 0.0
        self._second = 0
        self._stale = False
        self.tick: float | None = 2 * FASTEST

    def open(self) -> None:
        self._live.start()

    def event(self, board: Board, event: Event) -> None:
        self._draw(board)

    def notice(self, board: Board, text: str) -> None:
        self._notice = text
        self._next = 0.0
        self._draw(board)

    def idle(self, board: Board) -> None:
        """Draw what came too soon after the last drawing; else only times have changed, shown in seconds."""
        if self._stale or int(time.time()) != self._second:
            self._draw(board)

    def close(self) -> None:
        self._live.stop()

    def _draw(self, board: Board) -> None:
        began = time.monotonic()
        self._stale = began < self._next
        if self._stale:
            return
        width, height = self._console.size
        now = time.time()
        self._second = int(now)
        drawing = screen(board, now=now - self._skew, width=width, height=height, notice=self._notice)
        self._console.file.write(HOLD)
        self._live.update(drawing, refresh=True)
        self._console.file.write(SHOW)
        self._console.file.flush()
        ended = time.monotonic()
        self._next = ended + max(FASTEST, SHARE * (ended - began))


def choose_view(stream: TextIO, *, level: int, skew: float) -> View:
    """The live display on a terminal that can redraw, unless only the ends were asked for."""
    able = stream.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown", "")
    if able and level > SMALLEST:
        return LiveView(Console(file=stream, highlight=False), skew)
    return LineView(stream, level)
