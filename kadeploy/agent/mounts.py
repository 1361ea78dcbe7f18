"""What is mounted where, from /proc/self/mountinfo (proc(5))."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from kadeploy.agent.blocks import real_path
from kadeploy.agent.execute import execute
from kadeploy.process import run

_ESCAPE = re.compile(r"\\([0-7]{3})")
_TRIES = 20  # of 0.1 s each: what keeps a file system busy is mostly a process that is just ending


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounted:
    """`source` is a device path, or what a pseudo file system calls itself."""

    source: str
    path: str


def parse_mountinfo(text: str) -> tuple[Mounted, ...]:
    """In the order they were mounted."""
    found = []
    for line in text.splitlines():
        words = line.split(" ")
        found.append(Mounted(source=_plain(words[words.index("-") + 2]), path=_plain(words[4])))
    return tuple(found)


def mounted() -> tuple[Mounted, ...]:
    return parse_mountinfo(Path("/proc/self/mountinfo").read_text())


def below(mounts: Iterable[Mounted], path: str) -> tuple[str, ...]:
    """The mount points at or below a path, in the order to unmount them: the last mounted first."""
    inside = path.rstrip("/") + "/"
    return tuple(entry.path for entry in reversed(tuple(mounts)) if entry.path == path or entry.path.startswith(inside))


def of_disk(mounts: Iterable[Mounted], device: str) -> tuple[str, ...]:
    """The mount points of a disk's partitions, the last mounted first."""
    part = re.compile(re.escape(device) + r"p?\d*")
    return tuple(entry.path for entry in reversed(tuple(mounts)) if part.fullmatch(entry.source))


async def mount(device: str, path: str, *, filesystem: str = "", options: str = "") -> None:
    """Make it so: what is mounted there already stays, what else is there goes. Raises CommandFailed."""
    there = [entry.source for entry in mounted() if entry.path == path]
    if there and real_path(there[-1]) == real_path(device):
        return
    if there:
        await unmount_all(lambda mounts: below(mounts, path))
    await asyncio.to_thread(os.makedirs, path, exist_ok=True)
    kind = ("-t", filesystem) if filesystem else ()
    chosen = ("-o", options) if options else ()
    await execute(("mount", *kind, *chosen, device, path))


async def unmount_all(choose: Callable[[tuple[Mounted, ...]], tuple[str, ...]]) -> None:
    """Unmount what `choose` picks; detached only (umount -l) when it stays busy. Kills nothing."""
    for attempt in range(_TRIES):
        chosen = choose(mounted())
        if not chosen:
            return
        if attempt:
            await asyncio.sleep(0.1)
        for path in chosen:
            await run(("umount", path), deadline=120)
    for path in choose(mounted()):
        await execute(("umount", "--lazy", path))


def _plain(text: str) -> str:
    """Blanks and backslashes are written as octal numbers."""
    return _ESCAPE.sub(lambda found: chr(int(found.group(1), 8)), text)
