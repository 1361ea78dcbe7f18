"""Hooks: the site's own commands, run when an operation has ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kadeploy.domain.state import OperationKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An operation at its end; `ok` and `ko` are folded nodes."""

    operation: str
    kind: OperationKind
    user: str
    state: str
    ok: str
    ko: str


class Hooks(Protocol):
    def has(self, kind: OperationKind) -> bool:
        """Whether there is a command for operations of that kind."""
        ...

    async def run(self, ended: Ended) -> str:
        """Why the command failed, empty when it went well; ends within its own deadline."""
        ...
