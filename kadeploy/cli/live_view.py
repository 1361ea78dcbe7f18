"""The live display, redrawn in place on a terminal by rich."""

from __future__ import annotations

import time
from typing import Final, TextIO

from rich.console import Console
from rich.live import Live

from kadeploy.cli.display import Board
from kadeploy.cli.render import screen
from kadeploy.domain.event import Event

FASTEST: Final = 0.125  # seconds between two drawings at least
# Synchronized output, a private mode of the DEC kind: the terminal shows the whole drawing or nothing of it. One that
# does not know the mode ignores it.
HOLD: Final = "\x1b[?2026h"
SHOW: Final = "\x1b[?2026l"
SHARE: Final = 10  # a drawing is made at most this fraction of the time


class LiveView:
    """The drawing of `render.screen`, redrawn at most eight times a second."""

    is_live = True

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

    def again(self, board: Board) -> None:
        self.notice(board, "")

    def stand(self, board: Board) -> None:
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


def live_view(stream: TextIO, skew: float, *, color: bool) -> LiveView:
    """`skew` is in seconds, how far this machine's clock is ahead; rich itself heeds NO_COLOR."""
    return LiveView(Console(file=stream, highlight=False, no_color=None if color else True), skew)
