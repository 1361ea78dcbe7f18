"""What can be asked of deployments, reboots and power operations once they are launched: one class for all kinds."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from kadeploy.api.board_view import board_view
from kadeploy.api.call import Call
from kadeploy.api.operation_view import node_states, short_view
from kadeploy.api.parameters import Number, Parameters, Texts, Toggle, decoded
from kadeploy.api.readings import Reading, Readings
from kadeploy.api.stream import event_stream
from kadeploy.domain.event import to_json
from kadeploy.domain.operation import Head, Operation
from kadeploy.domain.state import OperationKind, OperationState
from kadeploy.errors import CommandFailed, InvalidOption, NotFound
from kadeploy.operations.assemble import UseCases
from kadeploy.operations.status import status
from kadeploy.plans import show_expected


class StreamParameters(Parameters):
    after: Annotated[Number, Field(ge=0, le=2**62)] = None


class JournalParameters(StreamParameters):
    limit: Annotated[int, Field(ge=1, le=10_000)] = 1000


class DeleteParameters(Parameters):
    """`cancel` asks for an end where a DELETE may only mean that somebody has left: of an operation that is held."""

    cancel: Toggle = False


class WithdrawParameters(Parameters):
    nodes: Texts = ()


class Workflows:
    """The resources below `/KIND`."""

    def __init__(self, kind: OperationKind, use_cases: UseCases) -> None:
        self._kind = kind
        self._running = use_cases.running
        self._boards = use_cases.boards
        self._logs = use_cases.logs
        self._events = use_cases.events
        self._journal = use_cases.journal
        self._clock = use_cases.clock
        self._foresight = use_cases.foresight
        self._readings = Readings(kind, use_cases)

    async def listed(self, call: Call) -> object:
        return [_view(call, reading) for reading in await self._readings.listed()]

    async def show(self, call: Call) -> object:
        return _view(call, await self._readings.of(call.path["wid"]))

    async def logs(self, call: Call) -> object:
        if "cluster" not in call.path:
            return await self._logs.take(await self._head(call))
        operation, cluster = await self._own(call), call.path["cluster"]
        if cluster not in operation.plans:
            raise NotFound(f"{operation.id} has no nodes in a cluster {cluster}")
        return await self._logs.take(operation, cluster)

    async def debugs(self, call: Call) -> object:
        if "node" not in call.path:
            return await self._logs.take_traces(await self._head(call))
        operation, node = await self._own(call), call.path["node"]
        if node not in operation.nodes:
            raise NotFound(f"{operation.id} has no node {node}")
        return await self._logs.take_traces(operation, node)

    async def state(self, call: Call) -> object:
        operation = await self._own(call)
        return node_states(operation, await self._boards.of(operation.id))

    async def status(self, call: Call) -> object:
        operation = await self._head(call)
        return status(await self._boards.of(operation.id), self._clock.now())

    async def error(self, call: Call) -> object:
        operation = await self._head(call)
        if operation.state is OperationState.ERROR:
            raise CommandFailed(operation.error or "the operation could not be carried out")
        return ""

    async def board(self, call: Call) -> object:
        operation = await self._head(call, even_forgotten=True)
        return board_view(operation, await self._boards.of(operation.id), self._clock.now())

    async def expected(self, call: Call) -> object:
        """Null for a cluster of which there are no statistics."""
        operation = await self._own(call, even_forgotten=True)
        foreseen = await self._foresight.of(operation)
        return {cluster: show_expected.to_json(known) for cluster, known in foreseen.items()}

    async def events(self, call: Call) -> object:
        """Resumes after the event that the client saw last (`Last-Event-ID`), or after number `after`."""
        operation = await self._head(call, even_forgotten=True)
        after = decoded(StreamParameters, call.parameters).after
        if after is None and call.last_event:
            if not call.last_event.isascii() or not call.last_event.isdecimal() or len(call.last_event) > 18:
                raise InvalidOption(f"Last-Event-ID: {call.last_event!r} is not an event's number")
            after = int(call.last_event)
        return event_stream(self._events.follow(operation.id, after=after or 0))

    async def journal(self, call: Call) -> object:
        """What `events` tells, a page at a time, and nothing of what is kept nowhere."""
        operation = await self._head(call, even_forgotten=True)
        asked = decoded(JournalParameters, call.parameters)
        page = await self._journal.read(operation.id, after=asked.after or 0, limit=asked.limit)
        return {
            "events": [{"number": number, **to_json(event)} for number, event in page],
            "next": page[-1][0] if len(page) == asked.limit else None,
        }

    async def delete(self, call: Call) -> object:
        asked = decoded(DeleteParameters, call.parameters)
        await self._running.delete(call.caller, self._kind, call.path["wid"], cancel=asked.cancel)
        return {"wid": call.path["wid"]}

    async def withdraw(self, call: Call) -> object:
        asked = decoded(WithdrawParameters, call.parameters)
        texts = (call.path["node"],) if "node" in call.path else asked.nodes
        nodes = await self._running.withdraw(call.caller, self._kind, call.path["wid"], texts)
        return {"wid": call.path["wid"], "nodes": list(nodes)}

    async def resume(self, call: Call) -> object:
        nodes = await self._running.resume(call.caller, self._kind, call.path["wid"])
        return {"wid": call.path["wid"], "nodes": list(nodes)}

    async def _own(self, call: Call, *, even_forgotten: bool = False) -> Operation:
        return await self._running.find_own(call.caller, self._kind, call.path["wid"], even_forgotten=even_forgotten)

    async def _head(self, call: Call, *, even_forgotten: bool = False) -> Head:
        return await self._running.head_of_own(call.caller, self._kind, call.path["wid"], even_forgotten=even_forgotten)


def _view(call: Call, reading: Reading) -> object:
    if not call.caller.may_oversee(reading.head.user):
        return short_view(reading.head, reading.names, done=reading.done)
    return reading.view
