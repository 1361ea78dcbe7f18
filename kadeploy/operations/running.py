"""Operations that were started: found, listed, aborted, forgotten."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from kadeploy.domain.operation import Operation
from kadeploy.domain.state import OperationKind
from kadeploy.errors import Forbidden, InvalidWorkflow
from kadeploy.operations.boards import Boards
from kadeploy.operations.caller import Caller
from kadeploy.operations.logs import Logs
from kadeploy.ports.clock import Clock
from kadeploy.ports.engine import Engine
from kadeploy.ports.store import Operations

REMEMBERED: Final = 1000  # forgotten ids: a DELETE that is sent twice must do no harm
LATEST: Final = 10.0  # seconds after an operation's end in which its last event must be in the journal

log = logging.getLogger(__name__)


class Running:
    """`listed_for` is how many seconds an operation that has ended stays in the lists."""

    def __init__(
        self,
        *,
        operations: Operations,
        engine: Engine,
        boards: Boards,
        logs: Logs,
        clock: Clock,
        listed_for: float,
    ) -> None:
        self._operations = operations
        self._engine = engine
        self._boards = boards
        self._logs = logs
        self._clock = clock
        self._listed_for = listed_for
        self._forgotten: OrderedDict[str, str] = OrderedDict()

    async def find(self, kind: OperationKind, operation_id: str) -> Operation:
        """Raises InvalidWorkflow, also when it is an operation of another kind."""
        if not operation_id.startswith(kind.prefix):
            raise InvalidWorkflow(f"there is no {kind} {operation_id!r}")
        return await self._operations.get(operation_id)

    async def find_own(self, caller: Caller, kind: OperationKind, operation_id: str) -> Operation:
        """Raises Forbidden when it is neither the caller's nor is the caller an administrator."""
        operation = await self.find(kind, operation_id)
        if not caller.may_act_for(operation.user):
            raise Forbidden(f"{operation_id} is {operation.user}'s")
        return operation

    async def listed(self, kind: OperationKind) -> Sequence[Operation]:
        """Those that run or have ended not long ago, newest last."""
        oldest = self._clock.now() - self._listed_for
        return [
            operation
            for operation in await self._operations.list(kind)
            if not operation.state.is_final or operation.ended > oldest
        ]

    async def is_done(self, operation: Operation) -> bool:
        """Whether it has ended and all it has to say can be read."""
        if not operation.state.is_final:
            return False
        if self._clock.now() - operation.ended > LATEST:
            return True
        return (await self._boards.of(operation.id)).ended is not None

    async def delete(self, caller: Caller, kind: OperationKind, operation_id: str) -> None:
        """Abort it when it runs, forget it when it has ended; to do so again does nothing."""
        if self._forgotten.get(operation_id) == caller.name:
            return
        operation = await self.find_own(caller, kind, operation_id)
        if not operation.state.is_final:
            log.info("%s aborts %s", caller.name, operation_id)
            await self._engine.abort(operation_id)
            return
        await self._operations.forget(operation_id)
        self._logs.forget(operation_id)
        self._forgotten[operation_id] = caller.name
        while len(self._forgotten) > REMEMBERED:
            self._forgotten.popitem(last=False)
