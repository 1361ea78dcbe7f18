"""Standard input, output and error as they may be: closed, full, with nobody at their other end, or of a terminal that
does not know every character. None of it is a defect of a tool's.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Final, TextIO

from kadeploy.cli.unread import reason

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def make_usable() -> None:
    """What is closed leads nowhere, lest a connection get its number. Files and programs are told UTF-8, as JSON and
    YAML are; what a terminal cannot show becomes a `?` there."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, which is this one
    sys.stdin = sys.stdin or os.fdopen(0, "r")
    sys.stdout, sys.stderr = _patient(sys.stdout, 1), _patient(sys.stderr, 2)


def fault_of_output(error: Exception) -> str | None:
    """Why what a tool tells cannot be written; empty when only nobody wants to know, None for any other error. What
    was not yet written is given up then: the end of the process would try again, and complain."""
    if isinstance(error, BrokenPipeError):
        fault = ""
    elif isinstance(error, OSError) and error.errno in _FULL and error.filename is None:
        fault = f"standard output cannot be written: {reason(error)}"
    else:
        return None
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return fault


def _patient(stream: TextIO | None, descriptor: int) -> TextIO:
    told = stream or os.fdopen(descriptor, "w")
    if isinstance(told, io.TextIOWrapper):
        told.reconfigure(encoding=told.encoding if told.isatty() else "utf-8", errors="replace")
    return told
