"""Tokens that people and programs show to the API: `kdp_ID_SECRET`. The secret is told once and kept nowhere."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

from kadeploy.domain.access import Scope

PREFIX: Final = "kdp_"
_SHAPE: Final = re.compile(r"kdp_([0-9a-f]{12})_([A-Za-z0-9_-]{43})\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """`id` is no secret, `secret_hash` the secret's SHA-256 in hexadecimal.

    `groups` are those its owner was in when it was made. Times are seconds since the epoch; `used` is 0.0 for never,
    and exact to a minute.
    """

    id: str
    user: str
    name: str
    scope: Scope
    secret_hash: str = field(repr=False)
    created: float
    expires: float
    used: float = 0.0
    groups: tuple[str, ...] = ()


def new_secret() -> tuple[str, str]:
    """An id, and a secret of 256 random bits."""
    return secrets.token_hex(6), secrets.token_urlsafe(32)


def text_of(token_id: str, secret: str) -> str:
    """The token as it is shown to the API."""
    return f"{PREFIX}{token_id}_{secret}"


def parts(text: str) -> tuple[str, str] | None:
    """Id and secret; None for what is no token of ours."""
    found = _SHAPE.match(text)
    return (found[1], found[2]) if found else None


def hash_of(secret: str) -> str:
    """What is kept of a secret. It is long and random, so one round of SHA-256 without salt suffices."""
    return hashlib.sha256(secret.encode()).hexdigest()
