"""Clock: what time it is. Waiting is asyncio's own; a jumping event loop makes it short in scenario tests."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since the epoch."""
        ...
