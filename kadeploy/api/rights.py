"""The rights' resources, as `{user: {node or *: [partitions or *]}}`; with `detailed` as a list that also tells times.

A group's name has `@` in front where a user's stands.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from pydantic import Field

from kadeploy.api.call import Call
from kadeploy.api.moments import Moment, Span, iso
from kadeploy.api.parameters import Parameters, Texts, Toggle, decoded
from kadeploy.domain.nodeset import natural_key
from kadeploy.domain.rights import GROUP, Right
from kadeploy.errors import ConflictingOptions
from kadeploy.operations.rights import Rights, RightsOrder
from kadeploy.ports.clock import Clock


class RightsParameters(Parameters):
    """Nodes and partitions left out mean all of them; `username` left out is the caller.

    The right begins at `from`, now if not given, and ends at `until`, or when it has lasted `for` so long.
    """

    username: str = ""
    group: str = ""
    nodes: Texts = ()
    partitions: Texts = ()
    overwrite: Toggle = False
    since: Moment = Field(default=None, alias="from")
    until: Moment = None
    lasts: Span = Field(default=None, alias="for")
    detailed: Toggle = False
    dry_run: Toggle = False


class RightsResource:
    def __init__(self, rights: Rights, clock: Clock) -> None:
        self._rights = rights
        self._clock = clock

    async def show(self, call: Call) -> object:
        """Without `detailed` those that count now: Kadeploy3's tool knows no others."""
        asked, order = _asked(call)
        held = await self._rights.held(call.caller, call.path.get("user"), order.nodes)
        if asked.detailed:
            return detailed(held)
        return view(right for right in held if right.holds(self._clock.now()))

    async def grant(self, call: Call) -> object:
        asked, order = _asked(call)
        granted = await self._rights.grant(call.caller, order, dry_run=asked.dry_run)
        return detailed(granted) if asked.detailed else view(granted)

    async def revoke(self, call: Call) -> object:
        asked, order = _asked(call)
        taken = await self._rights.revoke(call.caller, order, dry_run=asked.dry_run)
        return detailed(taken) if asked.detailed else view(taken)


def for_whom(call: Call, said: object) -> str:
    """For the audit log."""
    return f"for {_asked(call)[1].user}"


def view(rights: Iterable[Right]) -> dict[str, dict[str, list[str]]]:
    shown: dict[str, dict[str, list[str]]] = {}
    for right in _ordered(rights):
        partitions = shown.setdefault(right.user, {}).setdefault(right.node, [])
        if right.partition not in partitions:
            partitions.append(right.partition)
    return shown


def detailed(rights: Iterable[Right]) -> list[dict[str, Any]]:
    """`from` is null for what counts already, `until` for what does not end."""
    return [
        {
            "user": None if right.user.startswith(GROUP) else right.user,
            "group": right.user.removeprefix(GROUP) if right.user.startswith(GROUP) else None,
            "node": right.node,
            "partition": right.partition,
            "from": iso(right.since) if right.since else None,
            "until": None if math.isinf(right.until) else iso(right.until),
        }
        for right in _ordered(rights)
    ]


def _ordered(rights: Iterable[Right]) -> list[Right]:
    return sorted(rights, key=lambda right: (right.user, natural_key(right.node), right.partition, right.since))


def _asked(call: Call) -> tuple[RightsParameters, RightsOrder]:
    asked = decoded(RightsParameters, call.parameters)
    if asked.group and (asked.username or "user" in call.path):
        raise ConflictingOptions("username and group both say whose rights they are: give one of them")
    group = GROUP + asked.group.removeprefix(GROUP) if asked.group else ""
    return asked, RightsOrder(
        user=call.path.get("user") or group or asked.username or call.caller.name,
        nodes=(call.path["node"],) if "node" in call.path else asked.nodes,
        partitions=asked.partitions,
        overwrite=asked.overwrite,
        since=asked.since,
        until=asked.until,
        lasts=asked.lasts,
    )
