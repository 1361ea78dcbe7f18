"""Processes that outlive the command that started them, and are ended by their number, never by their name.

The number is in a file. A number is reused by the system, so a process is ours only if its command line still names
`mark`, a word (a path of this lab, most often) that no other process has.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

EXEC = 1.0  # seconds until a process that was started can be known for ours, unless it has ended already
PATIENCE = 10.0  # seconds between asking a process to end and ending it


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """A process by the file its number is in and the mark it is known by."""

    pidfile: Path
    mark: str

    @property
    def pid(self) -> int | None:
        """Its number, if it runs."""
        try:
            pid = int(self.pidfile.read_text())
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if any(self.mark.encode() in word for word in words) else None

    def start(self, argv: Sequence[str], *, log: Path, env: Mapping[str, str]) -> int:
        """Start it in a session of its own, its output added to `log`. Returns its number."""
        writable = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        # Not subprocess: this process is not waited for, neither by us nor when our own objects are thrown away.
        pid = os.posix_spawn(
            argv[0],
            tuple(argv),
            env,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), writable, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
                *((os.POSIX_SPAWN_CLOSE, inherited) for inherited in _inherited()),
            ],
            setsid=True,
        )
        self.pidfile.write_text(f"{pid}\n")
        # The kernel lets us go on a moment before the new program's command line can be read.
        until = time.monotonic() + EXEC
        while self.pid is None and time.monotonic() < until:
            time.sleep(0.001)
        return pid

    def end(self) -> bool:
        """End it and forget its number; true if it ran."""
        pid = self.pid
        if pid is not None:
            _end(pid)
        self.pidfile.unlink(missing_ok=True)
        return pid is not None


def _inherited() -> list[int]:
    """What our own starter left open to be passed on: a lock held that way would never be given back."""
    return [number for number in map(int, os.listdir("/proc/self/fd")) if number > 2 and _passes_on(number)]


def _passes_on(number: int) -> bool:
    try:
        return os.get_inheritable(number)
    except OSError:  # it was the listing's own
        return False


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(handle, signal.SIGTERM)
            if not select.select([handle], [], [], PATIENCE)[0]:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                select.select([handle], [], [], PATIENCE)
        finally:
            os.close(handle)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)
