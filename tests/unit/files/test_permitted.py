"""Which of the server's own files a user may have read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kadeploy.errors import InvalidFile
from kadeploy.files.permitted import Account, Permitted, allows

ALICE = Account(uid=1000, groups=frozenset({1000, 20}))


def mode(bits: int, *, uid: int = 0, gid: int = 0) -> os.stat_result:
    return os.stat_result((bits, 1, 1, 1, uid, gid, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("status", "account", "has_acl", "allowed"),
    [
        (mode(0o644), ALICE, False, True),
        (mode(0o640), ALICE, False, False),
        (mode(0o640, gid=20), ALICE, False, True),
        (mode(0o604, gid=20), ALICE, False, False),  # the group's bits count for the group, as everywhere
        (mode(0o600, uid=1000), ALICE, False, True),
        (mode(0o044, uid=1000), ALICE, False, False),
        (mode(0o644), None, False, True),
        (mode(0o640), None, False, False),
        (mode(0o644), ALICE, True, False),
        (mode(0o600, uid=1000), ALICE, True, True),
        (mode(0o000), Account(uid=0, groups=frozenset()), False, True),
    ],
)
def test_a_mode_means_what_it_means_to_the_system(
    status: os.stat_result, account: Account | None, has_acl: bool, allowed: bool
) -> None:
    assert allows(status, account, 4, has_acl=has_acl) is allowed


def test_a_root_may_be_each_users_own(tmp_path: Path) -> None:
    permitted = Permitted(roots=(tmp_path / "USER" / "public",))
    path = str(tmp_path / "alice" / "public" / "image")
    permitted.check(path, path, ["alice"])
    for users in (["bob"], [], ["."], ["../alice"], ["USER"]):
        with pytest.raises(InvalidFile, match="is not under a directory"):
            permitted.check(path, path, users)


def test_only_what_the_user_could_read_where_the_site_wants_it(tmp_path: Path) -> None:
    """The directory of a test is its user's alone."""
    path = tmp_path / "image"
    path.touch()
    permitted = Permitted(roots=(tmp_path,), as_user=True)
    with pytest.raises(InvalidFile, match="is not nobody's to read"):
        permitted.check(str(path), str(path), ["nobody"])
    Permitted(roots=(Path("/usr"),), as_user=True).check("/usr/bin/env", os.path.realpath("/usr/bin/env"), ["nobody"])
