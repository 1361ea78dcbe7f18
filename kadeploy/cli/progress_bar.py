"""One line on the terminal that says how far something has come; nothing but its end where there is no terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Final, TextIO

from kadeploy.cli import units

_WIDTH: Final = 24  # characters of the bar
_EVERY: Final = 0.1  # seconds between two pictures


class Bar:
    """Of a file of so many bytes, which are `finished` in the end."""

    def __init__(self, name: str, stream: TextIO | None = None, *, finished: str = "sent") -> None:
        self._name = name
        self._finished = finished
        self._stream = stream or sys.stderr
        self._is_shown = self._stream.isatty()
        self._verb = ""
        self._total = self._done = self._before = 0
        self._began = self._drawn = 0.0

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_shown and self._verb:
            self._draw()
            self._stream.write("\n")
        elif self._verb and error is None:
            told = (
                f"{units.size(some)} {self._finished}" if (some := self._total - self._before) else "is there already"
            )
            self._stream.write(f"{self._name}: {told}\n")
        self._stream.flush()

    def begin(self, verb: str, total: int, *, done: int = 0) -> None:
        """What is done to how many bytes, of which so many need not be done any more."""
        self._verb, self._total, self._done, self._before = verb, total, done, done
        self._began = time.monotonic()
        self._show()

    def advance(self, count: int) -> None:
        self.set(self._done + count)

    def set(self, done: int) -> None:
        self._done = done
        self._show()

    def _show(self) -> None:
        now = time.monotonic()
        if self._is_shown and now - self._drawn >= _EVERY:
            self._drawn = now
            self._draw()

    def _draw(self) -> None:
        elapsed = max(time.monotonic() - self._began, 0.001)
        self._stream.write(f"\r\x1b[K{picture(self._name, self._verb, self._done, self._total, self._before, elapsed)}")
        self._stream.flush()


def picture(name: str, verb: str, done: int, total: int, before: int, elapsed: float) -> str:
    """`before` bytes were done when the clock began, `elapsed` seconds ago."""
    share = units.percent(done, total)
    filled = share * _WIDTH // 100
    rate = (done - before) / elapsed
    left = f", {units.clock((total - done) / rate)} left" if rate > 0 and done < total else ""
    bar = "█" * filled + "░" * (_WIDTH - filled)
    return f"{verb} {name} {bar} {share:3} % of {units.size(total)}, {units.size(rate)}/s{left}"
