"""Operations and their hold on nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from kadeploy.domain.event import NodesAborted
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation, Outcome
from kadeploy.domain.state import OperationKind, OperationState, Progress
from kadeploy.errors import AlreadyExists, Conflict, InvalidWorkflow
from kadeploy.store.database import Database
from tests.integration.store.examples import Store, an_operation
from tests.integration.store.figures import timed

OK = Outcome(progress=Progress.OK, macro="BootNewEnv", micro="wait_reboot", output="on")
KO = Outcome(progress=Progress.KO, macro="SetDeploymentEnv", micro="reboot", reason="the BMC refused « é »")

ABORTED = NodesAborted(operation="D-1", at=1500.0, nodes="n-[1-3]", by="bob", why="no power")


@pytest.fixture
def operations(database: Database) -> Store:
    return Store(database)


def test_an_operation_is_read_back_as_it_was_written(operations: Store) -> None:
    async def story() -> Operation:
        await operations.create(an_operation("D-1", "n-[1-3]"))
        await operations.settle("D-1", {"n-1": OK, "n-2": KO})
        await operations.control.withdraw(ABORTED, entirely=True)
        await operations.end("D-1", OperationState.ABORTED, at=2000.25, error="aborted by alice")
        return await operations.get("D-1")

    assert asyncio.run(story()) == replace(
        an_operation("D-1", "n-[1-3]"),
        aborted_by="bob",
        ended=2000.25,
        state=OperationState.ABORTED,
        error="aborted by alice",
        outcomes={"n-1": OK, "n-2": KO, "n-3": Outcome(progress=Progress.ABORTED, reason="aborted by bob: no power")},
    )


def test_a_node_in_an_operation_is_refused_with_the_name_of_what_holds_it(operations: Store) -> None:
    async def story() -> Sequence[str]:
        await operations.create(an_operation("D-1", "n-[1-3]"))
        await operations.create(an_operation("R-1", "n-9", user="carol", created=1001, kind=OperationKind.REBOOT))
        with pytest.raises(Conflict) as caught:
            await operations.create(an_operation("D-2", "n-[2-9]", user="bob"))
        assert caught.value.message == "some nodes are in use: n-[2-3] by D-1 of alice; n-9 by R-1 of carol"
        assert caught.value.hint is not None
        assert "--force" in caught.value.hint
        with pytest.raises(InvalidWorkflow):
            await operations.get("D-2")
        return await operations.running()

    assert asyncio.run(story()) == ["D-1", "R-1"]


def test_a_settled_node_is_free_again(operations: Store) -> None:
    async def story() -> None:
        await operations.create(an_operation("D-1", "n-[1-3]"))
        await operations.settle("D-1", {"n-1": OK, "n-2": Outcome(macro="BroadcastEnv")})
        await operations.settle("D-1", {"n-1": OK})
        await operations.create(an_operation("D-2", "n-1"))
        with pytest.raises(Conflict, match="n-2 by D-1"):
            await operations.create(an_operation("D-3", "n-2"))
        await operations.settle("D-1", {"n-1": OK, "n-2": KO, "n-3": KO})
        with pytest.raises(Conflict, match="n-1 by D-2"):
            await operations.create(an_operation("D-4", "n-[1-3]"))
        await operations.end("D-2", OperationState.DONE, at=5.0)
        await operations.create(an_operation("D-5", "n-[1-3]"))

    asyncio.run(story())


def test_force_takes_over_and_the_former_holder_cannot_give_back_what_is_not_its_own(
    operations: Store,
) -> None:
    async def story() -> None:
        await operations.create(an_operation("D-1", "n-[1-3]"))
        await operations.create(an_operation("D-2", "n-[2-5]"), force=True)
        await operations.settle("D-1", {"n-2": KO})
        await operations.end("D-1", OperationState.ERROR, at=5.0)
        with pytest.raises(Conflict, match=r"n-\[2-3\] by D-2"):
            await operations.create(an_operation("D-3", "n-[1-3]"))
        await operations.create(an_operation("D-4", "n-1"))

    asyncio.run(story())


def test_ending_again_changes_nothing(operations: Store) -> None:
    async def story() -> Operation:
        await operations.create(an_operation("D-1", "n-1"))
        await operations.end("D-1", OperationState.DONE, at=5.0)
        await operations.end("D-1", OperationState.ERROR, at=6.0, error="late")
        await operations.control.withdraw(ABORTED, entirely=True)
        return await operations.get("D-1")

    operation = asyncio.run(story())
    assert (operation.state, operation.ended, operation.error, operation.aborted_by) == ("done", 5.0, "", "")


def test_a_list_is_of_one_kind_newest_last_without_plans_and_forgotten_ones(operations: Store) -> None:
    async def story() -> Sequence[Operation]:
        for identity, created in (("D-b", 3.0), ("D-a", 1.0), ("D-c", 2.0)):
            await operations.create(an_operation(identity, identity.lower(), created=created))
        await operations.create(an_operation("P-1", "n-1", kind=OperationKind.POWER))
        await operations.settle("D-c", {"d-c": KO})
        await operations.end("D-a", OperationState.DONE, at=4.0)
        await operations.forget("D-a")
        with pytest.raises(InvalidWorkflow):
            await operations.get("D-a")
        with pytest.raises(Conflict, match="still running"):
            await operations.forget("D-b")
        return await operations.list(OperationKind.DEPLOYMENT)

    listed = asyncio.run(story())
    assert [operation.id for operation in listed] == ["D-c", "D-b"]
    assert listed[0].having(Progress.KO) == NodeSet(["d-c"])
    assert all(not operation.plans for operation in listed)


def test_an_unknown_operation_is_one_clear_sentence(operations: Store) -> None:
    async def story() -> None:
        for call in (
            operations.get("D-9"),
            operations.settle("D-9", {"n-1": OK}),
            operations.control.withdraw(replace(ABORTED, operation="D-9"), entirely=True),
            operations.end("D-9", OperationState.DONE, at=1.0),
            operations.forget("D-9"),
        ):
            with pytest.raises(InvalidWorkflow, match="there is no operation 'D-9'"):
                await call

    asyncio.run(story())


def test_an_operation_is_created_once(operations: Store) -> None:
    async def story() -> None:
        await operations.create(an_operation("D-1", "n-1"))
        with pytest.raises(AlreadyExists, match="D-1"):
            await operations.create(an_operation("D-1", "n-2"))

    asyncio.run(story())


def test_ten_thousand_nodes(operations: Store) -> None:
    big = an_operation("D-big", "node-[1-10000]")

    async def story() -> None:
        with timed("10,000 nodes: create"):
            await operations.create(big)
        with timed("10,000 nodes: refuse"), pytest.raises(Conflict, match=r"node-\[1-10000\] by D-big"):
            await operations.create(replace(big, id="D-two"))
        with timed("10,000 nodes: settle 9,000"):
            await operations.settle("D-big", {node: OK for node in big.nodes if not node.endswith("7")})
        with timed("10,000 nodes: get"):
            found = await operations.get("D-big")
        with timed("10,000 nodes: list"):
            listed = await operations.list(OperationKind.DEPLOYMENT)
        assert len(found.having(Progress.PROCESSING)) == len(listed[0].having(Progress.PROCESSING)) == 1000
        with timed("10,000 nodes: take over"):
            await operations.create(replace(big, id="D-force"), force=True)

    asyncio.run(story())
