"""What the launches of deployments, reboots and power operations have in common: parameters, and their answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field

from kadeploy.api.call import Call
from kadeploy.api.parameters import Number, Parameters, Texts, Toggle
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation
from kadeploy.domain.state import OperationKind
from kadeploy.errors import AlreadyExists, InvalidOption
from kadeploy.operations.custom import Customs
from kadeploy.operations.launch import Launched, Terms
from kadeploy.operations.logs import VERBOSITY, Logs
from kadeploy.operations.repeats import Repeats, once


class LaunchParameters(Parameters):
    """`hook` asks for the site's command at the end; `debug` asks for traces; `breakpoint` is `MACRO[:micro]`."""

    nodes: Texts = ()
    force: Toggle = False
    wait_nodes: Toggle = False
    breakpoint: str = ""
    dry_run: Toggle = False
    debug: Toggle = False
    hook: Toggle = False
    verbose_level: Annotated[int, Field(ge=0, le=5)] = VERBOSITY

    def terms(self, call: Call, kind: OperationKind) -> Terms:
        return Terms(
            force=self.force,
            wait_nodes=self.wait_nodes,
            breakpoint=self.breakpoint,
            dry_run=self.dry_run,
            hook=self.hook,
            once=once(call.key, kind, call.parameters) if not self.dry_run else None,
        )


class CustomParameters(LaunchParameters):
    """What people put before, behind or in place of micro-steps, and what their scripts are told."""

    custom_operations: dict[str, Any] = Field(default_factory=dict)
    custom_variables: dict[str, str] = Field(default_factory=dict)

    @property
    def customs(self) -> Customs:
        return Customs(operations=self.custom_operations, variables=self.custom_variables)


class RecordedEnvironment(Parameters):
    name: str
    user: str | None = None
    version: Number = None


def partition_number(text: str) -> int | None:
    """None for none; raises InvalidOption."""
    if text and not text.isdecimal():
        raise InvalidOption(f"deploy_partition: must be a partition's number, not {text!r}")
    return int(text) if text else None


class LaunchAnswer:
    """Tells where to ask about what was launched, or what would have been."""

    def __init__(self, logs: Logs, repeats: Repeats) -> None:
        self._logs = logs
        self._repeats = repeats

    async def tell(
        self, call: Call, asked: LaunchParameters, terms: Terms, start: Callable[[], Awaitable[Launched]]
    ) -> dict[str, Any]:
        """Start it, unless this is a request that was made before. Raises KeyReused, and what `start` does."""
        first = await self._repeats.first(call.caller, terms.once) if terms.once else None
        if first is not None:
            return self._resources(call, asked, first)
        try:
            launched = await start()
        except AlreadyExists:  # the same request at the same moment
            first = await self._repeats.first(call.caller, terms.once) if terms.once else None
            if first is None:
                raise
            return self._resources(call, asked, first)
        if launched.dry_run:
            return _plan(launched)
        return {**self._resources(call, asked, launched.operation), **told(launched.warnings)}

    def _resources(self, call: Call, asked: LaunchParameters, operation: Operation) -> dict[str, Any]:
        self._logs.begin(operation.id, verbosity=asked.verbose_level, debug=asked.debug)
        root = f"/{operation.kind}/{operation.id}"
        user = quote(call.caller.name)
        resources: dict[str, Any] = {
            "resource": f"{root}/",
            "log": f"{root}/logs",
            "logs": {name: f"{root}/logs/{quote(name)}?user={user}" for name in operation.plans},
            "state": f"{root}/state",
            "status": f"{root}/status",
            "error": f"{root}/error",
            "events": f"{root}/events",
            "journal": f"{root}/journal",
            "board": f"{root}/board",
        }
        if asked.debug:
            resources["debug"] = f"{root}/debugs"
            resources["debugs"] = {name: f"{root}/debugs/{quote(name)}?user={user}" for name in operation.nodes}
        return {"wid": operation.id, "resources": resources}


def _plan(launched: Launched) -> dict[str, Any]:
    return {
        "dry_run": True,
        "nodes": list(NodeSet(launched.operation.nodes)),
        "text": launched.text(),
        "plans": launched.shown(),
        **told(launched.warnings),
    }


def told(warnings: Sequence[str]) -> dict[str, Any]:
    """Part of an answer that only says something when there is something to say."""
    return {"warnings": list(warnings)} if warnings else {}
