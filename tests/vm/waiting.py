"""The only way the tests of this tier wait: machines and daemons tell nobody when they are ready."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

LOOK: Final = 0.1  # seconds between two looks


def wait_for(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Look until it is so. Raises AssertionError with `what` was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(LOOK)
