"""What this server tells a node to tell it again: sealed, so that a node cannot tell it something else.

The secret outlives the server, since what was sealed before a restart comes back after it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

LENGTH: Final = 32  # bytes


class Seal:
    """HMAC (RFC 2104) with SHA-256."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    @classmethod
    def kept(cls, path: Path) -> Seal:
        """With the secret in that file, which is made when there is none. Raises OSError."""
        try:
            secret = path.read_bytes()
        except FileNotFoundError:
            secret = b""
        if len(secret) != LENGTH:
            secret, draft = secrets.token_bytes(LENGTH), path.with_name(f"{path.name}.new")
            with open(draft, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(secret)
                file.flush()
                os.fsync(file.fileno())
            draft.rename(path)
        return cls(secret)

    def of(self, key: str, said: Mapping[str, object]) -> str:
        """For what was said of `key`."""
        text = json.dumps([key, said], sort_keys=True)
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()

    def holds(self, key: str, said: Mapping[str, object], seal: str) -> bool:
        return hmac.compare_digest(self.of(key, said).encode(), seal.encode())
