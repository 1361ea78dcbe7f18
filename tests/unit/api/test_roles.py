"""Who has which role, and what each role and scope opens."""

from __future__ import annotations

import pytest

from kadeploy.api.auth.roles import RoleBook
from kadeploy.config.authentication import Roles
from kadeploy.domain.access import Access, Role, Scope
from kadeploy.operations.caller import Caller

ROLES = Roles.model_validate(
    {
        "default": "read-only",
        "admin": {"users": "ann", "groups": "wheel"},
        "operator": {"groups": ["support"]},
        "user": {"users": ["ulf", "ann"]},
    }
)
BOOK = RoleBook(ROLES, frozenset({"root"}))


@pytest.mark.parametrize(
    ("user", "groups", "role"),
    [
        ("root", (), Role.ADMIN),
        ("ann", (), Role.ADMIN),
        ("otto", ("support", "wheel"), Role.ADMIN),
        ("otto", ("support",), Role.OPERATOR),
        ("ulf", ("others",), Role.USER),
        ("vera", (), Role.READ_ONLY),
    ],
)
def test_the_highest_role_counts(user: str, groups: tuple[str, ...], role: Role) -> None:
    assert BOOK.role_of(user, groups) is role


def test_who_has_none_may_be_shut_out() -> None:
    assert RoleBook(Roles(default="none"), frozenset()).role_of("vera") is None


OPEN, READ, OPERATE, OVERSEE, ADMINISTER = Access


@pytest.mark.parametrize(
    ("role", "scope", "opened"),
    [
        (Role.ADMIN, Scope.OPERATE, {OPEN, READ, OPERATE, OVERSEE, ADMINISTER}),
        (Role.ADMIN, Scope.READ, {OPEN, READ, OVERSEE}),
        (Role.OPERATOR, Scope.OPERATE, {OPEN, READ, OPERATE, OVERSEE}),
        (Role.USER, Scope.OPERATE, {OPEN, READ, OPERATE}),
        (Role.USER, Scope.READ, {OPEN, READ}),
        (Role.READ_ONLY, Scope.OPERATE, {OPEN, READ}),
    ],
)
def test_what_a_role_and_a_scope_open(role: Role, scope: Scope, opened: set[Access]) -> None:
    caller = Caller(name="x", role=role, scope=scope)
    assert {access for access in Access if caller.has(access)} == opened


def test_operators_see_the_operations_of_others_and_change_nothing_else_of_theirs() -> None:
    operator = Caller(name="otto", role=Role.OPERATOR)
    assert operator.may_oversee("alice")
    assert not operator.may_act_for("alice")
    assert operator.may_act_for("otto")
