"""Deploying: everything is checked before anything begins, so that whoever is refused hears all of it at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from kadeploy.domain.custom import Insertion
from kadeploy.domain.disk import partition_path
from kadeploy.domain.environment import Environment
from kadeploy.domain.image import LocalFile
from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import new_operation_id
from kadeploy.domain.request import DeployRequest
from kadeploy.domain.state import OperationKind
from kadeploy.errors import ConflictingOptions
from kadeploy.operations.archives import pin_archives
from kadeploy.operations.authorized import authorized_keys, check_given
from kadeploy.operations.automata import automaton_of
from kadeploy.operations.caller import Caller
from kadeploy.operations.custom import NO_CUSTOMS, OF_DEPLOYMENTS, Customs, insertions_of, pin_for_nodes, variables_of
from kadeploy.operations.environments import Environments, reference, refuse_files_of_the_client
from kadeploy.operations.gathering import Gathering
from kadeploy.operations.launch import USUAL_TERMS, Launched, Launcher, Plans, Terms, plans_for, timeout_of
from kadeploy.operations.permission import Permission
from kadeploy.operations.profiles import profile_of
from kadeploy.operations.selection import Selection
from kadeploy.operations.vlans import Vlans
from kadeploy.plans.build import build_deploy, target_partition
from kadeploy.plans.wanted import NOT_PINNED
from kadeploy.ports.files import Files


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
    deploys all of it. `automata` and `pxe` are as they came."""

    nodes: tuple[str, ...]
    environment: WantedEnvironment
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
        vlans: Vlans,
        launcher: Launcher,
    ) -> None:
        self._vlans = vlans
        self._site = site
        self._selection = selection
        self._permission = permission
        self._environments = environments
        self._files = files
        self._launcher = launcher

    async def start(self, caller: Caller, order: DeployOrder) -> Launched:
        """Raises what is wrong with the order; then nothing was started and nothing is kept."""
        request = await self._check(caller, order)
        operation_id = new_operation_id(OperationKind.DEPLOYMENT)
        try:
            request = await self._with_files(request, order, operation_id)
            plans = self._plans(request)
        except BaseException:
            await self._files.release(operation_id)
            raise
        return await self._launcher.launch(
            operation_id,
            kind=OperationKind.DEPLOYMENT,
            user=caller.name,
            nodes=request.nodes,
            plans=plans,
            environment=reference(request.environment),
            terms=order.terms,
        )

    async def _check(self, caller: Caller, order: DeployOrder) -> DeployRequest:
        gathering = Gathering()
        nodes = gathering.catch(lambda: self._selection.resolve(order.nodes))
        environment: Environment | None = None
        with gathering:
            environment = await self._environment(caller, order.environment)
        with gathering:
            check_given(order.keys_address, order.keys_content)
        reboot_timeout = gathering.catch(lambda: timeout_of(order.reboot_timeout))
        kexec_timeout = gathering.catch(lambda: timeout_of(order.kexec_timeout))
        vlan = gathering.catch(lambda: self._vlans.check(order.vlan)) or ""
        automaton = gathering.catch(lambda: automaton_of(order.automata))
        profile = gathering.catch(lambda: profile_of(order.pxe))
        insertions = gathering.catch(lambda: insertions_of(order.customs, OF_DEPLOYMENTS))
        variables = gathering.catch(lambda: variables_of(order.customs))
        if nodes is not None:
            with gathering:
                await self._check_targets(caller, nodes, order)
        if nodes is None or environment is None:
            gathering.settle()
        assert nodes is not None
        assert environment is not None
        request = DeployRequest(
            nodes=nodes,
            environment=environment,
            image=NOT_PINNED,
            partition=order.partition,
            disable_kexec=order.disable_kexec,
            disable_bootloader_install=order.disable_bootloader_install,
            disable_disk_partitioning=order.disable_disk_partitioning,
            reboot_timeout=reboot_timeout,
            kexec_timeout=kexec_timeout,
            custom_operations=insertions or (),
            custom_variables=variables or {},
            automaton=automaton,
            whole_disk=order.whole_disk,
            boot_partition=order.boot_partition,
            reformat_tmp=order.reformat_tmp,
            vlan=vlan,
            profile=profile,
        )
        gathering.catch(lambda: self._plans(request))
        gathering.settle()
        return replace(request, addresses=await self._vlans.addresses(nodes, vlan))

    def _plans(self, request: DeployRequest) -> Plans:
        return plans_for(self._site, request.nodes, lambda cluster: build_deploy(request, self._site, cluster))

    async def _environment(self, caller: Caller, wanted: WantedEnvironment) -> Environment:
        if wanted.description is not None:
            environment = self._environments.describe_anonymous(caller, wanted.description)
        else:
            environment = await self._environments.choose(
                caller, name=wanted.name, user=wanted.user, version=wanted.version
            )
        refuse_files_of_the_client(environment)
        return environment

    async def _check_targets(self, caller: Caller, nodes: NodeSet, order: DeployOrder) -> None:
        """Rights on the partition that each node's system goes to."""
        others = NodeSet(name for name in nodes if order.block_device not in ("", self._site.nodes[name].block_device))
        if others:
            raise ConflictingOptions(f"block_device: {order.block_device} is not the disk installed on {others}")
        targets = {name: self._site.nodes[name].block_device for name in nodes}
        if not order.whole_disk:
            numbers = {
                cluster: target_partition(order.partition, self._site.clusters[cluster])
                for cluster in self._site.by_cluster(nodes)
            }
            targets = {
                name: partition_path(disk, numbers[self._site.nodes[name].cluster]) for name, disk in targets.items()
            }
        await self._permission.check(caller.name, nodes, targets)

    async def _with_files(self, request: DeployRequest, order: DeployOrder, owner: str) -> DeployRequest:
        gathering = Gathering()
        image, keys = NOT_PINNED, ""
        files: dict[str, LocalFile] = {}
        wanted = request.environment.image
        with gathering:
            keys = await authorized_keys(order.keys_address, order.keys_content, files=self._files, owner=owner)
        with gathering:
            image = await self._files.pin(
                wanted.file, owner=owner, checksum=wanted.checksum, compression=wanted.compression
            )
        with gathering:
            configured = [one for name in self._site.by_cluster(request.nodes) for one in self._operations(name)]
            files |= await pin_for_nodes(request.custom_operations, configured, files=self._files, owner=owner)
        with gathering:
            files |= await pin_archives(request, self._site, files=self._files, owner=owner)
        gathering.settle()
        return replace(request, image=image, authorized_keys=keys, files=files)

    def _operations(self, cluster: str) -> tuple[Insertion, ...]:
        return self._site.clusters[cluster].operations
