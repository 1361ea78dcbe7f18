"""Who may use which part of the API: roles of people, scopes of tokens, and what each of them opens."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Access(StrEnum):
    """What a route of the API asks of who calls it."""

    OPEN = "open"
    """Nothing: it is answered before anybody says who they are."""
    READ = "read"
    """To look at what is shown to everybody who is known, and at what is one's own."""
    OPERATE = "operate"
    """To change something: start and abort operations, record environments."""
    OVERSEE = "oversee"
    """To look at what is others': their rights, and what they did."""
    ADMINISTER = "administer"
    """To decide about others: their rights, and their tokens."""


class Role(StrEnum):
    """What a person is to this server. Rights on nodes are granted apart, and no role gives any."""

    ADMIN = "admin"
    """Administers the API, sees and changes what is others'."""
    OPERATOR = "operator"
    """A user who also sees, and may abort, the operations of all others."""
    USER = "user"
    """Works on the nodes they have rights on."""
    READ_ONLY = "read-only"
    """Looks, and changes nothing."""


class Scope(StrEnum):
    """What a token may be used for, within what its owner may do."""

    READ = "read"
    OPERATE = "operate"


OF_ROLE: Final[Mapping[Role, frozenset[Access]]] = {
    Role.ADMIN: frozenset(Access),
    Role.OPERATOR: frozenset({Access.OPEN, Access.READ, Access.OPERATE, Access.OVERSEE}),
    Role.USER: frozenset({Access.OPEN, Access.READ, Access.OPERATE}),
    Role.READ_ONLY: frozenset({Access.OPEN, Access.READ}),
}
OF_SCOPE: Final[Mapping[Scope, frozenset[Access]]] = {
    Scope.OPERATE: frozenset(Access),
    Scope.READ: frozenset({Access.OPEN, Access.READ, Access.OVERSEE}),
}
