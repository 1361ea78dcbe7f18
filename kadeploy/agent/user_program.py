"""Running what a user wrote: its output is kept, and what went wrong is told with its last words."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from kadeploy.errors import CommandFailed
from kadeploy.process import Finished, run

LONGEST = 24 * 3600.0  # seconds; the server's own deadline is shorter and ends it
SCRIPTS = "KADEPLOY_PREPOST_EXTRACTION_DIR"  # the variable that names the directory of scripts
_LAST_WORDS = 1500  # characters of the output in a reason: its end


async def run_program(
    argv: Sequence[str], environment: Mapping[str, str], *, called: str, folder: str | None = None
) -> str:
    """What it wrote, errors behind the rest. Raises CommandFailed, which says `called` and how it ended.

    The directory of scripts that the environment names is there when it begins.
    """
    if scripts := environment.get(SCRIPTS):
        os.makedirs(scripts, exist_ok=True)
    finished = await run(argv, deadline=LONGEST, env=environment, cwd=folder)
    if not finished.ok:
        raise CommandFailed(f"{called} {finished.ending}{_last_words(finished)}")
    return _said(finished)


def _said(finished: Finished) -> str:
    between = "\n" if finished.stdout and finished.stderr and not finished.stdout.endswith("\n") else ""
    return f"{finished.stdout}{between}{finished.stderr}"


def _last_words(finished: Finished) -> str:
    said = _said(finished).strip()
    if not said:
        return ""
    return f": {said}" if len(said) <= _LAST_WORDS else f": …{said[-_LAST_WORDS:]}"
