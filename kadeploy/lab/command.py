"""Short commands the lab runs on its own machine, each with a deadline and an error a person can act on."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from kadeploy.errors import CommandFailed
from kadeploy.process import loggable

DEADLINE = 30.0  # seconds; all of these end at once on a healthy machine


def run(argv: Sequence[str], *, package: str, deadline: float = DEADLINE) -> str:
    """What the command printed. `package` is the Debian package that brings it. Raises CommandFailed."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=deadline, check=False)
    except FileNotFoundError:
        raise CommandFailed(f"{argv[0]} is not installed", hint=f"apt-get install {package}") from None
    except subprocess.TimeoutExpired:
        raise CommandFailed(f"{loggable(argv)} did not end in {deadline:g} s") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise CommandFailed(f"{loggable(argv)}: {said[-1] if said else f'exit code {done.returncode}'}")
    return done.stdout
