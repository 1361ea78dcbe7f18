"""What the configuration says of where files come from: whom to trust there, through whom, with which credentials.

Credentials belong to a place, never to a description: whoever may name a file of the place may have it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Depot:
    """Everything whose URL begins with `prefix`. `proxy` None is the usual one, empty is none.

    `endpoint`, `region`, `key` and `secret` are an object store's; without a key it is asked as anybody.
    """

    prefix: str
    ca: Path | None = None
    proxy: str | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    endpoint: str = ""
    region: str = ""
    key: str = ""
    secret: str = field(default="", repr=False)

    def holds(self, url: str) -> bool:
        """Whether the URL is under the prefix: same scheme, host and port, and the path of it or below."""
        ours, theirs = urlsplit(self.prefix), urlsplit(url)
        path = ours.path if ours.path.endswith("/") else f"{ours.path}/"
        return _place(self.prefix) == _place(url) and f"{theirs.path}/".startswith(path)


def _place(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
