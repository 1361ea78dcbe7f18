from __future__ import annotations

from pathlib import Path

import asyncssh
import pytest


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a `key` that servers let in, its public part, and an `other` key."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("key", "other"):
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(folder / name)
        key.write_public_key(folder / f"{name}.pub")
    return folder
