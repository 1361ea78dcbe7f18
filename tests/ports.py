"""Ports for servers that tests start a moment later."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterator
from typing import Final

FIRST: Final = 26_000
AFTER: Final = 32_768  # Linux gives those from here to connections, which could be in the way by then
_TRIED: Final[Iterator[int]] = itertools.count(os.getpid() * 101)  # each process has others


def free_port() -> int:
    """One on which nobody listens on this machine, and another at each call."""
    for tried in _TRIED:
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port := FIRST + tried % (AFTER - FIRST)))
            except OSError:
                continue
            return port
    raise AssertionError("unreachable: the count goes on")
