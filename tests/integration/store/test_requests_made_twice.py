"""An operation's creator may ask for it twice, under a key of their own; and counting what is kept."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Once
from kadeploy.domain.state import NodeState, OperationKind, OperationState
from kadeploy.errors import AlreadyExists
from kadeploy.ports.store import KeptAnswer, NodeRecord
from kadeploy.store.answers import SqlAnswers
from kadeploy.store.database import Database
from kadeploy.store.nodes import SqlNodes
from kadeploy.store.operations import SqlOperations
from tests.integration.store.examples import an_operation

ONCE = Once(key="k", digest="0" * 64)


def test_a_key_is_recorded_with_the_operation_and_outlives_a_restart(database: Database, url: str) -> None:
    operations = SqlOperations(database)
    first = replace(an_operation("D-1", "n[1-2]"), once=ONCE)

    async def story() -> None:
        await operations.create(first)
        with pytest.raises(AlreadyExists, match="has used the key 'k' before"):
            await operations.create(replace(an_operation("D-2", "n[8-9]"), once=ONCE))
        await operations.create(replace(an_operation("D-3", "n[8-9]", user="bob"), once=ONCE))
        await operations.create(an_operation("D-4", "n5"))
        await operations.create(an_operation("D-5", "n6"))
        await operations.end("D-1", OperationState.DONE, at=2000.0)
        await operations.forget("D-1")

    asyncio.run(story())
    again = Database.open(url)
    try:
        found = asyncio.run(SqlOperations(again).repeated("alice", "k"))
        assert found is not None
        assert (found.id, found.once) == ("D-1", ONCE)
        assert asyncio.run(SqlOperations(again).repeated("alice", "other")) is None
    finally:
        again.close()


def test_of_the_same_request_many_times_at_once_one_is_recorded(database: Database) -> None:
    operations = SqlOperations(database)

    async def story() -> None:
        asked = [operations.create(replace(an_operation(f"D-{i}", f"n{i}"), once=ONCE)) for i in range(8)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(isinstance(answer, AlreadyExists) for answer in answers) == 7
        assert len(await operations.running()) == 1

    asyncio.run(story())


def test_answers_are_kept_by_user_and_key_until_they_are_old(database: Database, url: str) -> None:
    answers = SqlAnswers(database)

    def kept(user: str, key: str, at: float) -> KeptAnswer:
        return KeptAnswer(
            user=user, once=Once(key=key, digest="0" * 64), at=at, answer={"name": "é", "list": [1, None]}
        )

    async def story() -> None:
        for one in (kept("alice", "k", 10.0), kept("bob", "k", 20.0), kept("alice", "l", 30.0)):
            await answers.keep(one, forget_before=0.0)
        assert await answers.get("alice", "k") == kept("alice", "k", 10.0)
        assert await answers.get("carol", "k") is None
        await answers.keep(kept("carol", "k", 40.0), forget_before=20.0)
        assert await answers.get("alice", "k") is None

    asyncio.run(story())
    again = Database.open(url)
    try:
        assert asyncio.run(SqlAnswers(again).get("bob", "k")) == kept("bob", "k", 20.0)
    finally:
        again.close()


def test_counting(database: Database) -> None:
    operations, nodes = SqlOperations(database), SqlNodes(database)

    async def story() -> None:
        await operations.create(an_operation("D-1", "n1"))
        await operations.create(an_operation("D-2", "n2"))
        await operations.end("D-2", OperationState.DONE, at=2000.0)
        assert await operations.counts() == {
            (OperationKind.DEPLOYMENT, OperationState.RUNNING): 1,
            (OperationKind.DEPLOYMENT, OperationState.DONE): 1,
        }
        await nodes.set(NodeSet(["n1", "n2"]), NodeRecord(state=NodeState.DEPLOYED, user="alice", at=1.0))
        assert await nodes.counts() == {NodeState.DEPLOYED: 2}

    asyncio.run(story())


def test_a_database_that_can_be_written_to_is_ready(database: Database) -> None:
    asyncio.run(database.check())
