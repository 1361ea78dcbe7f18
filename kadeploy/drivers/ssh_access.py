"""How this server gets into running systems by SSH: one value that all who do share, for it changes when the
configuration is read again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True, kw_only=True)
class SshAccess:
    """Without a `key` nobody is let in; that an SSH server answers on `port` can be seen all the same."""

    key: Path | None = None
    port: int = 22
