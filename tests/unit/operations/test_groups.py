"""Who is in which group, from every place that says so."""

from __future__ import annotations

import asyncio
import grp
import os
import pwd

from kadeploy.drivers.system_groups import SystemGroups
from kadeploy.operations.groups import Groups


class TwoGroups:
    """Implements ports.directory.Directory."""

    async def groups_of(self, user: str) -> frozenset[str]:
        return frozenset({"staff", "ml"}) if user == "alice" else frozenset()


def test_what_is_configured_shown_and_known_to_the_system_adds_up() -> None:
    groups = Groups({"bio": ["alice", "bob"], "ml": ["bob"]}, TwoGroups())
    assert asyncio.run(groups.of("alice", ["grid"])) == {"bio", "staff", "ml", "grid"}
    assert asyncio.run(groups.of("bob")) == {"bio", "ml"}
    assert asyncio.run(Groups({}).of("alice")) == frozenset()


def test_the_systems_groups_are_asked_of_the_system() -> None:
    me = pwd.getpwuid(os.getuid())
    found = asyncio.run(SystemGroups().groups_of(me.pw_name))
    assert grp.getgrgid(me.pw_gid).gr_name in found
    assert asyncio.run(SystemGroups().groups_of("nobody-of-this-name")) == frozenset()


def test_groups_that_are_read_again_count_from_then_on() -> None:
    groups = Groups({"bio": ["alice"]}, TwoGroups())
    before = asyncio.run(groups.of("alice"))
    groups.adopt({"ml": ["alice"]}, counts=True)
    assert asyncio.run(groups.of("alice")) == before - {"bio"} | {"ml"}
    groups.adopt({"ml": ["alice"]}, counts=False)
    assert asyncio.run(groups.of("alice")) == {"ml"}
