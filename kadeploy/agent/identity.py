"""The name of this boot of the node: random, and the same for every agent process of the boot."""

from __future__ import annotations

import secrets
from pathlib import Path


def boot_id(state: Path) -> str:
    """Read it, or choose it when this is the boot's first agent."""
    path = state / "boot-id"
    if path.exists() and (kept := path.read_text().strip()):
        return kept
    chosen = secrets.token_hex(8)
    state.mkdir(parents=True, exist_ok=True)
    path.write_text(chosen + "\n")
    return chosen
