"""Waiting for what the kernel tells of: files that come into directories, processes that end. Nobody looks twice."""

from __future__ import annotations

import ctypes
import os
import select
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

LONGEST = 30.0  # seconds any wait of a test may take
COME = 0x00000100 | 0x00000080  # IN_CREATE and IN_MOVED_TO (inotify(7))


def until_each_has(folders: Sequence[Path], pattern: str) -> None:
    """A file of such a name in each."""
    deadline = time.monotonic() + LONGEST
    with _watched(folders) as news:
        while not all(any(folder.glob(pattern)) for folder in folders):
            _await(news, deadline)
            os.read(news, 65536)


def until_none_runs(running: Callable[[], Iterable[int]]) -> None:
    """`running` lists processes; who has not ended when it is asked is waited for (pidfd_open(2))."""
    deadline = time.monotonic() + LONGEST
    while pids := list(running()):
        with ExitStack() as stack:
            for pid in pids:
                with suppress(ProcessLookupError):
                    descriptor = os.pidfd_open(pid)
                    stack.callback(os.close, descriptor)
                    _await(descriptor, deadline)


def _await(descriptor: int, deadline: float) -> None:
    readable, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
    assert readable, f"nothing in {LONGEST:g} s"


@contextmanager
def _watched(folders: Iterable[Path]) -> Iterator[int]:
    libc = ctypes.CDLL(None, use_errno=True)
    news = libc.inotify_init1(os.O_CLOEXEC)
    if news < 0:
        raise OSError(ctypes.get_errno(), "no inotify")
    try:
        for folder in folders:
            if libc.inotify_add_watch(news, os.fsencode(folder), COME) < 0:
                raise OSError(ctypes.get_errno(), f"{folder} cannot be watched")
        yield news
    finally:
        os.close(news)
