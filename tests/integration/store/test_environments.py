"""Recorded environments."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from kadeploy.domain.environment import Part, Visibility
from kadeploy.domain.environment_name import Architecture
from kadeploy.errors import AlreadyExists, InvalidEnvironment
from kadeploy.store.database import Database
from kadeploy.store.environments import SqlEnvironments
from tests.integration.store.examples import an_environment


@pytest.fixture
def environments(database: Database) -> SqlEnvironments:
    return SqlEnvironments(database)


def test_an_environment_is_read_back_whole_with_its_keys_in_the_users_order(environments: SqlEnvironments) -> None:
    recorded = an_environment()
    bare = replace(an_environment("bare"), preinstall=None, postinstalls=(), description={})

    async def story() -> None:
        await environments.add(recorded)
        await environments.add(bare)
        (found,) = await environments.find(name="debian12")
        assert found == recorded
        assert json.dumps(found.description) == json.dumps(recorded.description)
        assert await environments.find(name="bare") == [bare]

    asyncio.run(story())


def test_the_same_name_and_version_of_one_user_is_refused(environments: SqlEnvironments) -> None:
    async def story() -> None:
        await environments.add(an_environment())
        await environments.add(an_environment(version=2))
        await environments.add(an_environment(user="bob"))
        with pytest.raises(AlreadyExists, match="environment debian12 version 1 of alice exists already"):
            await environments.add(an_environment())

    asyncio.run(story())


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["a_b/bob/1", "axb/alice/1", "debian/alice/1", "debian/alice/2", "debian/alice/10", "debian/bob/3"]),
        ({"name": "debian"}, ["debian/alice/1", "debian/alice/2", "debian/alice/10", "debian/bob/3"]),
        ({"name": "debian", "user": "bob"}, ["debian/bob/3"]),
        ({"name": "debian", "last": True}, ["debian/alice/10", "debian/bob/3"]),
        ({"name": "debian", "version": 2}, ["debian/alice/2"]),
        ({"name": "%b%", "user": "al%", "last": True}, ["axb/alice/1", "debian/alice/10"]),
        ({"name": "a_b"}, ["a_b/bob/1"]),
        ({"name": "a_%"}, ["a_b/bob/1"]),
        ({"name": "DEB%"}, []),
        ({"name": "Debian"}, []),
        ({"name": "%\\%"}, []),
        ({"name": "%", "user": "carol"}, []),
    ],
)
def test_find(environments: SqlEnvironments, filters: dict[str, object], expected: list[str]) -> None:
    async def story() -> list[str]:
        for version in (10, 1, 2):
            await environments.add(an_environment("debian", version=version))
        await environments.add(an_environment("debian", user="bob", version=3))
        await environments.add(an_environment("axb"))
        await environments.add(an_environment("a_b", user="bob"))
        found = await environments.find(**filters)  # type: ignore[arg-type]
        return [f"{one.name}/{one.user}/{one.version}" for one in found]

    assert asyncio.run(story()) == expected


def test_replace_and_delete(environments: SqlEnvironments) -> None:
    async def story() -> None:
        await environments.add(an_environment())
        await environments.add(an_environment(version=2))
        changed = replace(an_environment(), visibility=Visibility.PUBLIC, description={"new": True})
        await environments.replace([changed])
        assert await environments.find() == [changed, an_environment(version=2)]
        await environments.delete([changed, an_environment("unknown")])
        await environments.delete([])
        assert await environments.find() == [an_environment(version=2)]
        with pytest.raises(InvalidEnvironment, match="there is no environment debian12 version 1 of alice"):
            await environments.replace([changed])

    asyncio.run(story())


def test_several_are_replaced_or_none(environments: SqlEnvironments) -> None:
    async def story() -> None:
        await environments.add(an_environment())
        changed = replace(an_environment(), visibility=Visibility.PUBLIC)
        with pytest.raises(InvalidEnvironment, match="version 2"):
            await environments.replace([changed, an_environment(version=2)])
        assert await environments.find() == [an_environment()]

    asyncio.run(story())


def test_an_alias_finds_what_carries_it_and_follows_changes(environments: SqlEnvironments) -> None:
    async def story() -> None:
        intel = replace(an_environment("debian-x64"), alias="debian", architecture=Architecture.X86_64)
        arm = replace(an_environment("debian-arm64"), alias="debian", architecture=Architecture.AARCH64)
        for one in (intel, arm, an_environment("debian")):
            await environments.add(one)
        assert await environments.find(alias="debian") == [arm, intel]
        assert await environments.find(alias="deb%", user="bob") == []
        await environments.replace([replace(arm, alias="other")])
        assert await environments.find(alias="debian") == [intel]
        assert [one.name for one in await environments.find(alias="other")] == ["debian-arm64"]

    asyncio.run(story())


def test_an_archive_of_several_file_systems_is_read_back(environments: SqlEnvironments) -> None:
    parts = (Part(id=0, device="/dev/sda1"), Part(id=1, device="/dev/sda3"))
    whole = replace(an_environment(), multipart=True, parts=parts, boot_disk="/dev/sda", boot_partition=3)

    async def story() -> None:
        await environments.add(whole)
        assert await environments.find() == [whole]

    asyncio.run(story())
