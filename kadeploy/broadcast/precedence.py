"""Threads that move bytes go before all else on a machine: before the digests, the unpacking, the disk.

A chain whose links are in use all the time never makes up for a delay: it hands every one on to its end.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

NICE = -10  # setpriority(2), of a thread where the system is Linux


def go_first() -> None:
    """This thread, from now on, where this user may have that."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


class Queued:
    """How long a thread could have run, and waited for a processor (schedstat of Linux' sched-stats). It knows nothing
    of its machine's neighbours, but one that waits itself should not take others for slow."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def seconds(self) -> float:
        """In all; 0 where the kernel does not say, or when the thread has ended."""
        try:
            return int(self._path.read_bytes().split()[1]) / 1e9
        except (OSError, LookupError, ValueError):
            return 0.0


def queued() -> Queued:
    """Of this thread; any other may ask."""
    return Queued(f"/proc/self/task/{threading.get_native_id()}/schedstat")


NOWHERE_QUEUED = Queued("/dev/null")
