"""How much memory this machine could still give: what the image may take a share of."""

from __future__ import annotations

from pathlib import Path

ASSUMED = 512 << 20  # bytes, where the kernel does not say


def free_memory(path: str = "/proc/meminfo") -> int:
    """Bytes that can be had without swapping: MemAvailable of proc(5)."""
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return ASSUMED
    found = (line.split() for line in lines if line.startswith("MemAvailable:"))
    return next((int(words[1]) * 1024 for words in found), ASSUMED)
