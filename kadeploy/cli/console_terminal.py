"""The user's terminal as a node's console: every key goes there at once, everything said there is shown as it is.

However this ends, also by a signal, the terminal is as it was before.
"""

from __future__ import annotations

import os
import select
import signal
import termios
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Final

from kadeploy.cli.console_socket import ConsoleSocket
from kadeploy.domain.console import LeaveKey
from kadeploy.errors import Unavailable

CHUNK: Final = 1024  # bytes read from the keyboard at once
PING: Final = 20.0  # seconds of silence after which the server is asked whether it is still there
SILENCE: Final = 70.0  # seconds after which it is taken for lost
ENDING: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """`keys` is the terminal that is typed on, None without one; who only reads leaves by Ctrl-C, too."""

    keys: int | None = 0
    shown: int = 1
    types: bool = True


def attended(socket: ConsoleSocket, screen: Screen) -> bool:
    """Until the user leaves, which is true, or the console ends. Raises Unavailable when the server is lost."""
    with _raw(screen), _ended_by_signals():
        _show(screen, socket.receive())
        return _carry(socket, screen)


def _carry(socket: ConsoleSocket, screen: Screen) -> bool:
    leaving, heard = LeaveKey(), time.monotonic()
    sources: list[int] = [socket.fileno(), *([screen.keys] if screen.keys is not None else [])]
    while not socket.is_over:
        ready, _, _ = select.select(sources, [], [], 0 if socket.has_more else PING)
        if socket.fileno() in ready or socket.has_more:
            heard = time.monotonic()
            _show(screen, socket.receive())
        elif not ready:
            if time.monotonic() - heard > SILENCE:
                raise Unavailable("the server has fallen silent")
            socket.ping()
        if screen.keys in ready:
            typed = os.read(screen.keys or 0, CHUNK)
            if screen.types:
                socket.type(typed)
            if not typed or leaving.is_in(typed):
                return True
    return False


def _show(screen: Screen, said: bytes) -> None:
    while said:
        said = said[os.write(screen.shown, said) :]


@contextmanager
def _raw(screen: Screen) -> Iterator[None]:
    """Keys are not echoed, gathered into lines or taken for signals; who only reads keeps Ctrl-C."""
    if screen.keys is None:
        yield
        return
    before = termios.tcgetattr(screen.keys)
    try:
        if screen.types:
            tty.setraw(screen.keys)
        else:
            tty.setcbreak(screen.keys)
        yield
    finally:
        termios.tcsetattr(screen.keys, termios.TCSADRAIN, before)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """A signal ends the block as an error would, so that everything is put back."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
