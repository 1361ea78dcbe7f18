"""PUT /power switches; GET /power with nodes asks, which is an operation too; GET /power without is the list."""

from __future__ import annotations

from typing import Literal

from kadeploy.api.call import Call, Handler
from kadeploy.api.launching import LaunchAnswer, LaunchParameters
from kadeploy.api.parameters import decoded
from kadeploy.domain.power import Level, PowerAction
from kadeploy.domain.state import OperationKind
from kadeploy.errors import InvalidCustomOperations
from kadeploy.operations.power import Power, PowerOrder


class SwitchParameters(LaunchParameters):
    status: Literal["on", "off"]
    level: Level | None = None


class Powering:
    """The resource's launches. `listing` answers when no nodes are named."""

    def __init__(self, power: Power, answer: LaunchAnswer, listing: Handler) -> None:
        self._power = power
        self._answer = answer
        self._listing = listing

    async def switch(self, call: Call) -> object:
        asked = decoded(SwitchParameters, call.parameters)
        return await self._start(call, asked, PowerAction(asked.status), asked.level)

    async def ask_or_list(self, call: Call) -> object:
        if "nodes" not in call.parameters:
            return await self._listing(call)
        return await self._start(call, decoded(LaunchParameters, call.parameters), PowerAction.STATUS, None)

    async def _start(self, call: Call, asked: LaunchParameters, action: PowerAction, level: Level | None) -> object:
        if call.parameters.get("custom_operations"):
            raise InvalidCustomOperations("custom_operations: switching nodes on and off has no place for any")
        terms = asked.terms(call, OperationKind.POWER)
        order = PowerOrder(
            nodes=asked.nodes,
            action=action,
            level=level,
            terms=terms,
        )
        return await self._answer.tell(call, asked, terms, lambda: self._power.start(call.caller, order))
