"""Files that only this server reads and writes."""

from __future__ import annotations

import os


def own(name: str, flags: int) -> int:
    """An opener for `open`: what it makes has mode 0600 from its first byte on."""
    return os.open(name, flags | os.O_CLOEXEC, 0o600)
