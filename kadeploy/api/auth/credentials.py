"""What a request shows of who sends it, and what a scheme of authentication is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The client's address, its User header and its Authorization header; empty when not there."""

    address: str
    user: str = ""
    authorization: str = ""


class Scheme(Protocol):
    async def user(self, credentials: Credentials) -> str | None:
        """The user, or None when this scheme has no say; raises NotAuthenticated when it says no."""
        ...
