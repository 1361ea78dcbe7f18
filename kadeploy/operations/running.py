"""Operations that were started: found, listed, held and resumed, aborted, forgotten."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import Final, TypeVar

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Head, Operation
from kadeploy.domain.state import OperationKind, OperationState
from kadeploy.errors import Forbidden, InvalidNodes, InvalidWorkflow, NothingModified
from kadeploy.operations.caller import Caller
from kadeploy.operations.logs import Logs
from kadeploy.operations.selection import Selection
from kadeploy.operations.shared_reads import SharedReads
from kadeploy.operations.waiting_room import WaitingRoom
from kadeploy.ports.clock import Clock
from kadeploy.ports.engine import Engine
from kadeploy.ports.store import Glimpse, Operations

REMEMBERED: Final = 1000  # forgotten ids: a DELETE that is sent twice must do no harm

Known = TypeVar("Known", bound=Head)

log = logging.getLogger(__name__)


class Running:
    """`listed_for` is how many seconds an operation that has ended stays in the lists."""

    def __init__(
        self,
        *,
        selection: Selection,
        operations: Operations,
        engine: Engine,
        waiting_room: WaitingRoom,
        logs: Logs,
        clock: Clock,
        listed_for: float,
    ) -> None:
        self._selection = selection
        self._operations = operations
        self._engine = engine
        self._waiting_room = waiting_room
        self._logs = logs
        self._clock = clock
        self.listed_for = listed_for
        self._found: SharedReads[Operation] = SharedReads()
        self._glimpsed: SharedReads[Glimpse] = SharedReads()
        self._forgotten: OrderedDict[str, str] = OrderedDict()

    async def find(self, kind: OperationKind, operation_id: str, *, even_forgotten: bool = False) -> Operation:
        """Raises InvalidWorkflow, also when it is an operation of another kind."""
        if not operation_id.startswith(kind.prefix):
            raise InvalidWorkflow(f"there is no {kind} {operation_id!r}")
        get = partial(self._operations.get, operation_id, even_forgotten=even_forgotten)
        return await self._found.of(f"{operation_id} {even_forgotten}", get)

    async def find_own(
        self, caller: Caller, kind: OperationKind, operation_id: str, *, even_forgotten: bool = False
    ) -> Operation:
        """Raises Forbidden when it is neither the caller's nor may they oversee it."""
        return _own(caller, await self.find(kind, operation_id, even_forgotten=even_forgotten))

    async def glimpse(self, kind: OperationKind, operation_id: str, *, even_forgotten: bool = False) -> Glimpse:
        """Raises as `find` does."""
        if not operation_id.startswith(kind.prefix):
            raise InvalidWorkflow(f"there is no {kind} {operation_id!r}")
        return await self._operations.glimpse(operation_id, even_forgotten=even_forgotten)

    async def head_of_own(
        self, caller: Caller, kind: OperationKind, operation_id: str, *, even_forgotten: bool = False
    ) -> Head:
        """Raises as `find_own` does."""
        glimpse = partial(self.glimpse, kind, operation_id, even_forgotten=even_forgotten)
        return _own(caller, (await self._glimpsed.of(f"{kind} {operation_id} {even_forgotten}", glimpse)).head)

    async def listed(self, kind: OperationKind) -> Sequence[Glimpse]:
        """Those that run or have ended not long ago, newest last."""
        oldest = self._clock.now() - self.listed_for
        return [
            glimpse
            for glimpse in await self._operations.glimpses(kind)
            if not glimpse.head.state.is_final or glimpse.head.ended > oldest
        ]

    async def delete(self, caller: Caller, kind: OperationKind, operation_id: str, *, cancel: bool = False) -> None:
        """Abort it when it runs or waits, forget it when it has ended; to do so again does nothing.

        One that is held is left alone without `cancel`: Kadeploy3's tools, for which a breakpoint is the end, send
        a DELETE when they leave.
        """
        if self._forgotten.get(operation_id) == caller.name:
            return
        operation = await self.find_own(caller, kind, operation_id)
        if operation.is_held and not cancel:
            return
        if not operation.state.is_final:
            await self._abort(caller, operation)
        elif not cancel:
            await self._forget(caller, operation_id)

    async def withdraw(self, caller: Caller, kind: OperationKind, operation_id: str, texts: Sequence[str]) -> NodeSet:
        """End it for some nodes, whose commands end, while the others go on; who they are. Raises InvalidNodes, and
        NothingModified when it was too late for all of them."""
        operation = await self.find_own(caller, kind, operation_id)
        nodes = self._selection.resolve(texts)
        if strange := nodes - operation.nodes:
            raise InvalidNodes(f"{operation_id} does not have {strange}")
        if not nodes & operation.unfinished:
            raise NothingModified(f"{operation_id} has ended for {nodes}")
        log.info("%s withdraws %s from %s", caller.name, nodes, operation_id)
        withdrawn = await self._engine.withdraw(operation_id, nodes, by=caller.name)
        self._waiting_room.look()
        return withdrawn

    async def resume(self, caller: Caller, kind: OperationKind, operation_id: str) -> NodeSet:
        """Let the nodes go on that are held; who they are. Raises NothingModified when none are."""
        operation = await self.find_own(caller, kind, operation_id)
        if operation.state is not OperationState.RUNNING:
            raise NothingModified(f"{operation_id} is {operation.state}: none of its nodes are held")
        resumed = await self._engine.resume(operation_id, by=caller.name)
        if not resumed:
            raise NothingModified(f"no nodes of {operation_id} are held")
        log.info("%s resumes %s in %s", caller.name, resumed, operation_id)
        return resumed

    async def _abort(self, caller: Caller, operation: Operation) -> None:
        log.info("%s aborts %s", caller.name, operation.id)
        await self._engine.abort(operation.id, by=caller.name)
        self._waiting_room.look()

    async def _forget(self, caller: Caller, operation_id: str) -> None:
        await self._operations.forget(operation_id)
        self._logs.forget(operation_id)
        self._forgotten[operation_id] = caller.name
        while len(self._forgotten) > REMEMBERED:
            self._forgotten.popitem(last=False)


def _own(caller: Caller, known: Known) -> Known:
    if not caller.may_oversee(known.user):
        raise Forbidden(f"{known.id} is {known.user}'s")
    return known
