"""Exit codes: the table of the help, as a test."""

from __future__ import annotations

import pytest

from kadeploy import errors
from kadeploy.cli.exits import TABLE, exit_code
from kadeploy.cli.refused import Refused, explained


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, 6, 6),
        (400, 30, 30),
        (400, 0, 2),
        (400, None, 2),
        (409, 11, 2),
        (401, None, 2),
        (403, None, 2),
        (404, None, 1),
        (500, None, 3),
    ],
)
def test_the_servers_refusals(status: int, code: int | None, expected: int) -> None:
    assert exit_code(Refused("no", status=status, code=code)) == expected


def test_what_goes_wrong_here_is_one() -> None:
    assert exit_code(errors.Unavailable("no server")) == 1
    assert exit_code(errors.InvalidNodes("no range")) == 1


def test_no_error_ends_with_zero() -> None:
    known = [thing for thing in vars(errors).values() if isinstance(thing, type)]
    for kind in (kind for kind in known if issubclass(kind, errors.KadeployError)):
        assert exit_code(Refused("no", status=kind.status, code=kind.code)) != 0


def test_every_application_number_is_in_the_table() -> None:
    known = [thing for thing in vars(errors).values() if isinstance(thing, type)]
    numbers = {kind.code for kind in known if issubclass(kind, errors.KadeployError) and kind.code}
    words = TABLE.replace(",", " ").split()
    assert {str(number) for number in numbers} <= set(words)


def test_the_number_is_told_with_the_message() -> None:
    assert explained(Refused("no rights on node-3", status=400, code=6)) == "no rights on node-3 [Kadeploy error 6]"
    assert explained(errors.Unavailable("gone", hint="wait")) == "gone (wait)"
