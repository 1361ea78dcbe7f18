"""Run a tool and insist that it succeeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kadeploy.errors import CommandFailed
from kadeploy.process import loggable, run

DEADLINE = 3600.0  # seconds; the server's own deadline is shorter and ends the command, and so its tools


async def execute(argv: Sequence[str], *, stdin: bytes | None = None, deadline: float = DEADLINE) -> str:
    """What it wrote to standard output; raises CommandFailed with its command line and its last words."""
    finished = await run(argv, deadline=deadline, stdin=stdin)
    if not finished.ok:
        finished = replace(finished, stderr=_telling(finished.stderr))
        raise CommandFailed(f"{finished.reason} (command: {loggable(argv)})")
    return finished.stdout


def _telling(said: str) -> str:
    """Without the lines that mount(8) and others end with, which tell nothing."""
    return "\n".join(line for line in said.splitlines() if "dmesg(1) may have" not in line)
