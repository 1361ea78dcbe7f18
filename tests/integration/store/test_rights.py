"""Rights, granted and revoked."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from kadeploy.domain.rights import Right
from kadeploy.errors import Conflict
from kadeploy.store.database import Database
from kadeploy.store.rights import SqlRights

ADMINISTRATORS = frozenset({"root"})


def on(user: str, *nodes: str) -> list[Right]:
    return [Right(user=user, node=node) for node in nodes]


@pytest.fixture
def rights(database: Database) -> SqlRights:
    return SqlRights(database)


def test_rights_are_granted_once_and_listed_by_user(rights: SqlRights) -> None:
    async def story() -> None:
        assert await rights.grant(on("bob", "n-3"), overwrite=False, administrators=ADMINISTRATORS) == 1
        granted = on("alice", "n-1", "n-2")
        assert await rights.grant([*granted, *granted], overwrite=False, administrators=ADMINISTRATORS) == 2
        assert await rights.grant(on("alice", "n-2", "n-4"), overwrite=False, administrators=ADMINISTRATORS) == 1
        assert await rights.of("alice") == on("alice", "n-1", "n-2", "n-4")
        assert await rights.of() == [*on("alice", "n-1", "n-2", "n-4"), *on("bob", "n-3")]
        assert await rights.of("carol") == []

    asyncio.run(story())


def test_a_node_of_somebody_else_is_refused_and_nothing_is_granted(rights: SqlRights) -> None:
    async def story() -> None:
        await rights.grant(on("alice", "n-1", "n-2"), overwrite=False, administrators=ADMINISTRATORS)
        with pytest.raises(Conflict, match=r"some nodes are granted to others: alice has n-\[1-2\]"):
            await rights.grant(on("bob", "n-1", "n-2", "n-3"), overwrite=False, administrators=ADMINISTRATORS)
        assert await rights.of("bob") == []

    asyncio.run(story())


def test_a_dry_run_finds_the_same_conflicts_and_changes_nothing(rights: SqlRights) -> None:
    async def story() -> None:
        grant = partial(rights.grant, administrators=ADMINISTRATORS)
        await grant(on("alice", "n-1"), overwrite=False)
        with pytest.raises(Conflict, match="alice has n-1"):
            await grant(on("bob", "n-1"), overwrite=False, dry_run=True)
        assert await grant(on("bob", "n-1", "n-2"), overwrite=True, dry_run=True) == 2
        assert await grant(on("alice", "n-1"), overwrite=False, dry_run=True) == 0
        assert await rights.of() == on("alice", "n-1")

    asyncio.run(story())


def test_overwriting_takes_the_node_from_the_others(rights: SqlRights) -> None:
    async def story() -> None:
        await rights.grant(on("root", "n-1"), overwrite=False, administrators=ADMINISTRATORS)
        await rights.grant(on("alice", "n-1", "n-2"), overwrite=False, administrators=ADMINISTRATORS)
        assert await rights.grant(on("bob", "n-1"), overwrite=True, administrators=ADMINISTRATORS) == 1
        assert await rights.of() == [*on("alice", "n-2"), *on("bob", "n-1"), *on("root", "n-1")]

    asyncio.run(story())


def test_one_node_is_never_taken_out_of_a_right_on_every_node(rights: SqlRights) -> None:
    async def story() -> None:
        await rights.grant(on("alice", "*"), overwrite=False, administrators=ADMINISTRATORS)
        with pytest.raises(Conflict, match=r"alice has every node .*revoke that right first"):
            await rights.grant(on("bob", "n-1"), overwrite=True, administrators=ADMINISTRATORS)
        await rights.grant(on("bob", "*"), overwrite=True, administrators=ADMINISTRATORS)
        assert await rights.of() == on("bob", "*")

    asyncio.run(story())


def test_two_users_cannot_be_granted_one_node_in_one_request(rights: SqlRights) -> None:
    async def story() -> None:
        with pytest.raises(Conflict, match="alice has n-1"):
            await rights.grant([*on("alice", "n-1"), *on("bob", "n-1")], overwrite=False, administrators=ADMINISTRATORS)
        assert await rights.of() == []

    asyncio.run(story())


def test_exactly_what_is_named_is_revoked(rights: SqlRights) -> None:
    async def story() -> None:
        await rights.grant(on("alice", "n-1", "n-2", "n-3"), overwrite=False, administrators=ADMINISTRATORS)
        other_partition = Right(user="alice", node="n-3", partition="/dev/sda3")
        assert await rights.revoke([*on("alice", "n-1", "n-2", "n-9"), other_partition]) == 2
        assert await rights.revoke([]) == 0
        assert await rights.of() == on("alice", "n-3")

    asyncio.run(story())


def test_of_users_who_are_granted_one_node_at_once_one_wins(rights: SqlRights) -> None:
    async def story() -> list[int | BaseException]:
        grants = (
            rights.grant(on(f"user{number}", "n-1"), overwrite=False, administrators=ADMINISTRATORS)
            for number in range(20)
        )
        return await asyncio.gather(*grants, return_exceptions=True)

    answers = asyncio.run(story())
    assert answers.count(1) == 1
    assert sum(isinstance(answer, Conflict) for answer in answers) == 19


def within(user: str, node: str, since: float, until: float) -> Right:
    return Right(user=user, node=node, since=since, until=until)


def test_two_users_may_have_one_node_one_after_the_other(rights: SqlRights) -> None:
    async def story() -> None:
        first, second = within("alice", "n-1", 0.0, 1000.0), within("bob", "n-1", 1000.0, 2000.0)
        await rights.grant([first], overwrite=False, administrators=ADMINISTRATORS)
        await rights.grant([second], overwrite=False, administrators=ADMINISTRATORS)
        assert await rights.of() == [first, second]
        overlapping = within("carol", "n-1", 500.0, 1500.0)
        with pytest.raises(Conflict, match="alice has n-1; bob has n-1"):
            await rights.grant([overlapping], overwrite=False, administrators=ADMINISTRATORS)

    asyncio.run(story())


def test_what_is_overwritten_later_lasts_until_then(rights: SqlRights) -> None:
    async def story() -> None:
        await rights.grant(on("alice", "n-1", "n-2"), overwrite=False, administrators=ADMINISTRATORS)
        taking = within("bob", "n-1", 1000.0, 2000.0)
        await rights.grant([taking], overwrite=True, administrators=ADMINISTRATORS)
        assert await rights.of() == [within("alice", "n-1", 0.0, 1000.0), *on("alice", "n-2"), taking]

    asyncio.run(story())


def test_to_give_a_right_once_more_sets_its_time_anew(rights: SqlRights) -> None:
    async def story() -> None:
        short, long = within("alice", "n-1", 0.0, 1000.0), within("alice", "n-1", 0.0, 5000.0)
        later = within("alice", "n-1", 8000.0, 9000.0)
        for right in (short, long, later):
            assert await rights.grant([right], overwrite=False, administrators=ADMINISTRATORS) == 1
        assert await rights.of() == [long, later]
        assert await rights.grant([long], overwrite=False, administrators=ADMINISTRATORS) == 0
        assert await rights.revoke([long]) == 1
        assert await rights.of() == [later]

    asyncio.run(story())


def test_what_has_ended_is_deleted_and_nothing_else(rights: SqlRights) -> None:
    async def story() -> None:
        ended, running = within("alice", "n-1", 0.0, 1000.0), within("alice", "n-2", 0.0, 1000.5)
        await rights.grant([ended, running, *on("bob", "n-3")], overwrite=False, administrators=ADMINISTRATORS)
        assert await rights.expire(999.9) == []
        assert await rights.expire(1000.0) == [ended]
        assert await rights.of() == [running, *on("bob", "n-3")]

    asyncio.run(story())


def test_rights_of_a_user_and_their_groups_come_together(rights: SqlRights) -> None:
    async def story() -> None:
        await rights.grant([*on("alice", "n-1"), *on("@ml", "n-2")], overwrite=False, administrators=ADMINISTRATORS)
        assert await rights.of("alice", "@ml", "@other") == [*on("@ml", "n-2"), *on("alice", "n-1")]
        with pytest.raises(Conflict, match="@ml has n-2"):
            await rights.grant(on("alice", "n-2"), overwrite=False, administrators=ADMINISTRATORS)

    asyncio.run(story())
