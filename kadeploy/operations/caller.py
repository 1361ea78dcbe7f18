"""Who asks: the user that authentication named."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_USER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,63}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An administrator sees and changes what is others', but has no rights on nodes for that."""

    name: str
    is_administrator: bool = False

    def may_act_for(self, user: str) -> bool:
        return self.is_administrator or self.name == user


def is_user_name(text: str) -> bool:
    """At most 64 letters, digits and `_.@+-`, as in names of mail and of systems."""
    return _USER.match(text) is not None
