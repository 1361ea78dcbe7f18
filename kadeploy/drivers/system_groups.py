"""Groups as this machine's system knows them: /etc/group, or whatever its nsswitch.conf(5) names, such as LDAP."""

from __future__ import annotations

import asyncio
import contextlib
import grp
import os
import pwd
from collections.abc import Iterator


class SystemGroups:
    """Implements ports.directory.Directory. A directory that is far away is asked in a thread."""

    async def groups_of(self, user: str) -> frozenset[str]:
        return await asyncio.to_thread(lambda: frozenset(_groups_of(user)))


def _groups_of(user: str) -> Iterator[str]:
    try:
        first = pwd.getpwnam(user).pw_gid
    except KeyError:
        return
    for number in os.getgrouplist(user, first):
        with contextlib.suppress(KeyError):  # a number without a name
            yield grp.getgrgid(number).gr_name
