"""Rebooting nodes: into what they boot anyway, a profile, the minimal environment, or one installed before."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from kadeploy.domain.disk import partition_path
from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import new_operation_id
from kadeploy.domain.power import Level
from kadeploy.domain.request import RebootKind, RebootRequest
from kadeploy.domain.state import OperationKind
from kadeploy.errors import ConflictingOptions, MissingOption
from kadeploy.operations.authorized import authorized_keys, check_given
from kadeploy.operations.caller import Caller
from kadeploy.operations.client_files import SERVED_BY_NOBODY, ClientFiles
from kadeploy.operations.custom import (
    NO_CUSTOMS,
    OF_REBOOTS,
    Customs,
    insertions_of,
    variables_of,
    want_for_nodes,
)
from kadeploy.operations.environments import Environments, reference
from kadeploy.operations.gathering import Gathering
from kadeploy.operations.last_environments import LastEnvironments
from kadeploy.operations.launch import (
    USUAL_TERMS,
    Launched,
    Launcher,
    Plans,
    Terms,
    plans_for,
    refuse_contradiction,
    timeout_of,
)
from kadeploy.operations.permission import Permission
from kadeploy.operations.profiles import profile_of, with_files
from kadeploy.operations.reader import reader_of
from kadeploy.operations.selection import Selection
from kadeploy.operations.vlans import Vlans
from kadeploy.operations.wants import Wants
from kadeploy.plans.breakpoints import hold_before
from kadeploy.plans.build import target_partition
from kadeploy.plans.reboot import build_reboot
from kadeploy.ports.files import Files, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class RebootOrder:
    """What was asked for, decoded but not yet checked. `environment`, `partition` and `block_device` are for
    recorded_env, `pxe`, as it came, for set_pxe; `check_destructive` refuses nodes whose last environment damages what
    is on the disk. None are nodes that could not be decoded, which is told already."""

    nodes: tuple[str, ...] | None
    kind: RebootKind = RebootKind.SIMPLE
    level: Level = Level.SOFT
    keys_address: str = ""
    keys_content: str = ""
    reboot_timeout: str = ""
    environment: str = ""
    environment_user: str | None = None
    environment_version: int | None = None
    partition: int | None = None
    block_device: str = ""
    check_destructive: bool = False
    vlan: str = ""
    pxe: Mapping[str, object] = field(default_factory=dict)
    customs: Customs = NO_CUSTOMS
    client: ClientFiles = SERVED_BY_NOBODY
    terms: Terms = USUAL_TERMS


class Reboot:
    """The use case."""

    def __init__(
        self,
        *,
        site: Site,
        selection: Selection,
        permission: Permission,
        environments: Environments,
        last: LastEnvironments,
        vlans: Vlans,
        files: Files,
        launcher: Launcher,
    ) -> None:
        self._site = site
        self._selection = selection
        self._permission = permission
        self._environments = environments
        self._last = last
        self._vlans = vlans
        self._files = files
        self._launcher = launcher

    async def start(self, caller: Caller, order: RebootOrder, heard: Gathering | None = None) -> Launched:
        """Raises what is wrong with the order, with what was heard of it before; then nothing was started and nothing
        is kept."""
        request, environment = await self._check(caller, order, heard or Gathering())
        operation_id = new_operation_id(OperationKind.REBOOT)
        try:
            request = await _with_files(request, order, Wants(self._files, operation_id), reader_of(caller))
            plans = self._plans(request)
        except BaseException:
            await self._files.release(operation_id)
            raise
        return await self._launcher.launch(
            operation_id,
            kind=OperationKind.REBOOT,
            caller=caller,
            nodes=request.nodes,
            plans=plans,
            environment=environment,
            terms=order.terms,
        )

    def _plans(self, request: RebootRequest) -> Plans:
        return plans_for(self._site, request.nodes, lambda cluster: build_reboot(request, self._site, cluster))

    async def _check(
        self, caller: Caller, order: RebootOrder, gathering: Gathering
    ) -> tuple[RebootRequest, Mapping[str, object] | None]:
        """The request, and the recorded environment that is booted, if one is."""
        nodes = None
        if (listed := order.nodes) is not None:
            nodes = gathering.catch(lambda: self._selection.resolve(listed))
        timeout = gathering.catch(lambda: timeout_of("timeout_reboot_classical", order.reboot_timeout))
        vlan = gathering.catch(lambda: self._vlans.check(order.vlan)) or ""
        profile = gathering.catch(lambda: profile_of(order.pxe))
        insertions = gathering.catch(lambda: insertions_of(order.customs, OF_REBOOTS, order.client))
        variables = gathering.catch(lambda: variables_of(order.customs))
        gathering.catch(lambda: refuse_contradiction(order.terms))
        environment = None
        with gathering:
            check_given(order.keys_address, order.keys_content, order.client)
        with gathering:
            _check_kind(order)
            environment = await self._recorded(caller, order)
        if nodes is not None:
            with gathering:
                await self._permission.check(caller, nodes, self._targets(nodes, order))
            if order.check_destructive and order.kind is RebootKind.RECORDED_ENV:
                with gathering:
                    await self._last.refuse_destructive(nodes)
        if nodes is None:
            gathering.settle()
        assert nodes is not None
        request = RebootRequest(
            nodes=nodes,
            kind=order.kind,
            level=order.level,
            partition=order.partition,
            reboot_timeout=timeout,
            vlan=vlan,
            profile=profile,
            custom_operations=insertions or (),
            custom_variables=variables or {},
        )
        plans = gathering.catch(lambda: self._plans(request))
        if plans is not None and order.terms.breakpoint:
            gathering.catch(lambda: hold_before(plans, order.terms.breakpoint))
        gathering.settle()
        return replace(request, addresses=await self._vlans.addresses(nodes, vlan)), environment

    async def _recorded(self, caller: Caller, order: RebootOrder) -> Mapping[str, object] | None:
        if order.kind is not RebootKind.RECORDED_ENV:
            return None
        chosen = await self._environments.choose(
            caller, name=order.environment, user=order.environment_user, version=order.environment_version
        )
        return reference(chosen)

    def _targets(self, nodes: NodeSet, order: RebootOrder) -> dict[str, str] | None:
        """The partition that each node comes back into, where one is named."""
        if order.kind is not RebootKind.RECORDED_ENV:
            return None
        others = NodeSet(name for name in nodes if order.block_device not in ("", self._site.nodes[name].block_device))
        if others:
            raise ConflictingOptions(f"block_device: {order.block_device} is not the disk installed on {others}")
        clusters = self._site.by_cluster(nodes)
        numbers = {name: target_partition(order.partition, self._site.clusters[name]) for name in clusters}
        described = {name: self._site.nodes[name] for name in nodes}
        return {name: partition_path(node.block_device, numbers[node.cluster]) for name, node in described.items()}


def _check_kind(order: RebootOrder) -> None:
    """Options that mean something for another kind only."""
    faults = []
    if (order.keys_address or order.keys_content) and order.kind is not RebootKind.DEPLOY_ENV:
        faults.append("SSH keys can only be given for a reboot of kind deploy_env")
    if order.environment and order.kind is not RebootKind.RECORDED_ENV:
        faults.append("an environment can only be given for a reboot of kind recorded_env")
    if order.pxe and order.kind is not RebootKind.SET_PXE:
        faults.append("a profile can only be given for a reboot of kind set_pxe")
    if faults:
        raise ConflictingOptions("; ".join(faults))
    if order.kind is RebootKind.RECORDED_ENV and not order.environment:
        raise MissingOption("environment: is required for a reboot of kind recorded_env")


async def _with_files(request: RebootRequest, order: RebootOrder, wants: Wants, reader: Reader) -> RebootRequest:
    heard, asked = Gathering(), request.custom_operations
    given = (order.keys_address, order.keys_content, order.client)
    async with asyncio.TaskGroup() as group:
        keys = group.create_task(heard.hear(authorized_keys(*given, wants=wants, reader=reader)))
        files = group.create_task(heard.hear(want_for_nodes(asked, (), wants=wants, reader=reader)))
        shown = group.create_task(heard.hear(with_files(request.profile, order.pxe, order.client, wants, reader)))
    heard.settle()
    return replace(
        request,
        authorized_keys=keys.result() or "",
        files=files.result() or {},
        profile=shown.result(),
        wanted=wants.wanted,
    )
