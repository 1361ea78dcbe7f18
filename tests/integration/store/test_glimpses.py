"""Operations without their nodes: what is the same as long as nothing has become of the operation or of a node."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from kadeploy.domain.event import NodesAborted, NodesDone
from kadeploy.domain.operation import Head, Outcome
from kadeploy.domain.state import OperationKind, OperationState, Progress
from kadeploy.errors import InvalidWorkflow
from kadeploy.ports.record import Conclusion
from kadeploy.ports.store import Glimpse
from kadeploy.store.database import Database
from tests.integration.store.examples import Store, an_operation

ABORTED = NodesAborted(operation="D-1", at=1500.0, nodes="n-[1-3]", by="bob")
DONE = NodesDone(operation="D-1", at=1400.0, cluster="alpha", set="0", nodes="n-1", outputs={})
HEAD = Head(
    id="D-1",
    kind=OperationKind.DEPLOYMENT,
    user="alice",
    created=1000.5,
    environment={"name": "debian12", "version": 1, "user": "alice"},
)


@pytest.fixture
def operations(database: Database) -> Store:
    return Store(database)


def test_a_glimpse_changes_with_whatever_becomes_of_a_node_or_of_the_operation(operations: Store) -> None:
    async def story() -> list[Glimpse]:
        await operations.create(an_operation("D-1", "n-[1-3]"))
        seen = [await operations.glimpse("D-1")]
        outcomes = {"n-1": Outcome(progress=Progress.OK)}
        nodes = an_operation("D-1", "n-1").nodes
        await operations.record.conclude(Conclusion(operation="D-1", nodes=nodes, outcomes=outcomes, events=(DONE,)))
        seen.append(await operations.glimpse("D-1"))
        await operations.control.withdraw(ABORTED, entirely=True)
        seen.append(await operations.glimpse("D-1"))
        await operations.end("D-1", OperationState.ABORTED, at=2000.0, error="aborted by bob")
        return [*seen, await operations.glimpse("D-1"), await operations.glimpse("D-1")]

    created, settled, aborted, ended, again = asyncio.run(story())
    assert created == Glimpse(head=HEAD, number=0)
    assert settled.head == HEAD
    assert aborted.head == replace(HEAD, aborted_by="bob")
    assert ended.head == replace(
        HEAD, aborted_by="bob", state=OperationState.ABORTED, ended=2000.0, error="aborted by bob"
    )
    assert created.number < settled.number < aborted.number < ended.number
    assert again == ended


def test_glimpses_are_of_what_a_list_lists(operations: Store) -> None:
    async def story() -> tuple[Sequence[Glimpse], Sequence[Glimpse]]:
        for identity, created in (("D-b", 3.0), ("D-a", 1.0), ("D-c", 2.0)):
            await operations.create(an_operation(identity, identity.lower(), created=created))
        await operations.create(an_operation("P-1", "n-1", kind=OperationKind.POWER))
        await operations.end("D-a", OperationState.DONE, at=4.0)
        await operations.forget("D-a")
        with pytest.raises(InvalidWorkflow, match="there is no operation 'D-a'"):
            await operations.glimpse("D-a")
        assert (await operations.glimpse("D-a", even_forgotten=True)).head.ended == 4.0
        listed = await operations.glimpses(OperationKind.DEPLOYMENT)
        return listed, [await operations.glimpse(one.head.id) for one in listed]

    listed, each = asyncio.run(story())
    assert [glimpse.head.id for glimpse in listed] == ["D-c", "D-b"]
    assert list(listed) == each
