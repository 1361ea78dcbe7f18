"""What the launches of deployments, reboots and power operations have in common: parameters, and their answer."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field

from kadeploy.api.call import Call
from kadeploy.api.parameters import Number, Parameters, Texts, Toggle
from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import InvalidOption
from kadeploy.operations.custom import Customs
from kadeploy.operations.launch import Launched, Terms
from kadeploy.operations.logs import VERBOSITY, Logs


class LaunchParameters(Parameters):
    """`hook` asks for the site's command at the end; `debug` leads to empty debugs; `breakpoint` is `MACRO[:micro]`."""

    nodes: Texts = ()
    force: Toggle = False
    wait_nodes: Toggle = False
    breakpoint: str = ""
    dry_run: Toggle = False
    debug: Toggle = False
    hook: Toggle = False
    verbose_level: Annotated[int, Field(ge=0, le=5)] = VERBOSITY

    @property
    def terms(self) -> Terms:
        return Terms(
            force=self.force,
            wait_nodes=self.wait_nodes,
            breakpoint=self.breakpoint,
            dry_run=self.dry_run,
            hook=self.hook,
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

    def __init__(self, logs: Logs) -> None:
        self._logs = logs

    def tell(self, call: Call, asked: LaunchParameters, launched: Launched) -> dict[str, Any]:
        if launched.dry_run:
            return _plan(launched)
        operation = launched.operation
        self._logs.set_verbosity(operation.id, asked.verbose_level)
        root = f"/{operation.kind}/{operation.id}"
        user = quote(call.caller.name)
        resources: dict[str, Any] = {
            "resource": f"{root}/",
            "log": f"{root}/logs",
            "logs": {name: f"{root}/logs/{quote(name)}?user={user}" for name in launched.plans},
            "state": f"{root}/state",
            "status": f"{root}/status",
            "error": f"{root}/error",
            "events": f"{root}/events",
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
    }
