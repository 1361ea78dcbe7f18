"""Deploying: everything is checked before anything begins, so that whoever is refused hears all of it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from kadeploy.config.description import Described
from kadeploy.domain.custom import Insertion
from kadeploy.domain.disk import partition_path
from kadeploy.domain.environment import Environment
from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import new_operation_id
from kadeploy.domain.request import DeployRequest
from kadeploy.domain.state import OperationKind
from kadeploy.errors import ConflictingOptions, InvalidOption
from kadeploy.operations.archives import want_archives
from kadeploy.operations.authorized import authorized_keys, check_given
from kadeploy.operations.automata import automaton_of
from kadeploy.operations.caller import Caller
from kadeploy.operations.checksums import ArchiveLimits
from kadeploy.operations.client_files import SERVED_BY_NOBODY, ClientFiles
from kadeploy.operations.custom import NO_CUSTOMS, OF_DEPLOYMENTS, Customs, insertions_of, variables_of, want_for_nodes
from kadeploy.operations.environments import Environments, reference
from kadeploy.operations.gathering import Gathering
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
from kadeploy.plans.build import build_deploy, target_partition
from kadeploy.plans.wanted import NOT_PINNED
from kadeploy.ports.files import FileOrder, Files, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedEnvironment:
    """A recorded one by name (`user` and `version` may be left open), or a description sent along."""

    name: str = ""
    user: str | None = None
    version: int | None = None
    description: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployOrder:
    """What was asked for, decoded but not yet checked. `block_device` may only repeat the nodes' own; `whole_disk`
    deploys all of it. `automata` and `pxe` are as they came; `client` serves the files of the client's machine. None
    is what could not be decoded, and is told already."""

    nodes: tuple[str, ...] | None
    environment: WantedEnvironment | None
    keys_address: str = ""
    keys_content: str = ""
    partition: int | None = None
    block_device: str = ""
    whole_disk: bool = False
    boot_partition: int | None = None
    reformat_tmp: str = ""
    vlan: str = ""
    automata: Mapping[str, object] = field(default_factory=dict)
    pxe: Mapping[str, object] = field(default_factory=dict)
    disable_kexec: bool = False
    disable_bootloader_install: bool = False
    disable_disk_partitioning: bool = False
    reboot_timeout: str = ""
    kexec_timeout: str = ""
    customs: Customs = NO_CUSTOMS
    client: ClientFiles = SERVED_BY_NOBODY
    terms: Terms = USUAL_TERMS


class Deploy:
    """The use case."""

    def __init__(
        self,
        *,
        site: Site,
        selection: Selection,
        permission: Permission,
        environments: Environments,
        files: Files,
        limits: ArchiveLimits,
        vlans: Vlans,
        launcher: Launcher,
    ) -> None:
        self.limits = limits
        self._vlans = vlans
        self._site = site
        self._selection = selection
        self._permission = permission
        self._environments = environments
        self._files = files
        self._launcher = launcher

    async def start(self, caller: Caller, order: DeployOrder, heard: Gathering | None = None) -> Launched:
        """Raises what is wrong with the order, with what was heard of it before; then nothing was started and nothing
        is kept."""
        request = await self._check(caller, order, heard or Gathering())
        operation_id = new_operation_id(OperationKind.DEPLOYMENT)
        try:
            request = await self._with_files(caller, request, order, operation_id)
            plans = self._plans(request)
        except BaseException:
            await self._files.release(operation_id)
            raise
        launched = await self._launcher.launch(
            operation_id,
            kind=OperationKind.DEPLOYMENT,
            caller=caller,
            nodes=request.nodes,
            plans=plans,
            environment=reference(request.environment),
            terms=order.terms,
        )
        assert order.environment is not None
        return replace(launched, warnings=self._warnings(caller, order.environment))

    async def _check(self, caller: Caller, order: DeployOrder, gathering: Gathering) -> DeployRequest:
        nodes = environment = None
        if (listed := order.nodes) is not None:
            nodes = gathering.catch(lambda: self._selection.resolve(listed))
        if order.environment is not None:
            with gathering:
                described = await self._environment(caller, order.environment, nodes or NodeSet())
                environment = order.client.environment(described.environment)
        with gathering:
            check_given(order.keys_address, order.keys_content, order.client)
        values = self._values(order, gathering)
        if nodes is not None:
            with gathering:
                await self._check_targets(caller, nodes, order, environment)
        elif not order.whole_disk:
            gathering.catch(lambda: self._refuse_unknown(order.partition))
        if nodes is None or environment is None:
            gathering.settle()
        assert nodes is not None
        assert environment is not None
        request = DeployRequest(nodes=nodes, environment=environment, image=NOT_PINNED, **values)
        plans = gathering.catch(lambda: self._plans(request))
        if plans is not None and order.terms.breakpoint:
            gathering.catch(lambda: hold_before(plans, order.terms.breakpoint))
        gathering.settle()
        return replace(request, addresses=await self._vlans.addresses(nodes, request.vlan))

    def _values(self, order: DeployOrder, gathering: Gathering) -> dict[str, Any]:
        """What of the request is known without its nodes and its environment."""
        insertions = partial(insertions_of, order.customs, OF_DEPLOYMENTS, order.client)
        values = {
            "reboot_timeout": gathering.catch(lambda: timeout_of("timeout_reboot_classical", order.reboot_timeout)),
            "kexec_timeout": gathering.catch(lambda: timeout_of("timeout_reboot_kexec", order.kexec_timeout)),
            "vlan": gathering.catch(lambda: self._vlans.check(order.vlan)) or "",
            "automaton": gathering.catch(lambda: automaton_of(order.automata)),
            "profile": gathering.catch(lambda: profile_of(order.pxe)),
            "custom_operations": gathering.catch(insertions) or (),
            "custom_variables": gathering.catch(lambda: variables_of(order.customs)) or {},
        }
        gathering.catch(lambda: refuse_contradiction(order.terms))
        return {
            **values,
            "partition": order.partition,
            "disable_kexec": order.disable_kexec,
            "disable_bootloader_install": order.disable_bootloader_install,
            "disable_disk_partitioning": order.disable_disk_partitioning,
            "whole_disk": order.whole_disk,
            "boot_partition": order.boot_partition,
            "reformat_tmp": order.reformat_tmp,
        }

    def _refuse_unknown(self, partition: int | None) -> None:
        """For nodes that are not known: one of them might have it, if any has."""
        known = {part.number for cluster in self._site.clusters.values() for part in cluster.layout.partitions}
        if partition is not None and partition not in known:
            raise InvalidOption(f"no cluster here has a partition {partition}")

    def _plans(self, request: DeployRequest) -> Plans:
        return plans_for(self._site, request.nodes, lambda cluster: build_deploy(request, self._site, cluster))

    async def _environment(self, caller: Caller, wanted: WantedEnvironment, nodes: NodeSet) -> Described:
        if wanted.description is not None:
            return self._environments.describe_anonymous(caller, wanted.description)
        clusters = [self._site.clusters[name] for name in self._site.by_cluster(nodes)]
        chosen = await self._environments.choose(
            caller,
            name=wanted.name,
            user=wanted.user,
            version=wanted.version,
            architectures={cluster.architecture for cluster in clusters if cluster.architecture},
        )
        return Described(environment=chosen)

    def _warnings(self, caller: Caller, wanted: WantedEnvironment) -> tuple[str, ...]:
        """What is strange in a description that was sent along."""
        if wanted.description is None:
            return ()
        described = self._environments.describe_anonymous(caller, wanted.description)
        return tuple(f"environment.{warning}" for warning in described.warnings)

    async def _check_targets(
        self, caller: Caller, nodes: NodeSet, order: DeployOrder, environment: Environment | None
    ) -> None:
        """Rights on the partitions that each node's system goes to, and comes from where another one is booted."""
        if environment is not None and environment.multipart:
            await self._check_parts(caller, nodes, environment, order.boot_partition or environment.boot_partition)
            return
        others = NodeSet(name for name in nodes if order.block_device not in ("", self._site.nodes[name].block_device))
        if others:
            raise ConflictingOptions(f"block_device: {order.block_device} is not the disk installed on {others}")
        if order.whole_disk:
            disks = {name: self._site.nodes[name].block_device for name in nodes}
            await self._permission.check(caller, nodes, disks)
            return
        await self._permission.check(caller, nodes, self._partitions(nodes, order.partition))
        if order.boot_partition not in (None, 0, order.partition):
            booted = self._partitions(nodes, order.boot_partition, field="boot_partition")
            await self._permission.check(caller, nodes, booted)

    def _partitions(self, nodes: NodeSet, asked: int | None, *, field: str = "") -> dict[str, str]:
        clusters = {name: self._site.clusters[name] for name in self._site.by_cluster(nodes)}
        numbers = {name: target_partition(asked, cluster, field=field) for name, cluster in clusters.items()}
        described = {name: self._site.nodes[name] for name in nodes}
        return {name: partition_path(node.block_device, numbers[node.cluster]) for name, node in described.items()}

    async def _check_parts(self, caller: Caller, nodes: NodeSet, environment: Environment, number: int) -> None:
        """Rights on every partition that it names, and the disk it boots from must be the nodes' own."""
        disk = environment.boot_disk
        if others := NodeSet(name for name in nodes if self._site.nodes[name].block_device != disk):
            raise ConflictingOptions(f"boot.block_device: {disk} is not the disk installed on {others}")
        booted = partition_path(disk, number)
        gathering = Gathering()
        for device in dict.fromkeys((booted, *(part.device for part in environment.parts))):
            with gathering:
                await self._permission.check(caller, nodes, dict.fromkeys(nodes, device))
        gathering.settle()

    async def _with_files(
        self, caller: Caller, request: DeployRequest, order: DeployOrder, owner: str
    ) -> DeployRequest:
        wants, mine, lent = Wants(self._files, owner), reader_of(caller), reader_of(caller, request.environment)
        configured = [one for name in self._site.by_cluster(request.nodes) for one in self._operations(name)]
        heard, profile = Gathering(), request.profile
        given = (order.keys_address, order.keys_content, order.client)
        async with asyncio.TaskGroup() as group:
            keys = group.create_task(heard.hear(authorized_keys(*given, wants=wants, reader=mine)))
            image = group.create_task(heard.hear(wants.file(_image(request, lent))))
            customs = group.create_task(
                heard.hear(want_for_nodes(request.custom_operations, configured, wants=wants, reader=mine))
            )
            shown = group.create_task(heard.hear(with_files(profile, order.pxe, order.client, wants, mine)))
            archives = group.create_task(
                heard.hear(want_archives(request, self._site, wants=wants, reader=lent, limits=self.limits))
            )
        heard.settle()
        return replace(
            request,
            image=image.result() or NOT_PINNED,
            authorized_keys=keys.result() or "",
            files={**(customs.result() or {}), **(archives.result() or {})},
            profile=shown.result(),
            wanted=wants.wanted,
        )

    def _operations(self, cluster: str) -> tuple[Insertion, ...]:
        return self._site.clusters[cluster].operations


def _image(request: DeployRequest, reader: Reader) -> FileOrder:
    image = request.environment.image
    return FileOrder(url=image.file, reader=reader, checksum=image.checksum, compression=image.compression)
