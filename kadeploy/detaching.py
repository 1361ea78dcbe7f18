"""Leaving the terminal, as Kadeploy3's daemon does with `-d`: for sites whose init scripts start it so.

Under systemd none of it is needed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kadeploy.errors import BadConfiguration

VARIABLES: Final = ("KADEPLOY_LOG_DIR", "KADEPLOY3_LOG_DIR")
DIRECTORY: Final = Path("/var/log/kadeploy")
_FILES: Final = {1: "output.log", 2: "error.log"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Detachment:
    """Which of the three descriptors stay what they are."""

    keeps_input: bool = False
    keeps_output: bool = False
    keeps_error: bool = False


def detach(how: Detachment, environ: Mapping[str, str]) -> None:
    """Go on in a process of its own without a terminal (daemon(7)); returns there only.

    Output and errors are appended to files of the log directory. Raises BadConfiguration where these cannot be written,
    before anything has happened. To be called before there are threads.
    """
    kept = {0: how.keeps_input, 1: how.keeps_output, 2: how.keeps_error}
    opened = {number: _opened(number, environ) for number, stays in kept.items() if not stays}
    sys.stdout.flush()
    sys.stderr.flush()
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
    for number, descriptor in opened.items():
        os.dup2(descriptor, number)
        os.close(descriptor)


def _opened(number: int, environ: Mapping[str, str]) -> int:
    if number == 0:
        return os.open(os.devnull, os.O_RDONLY)
    directory = next((Path(environ[name]) for name in VARIABLES if environ.get(name)), DIRECTORY)
    path = directory / _FILES[number]
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o750)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    except OSError as error:
        hint = f"{VARIABLES[0]} names another directory; -O and -E keep output and errors where they are"
        raise BadConfiguration(f"--detach: {path} cannot be written: {error.strerror}", hint=hint) from error
