"""The rights' resources, as `{user: {node or *: [partitions or *]}}`."""

from __future__ import annotations

from collections.abc import Iterable

from kadeploy.api.call import Call
from kadeploy.api.parameters import Parameters, Texts, Toggle, decoded
from kadeploy.domain.nodeset import natural_key
from kadeploy.domain.rights import Right
from kadeploy.operations.rights import Rights, RightsOrder


class RightsParameters(Parameters):
    """Nodes and partitions left out mean all of them; `username` left out is the caller."""

    username: str = ""
    nodes: Texts = ()
    partitions: Texts = ()
    overwrite: Toggle = False


class RightsResource:
    def __init__(self, rights: Rights) -> None:
        self._rights = rights

    async def show(self, call: Call) -> object:
        return view(await self._rights.held(call.caller, call.path.get("user"), _asked(call).nodes))

    async def grant(self, call: Call) -> object:
        return view(await self._rights.grant(call.caller, _asked(call)))

    async def revoke(self, call: Call) -> object:
        return view(await self._rights.revoke(call.caller, _asked(call)))


def view(rights: Iterable[Right]) -> dict[str, dict[str, list[str]]]:
    shown: dict[str, dict[str, list[str]]] = {}
    for right in sorted(rights, key=lambda right: (right.user, natural_key(right.node), right.partition)):
        shown.setdefault(right.user, {}).setdefault(right.node, []).append(right.partition)
    return shown


def _asked(call: Call) -> RightsOrder:
    asked = decoded(RightsParameters, call.parameters)
    return RightsOrder(
        user=call.path.get("user") or asked.username or call.caller.name,
        nodes=(call.path["node"],) if "node" in call.path else asked.nodes,
        partitions=asked.partitions,
        overwrite=asked.overwrite,
    )
