"""What is written down of what changes something: who, from where, what, on which nodes, with what result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """`at` is seconds since the epoch, `scheme` how the user was known, `action` a method and a path, or `end`.

    `nodes` is folded; `result` begins with `ok`, or is the refusal in words.
    """

    at: float
    user: str
    action: str
    role: str = ""
    scheme: str = ""
    address: str = ""
    operation: str = ""
    nodes: str = ""
    result: str = "ok"


def to_json(entry: AuditEntry) -> Mapping[str, Any]:
    return asdict(entry)
