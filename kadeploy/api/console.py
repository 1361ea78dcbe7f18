"""The consoles' resource: Kadeploy3's, and `stream`, which our own tool attends them by."""

from __future__ import annotations

from typing import Any

from kadeploy.api.call import Call
from kadeploy.api.console_ports import ConsolePorts
from kadeploy.api.parameters import Parameters, Texts, Toggle, decoded
from kadeploy.domain.console import ConsoleSession
from kadeploy.operations.consoles import ConsoleOrder, Consoles
from kadeploy.ports.clock import Clock


class ConsoleParameters(Parameters):
    """`stream`: it will be attended at `stream`, so that no TCP port is opened for it. `watch`: only to read.
    `force`: in the place of who types there."""

    node: str
    stream: Toggle = False
    watch: Toggle = False
    force: Toggle = False
    dry_run: Toggle = False


class FilterParameters(Parameters):
    node: Texts = ()
    nodes: Texts = ()


class ConsoleResource:
    def __init__(self, consoles: Consoles, ports: ConsolePorts, clock: Clock) -> None:
        self._consoles = consoles
        self._ports = ports
        self._clock = clock

    async def create(self, call: Call) -> object:
        asked = decoded(ConsoleParameters, call.parameters)
        if not asked.stream:
            self._ports.check()
        order = ConsoleOrder(node=asked.node, watches=asked.watch, force=asked.force)
        session = await self._consoles.create(call.caller, order, dry_run=asked.dry_run)
        if asked.dry_run:
            return {"dry_run": True, "node": session.node}
        resources = {name: f"/console/{session.id}/{name}" for name in ("error", "stream")}
        resources["resource"] = f"/console/{session.id}/"
        if not asked.stream:
            try:
                resources["console"] = await self._ports.open(session, call.caller, call.server)
            except BaseException:
                self._consoles.delete(call.caller, session.id)
                raise
        return {"wid": session.id, "resources": resources}

    async def listed(self, call: Call) -> object:
        asked = decoded(FilterParameters, call.parameters)
        return [self._view(call, session) for session in self._consoles.listed((*asked.node, *asked.nodes))]

    async def show(self, call: Call) -> object:
        return self._view(call, self._consoles.find(call.path["wid"]))

    async def error(self, call: Call) -> object:
        session = self._consoles.find_own(call.caller, call.path["wid"])
        if session.failure is not None:
            raise session.failure
        return ""

    async def delete(self, call: Call) -> object:
        self._consoles.delete(call.caller, call.path["wid"])
        return {"wid": call.path["wid"]}

    def _view(self, call: Call, session: ConsoleSession) -> dict[str, Any]:
        """Where it is attached is its owner's and overseers' to know."""
        own: dict[str, Any] = {}
        if call.caller.may_oversee(session.user):
            own = {
                "attached": session.is_attached,
                "watches": session.watches,
                "console_uri": self._ports.uri_of(session.id),
            }
        return {
            "id": session.id,
            "user": session.user,
            "node": session.node,
            "error": session.failure is not None,
            **own,
            "time": round(self._clock.now() - session.created, 2),
        }
