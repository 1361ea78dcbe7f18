"""What the launches of deployments, reboots and power operations have in common: parameters, and their answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import quote

from pydantic import Field

from kadeploy.api.call import Call
from kadeploy.api.parameters import Parameters, Texts, Toggle
from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import InvalidCustomOperations, InvalidOption, InvalidVlan, KadeployError
from kadeploy.operations.gathering import Gathering
from kadeploy.operations.launch import Launched
from kadeploy.operations.logs import VERBOSITY, Logs
from kadeploy.plans.codec import encode

_LATER: Final[Mapping[str, type[KadeployError]]] = {
    "custom_operations": InvalidCustomOperations,
    "vlan": InvalidVlan,
    "breakpoint": InvalidOption,
    "pxe": InvalidOption,
    "automata": InvalidOption,
    "boot_partition": InvalidOption,
    "reformat_tmp_partition": InvalidOption,
}


class LaunchParameters(Parameters):
    """`hook` is accepted and means nothing, as no hook can be configured; `debug` leads to empty debugs."""

    nodes: Texts = ()
    force: Toggle = False
    dry_run: Toggle = False
    debug: Toggle = False
    hook: Toggle = False
    verbose_level: Annotated[int, Field(ge=0, le=5)] = VERBOSITY


def refuse_what_comes_later(parameters: Mapping[str, object]) -> None:
    """An option of Kadeploy3 that would be left out silently is refused instead; raises for all of them at once."""
    gathering = Gathering()
    for name, kind in _LATER.items():
        if parameters.get(name) not in (None, "", [], {}):
            with gathering:
                raise kind(f"{name}: this version cannot do this")
    gathering.settle()


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
        "plans": {cluster: encode(plan) for cluster, plan in launched.plans.items()},
    }
