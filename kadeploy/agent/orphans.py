"""Processes that an earlier agent of this boot started and left behind when it died.

Its commands are reported as failed, so what they started must not go on writing to the disk. Children are known
by a variable in their environment.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

_VARIABLE = "KADEPLOY_AGENT_BOOT"


def mark_children(boot: str) -> None:
    """Every process started from now on carries the mark."""
    os.environ[_VARIABLE] = boot


def kill_orphans(boot: str) -> int:
    """End every process with the mark; the number ended. Call before `mark_children`."""
    mark = f"{_VARIABLE}={boot}".encode()
    killed = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid() and mark in _environment(entry):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(entry.name), signal.SIGKILL)
                killed += 1
    return killed


def _environment(process: Path) -> list[bytes]:
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return []
