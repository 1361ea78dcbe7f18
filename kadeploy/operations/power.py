"""Switching nodes on and off, and asking whether they are on."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.node import Site
from kadeploy.domain.operation import new_operation_id
from kadeploy.domain.power import Level, PowerAction
from kadeploy.domain.request import PowerRequest
from kadeploy.domain.state import OperationKind
from kadeploy.operations.caller import Caller
from kadeploy.operations.gathering import Gathering
from kadeploy.operations.launch import USUAL_TERMS, Launched, Launcher, Terms, plans_for, refuse_contradiction
from kadeploy.operations.permission import Permission
from kadeploy.operations.selection import Selection
from kadeploy.plans.build import build_power


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerOrder:
    """What was asked for, decoded but not yet checked; None are nodes that could not be, which is told already."""

    nodes: tuple[str, ...] | None
    action: PowerAction
    level: Level | None = None
    terms: Terms = USUAL_TERMS


class Power:
    """The use case."""

    def __init__(self, *, site: Site, selection: Selection, permission: Permission, launcher: Launcher) -> None:
        self._site = site
        self._selection = selection
        self._permission = permission
        self._launcher = launcher

    async def start(self, caller: Caller, order: PowerOrder, heard: Gathering | None = None) -> Launched:
        """Raises what is wrong with the order, with what was heard of it before; then nothing was started."""
        gathering, nodes = heard or Gathering(), None
        if (listed := order.nodes) is not None:
            nodes = gathering.catch(lambda: self._selection.resolve(listed))
        gathering.catch(lambda: refuse_contradiction(order.terms))
        if nodes is not None:
            with gathering:
                await self._permission.check(caller, nodes)
        gathering.settle()
        assert nodes is not None
        request = PowerRequest(nodes=nodes, action=order.action)
        if order.level is not None:
            request = PowerRequest(nodes=nodes, action=order.action, level=order.level)
        return await self._launcher.launch(
            new_operation_id(OperationKind.POWER),
            kind=OperationKind.POWER,
            caller=caller,
            nodes=nodes,
            plans=plans_for(self._site, nodes, lambda cluster: build_power(request, self._site, cluster)),
            terms=order.terms,
        )
