"""Requests that are sent again because their answer was lost: they are told what the first one began."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from kadeploy.domain.operation import Once, Operation
from kadeploy.errors import InvalidOption, KeyReused
from kadeploy.operations.caller import Caller
from kadeploy.ports.store import Operations

LONGEST = 255  # characters of a key


def once(key: str, what: str, parameters: Mapping[str, object]) -> Once | None:
    """None without a key; raises InvalidOption. `what` is what is to be done with these parameters."""
    if not key:
        return None
    if len(key) > LONGEST or not key.isprintable():
        raise InvalidOption(f"Idempotency-Key: must be at most {LONGEST} printable characters")
    text = json.dumps([what, parameters], sort_keys=True, default=str)
    return Once(key=key, digest=hashlib.sha256(text.encode()).hexdigest())


class Repeats:
    """The use case."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def first(self, caller: Caller, asked: Once) -> Operation | None:
        """What the caller began with that key; raises KeyReused when that was another request."""
        found = await self._operations.repeated(caller.name, asked.key)
        if found is not None and found.once != asked:
            raise KeyReused(f"the idempotency key {asked.key!r} belongs to another request, which began {found.id}")
        return found
