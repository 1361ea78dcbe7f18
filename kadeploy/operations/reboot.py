"""Rebooting nodes, into what is on their disk or into the minimal environment."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kadeploy.domain.node import Site
from kadeploy.domain.operation import new_operation_id
from kadeploy.domain.power import Level
from kadeploy.domain.request import RebootKind, RebootRequest
from kadeploy.domain.state import OperationKind
from kadeploy.errors import ConflictingOptions
from kadeploy.operations.authorized import authorized_keys, check_given
from kadeploy.operations.caller import Caller
from kadeploy.operations.gathering import Gathering
from kadeploy.operations.launch import Launched, Launcher, plans_for, timeout_of
from kadeploy.operations.permission import Permission
from kadeploy.operations.selection import Selection
from kadeploy.plans.build import build_reboot
from kadeploy.ports.files import Files


@dataclass(frozen=True, slots=True, kw_only=True)
class RebootOrder:
    """What was asked for, decoded but not yet checked."""

    nodes: tuple[str, ...]
    kind: RebootKind = RebootKind.SIMPLE
    level: Level = Level.SOFT
    keys_address: str = ""
    keys_content: str = ""
    reboot_timeout: str = ""
    force: bool = False
    dry_run: bool = False


class Reboot:
    """The use case."""

    def __init__(
        self, *, site: Site, selection: Selection, permission: Permission, files: Files, launcher: Launcher
    ) -> None:
        self._site = site
        self._selection = selection
        self._permission = permission
        self._files = files
        self._launcher = launcher

    async def start(self, caller: Caller, order: RebootOrder) -> Launched:
        """Raises what is wrong with the order; then nothing was started and nothing is kept."""
        request = await self._check(caller, order)
        operation_id = new_operation_id(OperationKind.REBOOT)
        try:
            keys = await authorized_keys(order.keys_address, order.keys_content, files=self._files, owner=operation_id)
        except BaseException:
            await self._files.release(operation_id)
            raise
        request = replace(request, authorized_keys=keys)
        return await self._launcher.launch(
            operation_id,
            kind=OperationKind.REBOOT,
            user=caller.name,
            nodes=request.nodes,
            plans=plans_for(self._site, request.nodes, lambda cluster: build_reboot(request, self._site, cluster)),
            force=order.force,
            dry_run=order.dry_run,
        )

    async def _check(self, caller: Caller, order: RebootOrder) -> RebootRequest:
        gathering = Gathering()
        nodes = gathering.catch(lambda: self._selection.resolve(order.nodes))
        timeout = gathering.catch(lambda: timeout_of(order.reboot_timeout))
        with gathering:
            _check_keys_have_a_use(order)
            check_given(order.keys_address, order.keys_content)
        if nodes is not None:
            with gathering:
                await self._permission.check(caller.name, nodes)
        gathering.settle()
        assert nodes is not None
        return RebootRequest(nodes=nodes, kind=order.kind, level=order.level, reboot_timeout=timeout)


def _check_keys_have_a_use(order: RebootOrder) -> None:
    if (order.keys_address or order.keys_content) and order.kind is not RebootKind.DEPLOY_ENV:
        raise ConflictingOptions("SSH keys can only be given for a reboot of kind deploy_env")
