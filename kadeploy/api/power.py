"""PUT /power switches; GET /power with nodes asks, which is an operation too; GET /power without is the list."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Literal

from kadeploy.api.call import Call, Handler
from kadeploy.api.launching import LaunchAnswer, LaunchParameters
from kadeploy.api.parameters import decoded_partly
from kadeploy.domain.power import Level, PowerAction
from kadeploy.domain.state import OperationKind
from kadeploy.errors import InvalidCustomOperations
from kadeploy.operations.gathering import Gathering
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
        heard = Gathering()
        asked, faulty = decoded_partly(SwitchParameters, call.parameters, heard)
        order = PowerOrder(nodes=_nodes(asked, faulty), action=PowerAction(asked.status), level=asked.level)
        return await self._start(call, asked, order, heard)

    async def ask_or_list(self, call: Call) -> object:
        if "nodes" not in call.parameters:
            return await self._listing(call)
        heard = Gathering()
        asked, faulty = decoded_partly(LaunchParameters, call.parameters, heard)
        order = PowerOrder(nodes=_nodes(asked, faulty), action=PowerAction.STATUS)
        return await self._start(call, asked, order, heard)

    async def _start(self, call: Call, asked: LaunchParameters, order: PowerOrder, heard: Gathering) -> object:
        with heard:
            if call.parameters.get("custom_operations"):
                raise InvalidCustomOperations("custom_operations: switching nodes on and off has no place for any")
        terms = asked.terms(call, OperationKind.POWER)
        order = replace(order, terms=terms)
        return await self._answer.tell(call, asked, terms, lambda: self._power.start(call.caller, order, heard))


def _nodes(asked: LaunchParameters, faulty: Collection[str]) -> tuple[str, ...] | None:
    return None if "nodes" in faulty else asked.nodes
