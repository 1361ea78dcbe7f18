"""ENTER while waiting, as Kadeploy3's tools have it: where lines are told, it tells who is in which step just now."""

from __future__ import annotations

import os
import select
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

PAUSE: Final = 1.0  # seconds between two answers at least
LOCAL: Final = 3  # which of termios' attributes says whether what is typed is shown
LOOK: Final = 0.3  # seconds between two looks whether somebody still waits for it


@contextmanager
def entered(told: Callable[[], object], stdin: int = 0) -> Iterator[None]:
    """`told` is called in a thread of its own, for every ENTER on the terminal. Without a terminal nothing is read."""
    if not os.isatty(stdin):
        yield
        return
    ended = threading.Event()
    thread = threading.Thread(target=_read, args=(told, stdin, ended), name="keys", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()


@contextmanager
def unechoed(stdin: int = 0) -> Iterator[None]:
    """What is typed on the terminal is not shown meanwhile: it would be in the middle of what is redrawn in place."""
    if not (os.isatty(stdin) and _is_ours(stdin)):
        yield
        return
    before = termios.tcgetattr(stdin)
    quiet = [*before]
    quiet[LOCAL] = before[LOCAL] & ~termios.ECHO
    termios.tcsetattr(stdin, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        if _is_ours(stdin):  # else it is somebody else's by now
            termios.tcsetattr(stdin, termios.TCSANOW, before)


def _read(told: Callable[[], object], stdin: int, ended: threading.Event) -> None:
    before = 0.0
    while not ended.is_set():
        if not _is_ours(stdin):
            ended.wait(LOOK)
            continue
        ready, _, _ = select.select([stdin], [], [], LOOK)
        if not ready or ended.is_set() or not _is_ours(stdin):
            continue
        if not os.read(stdin, 1024):
            return
        if time.monotonic() - before >= PAUSE:
            before = time.monotonic()
            told()


def _is_ours(stdin: int) -> bool:
    """A tool in the background that reads would be stopped."""
    try:
        return os.tcgetpgrp(stdin) == os.getpgrp()
    except OSError:
        return False
