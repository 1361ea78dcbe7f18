"""A session at a node's console: who, where, and how it stands."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

from kadeploy.errors import KadeployError

PREFIX: Final = "C-"
ESCAPE: Final = b"\x1b"
TO_LEAVE: Final = 4  # times ESC in a row, as in Kadeploy3


@dataclass(slots=True, kw_only=True)
class ConsoleSession:
    """`groups` are those that the user's token names. Who watches does not type.

    `left` is when nobody was attached last, in seconds since the epoch like `created`; `failure` is why it was ended.
    """

    id: str
    user: str
    groups: tuple[str, ...]
    node: str
    watches: bool
    created: float
    left: float
    is_attached: bool = False
    is_over: bool = False
    failure: KadeployError | None = None


def new_console_id() -> str:
    return f"{PREFIX}{uuid.uuid4()}"


class LeaveKey:
    """Watches what is typed for the sequence that leaves: ESC so many times in a row."""

    def __init__(self) -> None:
        self._count = 0

    def is_in(self, typed: bytes) -> bool:
        """Whether the sequence is complete with these bytes."""
        for index in range(len(typed)):
            self._count = self._count + 1 if typed[index : index + 1] == ESCAPE else 0
            if self._count == TO_LEAVE:
                return True
        return False
