"""Which of the server's own files a user may have read for them: those under the permitted directories, and, where the
site wants it, of these only what the user could read there themself.

The server reads with its own rights, so the user's are worked out from the modes (path_resolution(7)): every directory
on the way must let them search, the file let them read. A file or directory with an access control list (acl(5)) counts
as its owner's alone: what the mode says of the others is not all there is.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kadeploy.errors import InvalidFile

_USER: Final = "USER"
_ACL: Final = "system.posix_acl_access"
_READ: Final = 4
_SEARCH: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user as the server's system knows them."""

    uid: int
    groups: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    """`roots` may have USER in them, which stands for who asks. With `as_user` a file must be the user's to read."""

    roots: tuple[Path, ...]
    as_user: bool = False

    def check(self, path: str, real: str, users: Sequence[str]) -> None:
        """Blocking; `real` is where the path leads. Raises InvalidFile, the same whether there is a file or not."""
        if not any(Path(real).is_relative_to(os.path.realpath(root)) for root in self._roots(users)):
            raise InvalidFile(
                f"the file {path} is not under a directory that this server may read images from",
                hint="put it where the administrators permit",
            )
        if self.as_user and not any(_may_read(real, _account(user)) for user in users):
            raise InvalidFile(f"the file {path} is not {' or '.join(users) or 'anybody'}'s to read")

    def _roots(self, users: Sequence[str]) -> Iterable[Path]:
        for root in self.roots:
            if _USER not in root.parts:
                yield root
                continue
            for user in users:
                if user not in ("", ".", "..") and "/" not in user:
                    yield Path(*(user if part == _USER else part for part in root.parts))


EVERYTHING: Final = Permitted(roots=(Path("/"),))


def _account(user: str) -> Account | None:
    """None for who has no account here: then only what everybody may read is theirs."""
    try:
        found = pwd.getpwnam(user)
    except (KeyError, ValueError):
        return None
    groups = {found.pw_gid, *(each.gr_gid for each in grp.getgrall() if user in each.gr_mem)}
    return Account(uid=found.pw_uid, groups=frozenset(groups))


def _may_read(real: str, account: Account | None) -> bool:
    folders = Path(real).parents
    return all(_may(str(folder), account, _SEARCH) for folder in folders) and _may(real, account, _READ)


def _may(path: str, account: Account | None, wanted: int) -> bool:
    try:
        return allows(os.stat(path), account, wanted, has_acl=_ACL in os.listxattr(path))
    except OSError:
        return False


def allows(status: os.stat_result, account: Account | None, wanted: int, *, has_acl: bool) -> bool:
    """Whether the mode lets the account do what is `wanted` (4 to read, 1 to search), as inode(7) says."""
    if account is not None and account.uid == 0:
        return True
    if account is not None and status.st_uid == account.uid:
        return bool(stat.S_IMODE(status.st_mode) >> 6 & wanted)
    if has_acl:
        return False
    shift = 3 if account is not None and status.st_gid in account.groups else 0
    return bool(stat.S_IMODE(status.st_mode) >> shift & wanted)
