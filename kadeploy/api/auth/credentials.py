"""What a request shows of who sends it, who that is found to be, and what a scheme of authentication is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from kadeploy.domain.access import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Where a request comes from and goes to, and what it says; empty when not there.

    `certificate` is the one (DER) whose key the client has proved to hold in TLS, `claimed_certificate` the
    Certificate header, which proves nothing.
    """

    address: str
    port: int = 0
    server: str = ""
    server_port: int = 0
    user: str = ""
    authorization: str = field(default="", repr=False)
    claimed_certificate: str = field(default="", repr=False)
    certificate: bytes = field(default=b"", repr=False)

    def shown(self, kind: str) -> str | None:
        """What stands behind `Basic` or `Bearer` in the Authorization header (RFC 9110, 11.4)."""
        name, _, rest = self.authorization.strip().partition(" ")
        return rest.strip() if name.lower() == kind.lower() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who it is, how that is known, and what it was shown for."""

    user: str
    scheme: str
    scope: Scope = Scope.OPERATE
    groups: tuple[str, ...] = ()
    token: str = ""


class Scheme(Protocol):
    async def identify(self, credentials: Credentials) -> Identity | None:
        """Who it is, or None when this scheme has no say; raises NotAuthenticated when it says no, for good."""
        ...
