"""Deploying: everything is checked before anything begins, so that whoever is refused hears all of it at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kadeploy.domain.disk import partition_path
from kadeploy.domain.environment import Environment
from kadeploy.domain.image import LocalFile
from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import new_operation_id
from kadeploy.domain.request import DeployRequest
from kadeploy.domain.state import OperationKind
from kadeploy.errors import ConflictingOptions
from kadeploy.operations.authorized import authorized_keys, check_given
from kadeploy.operations.caller import Caller
from kadeploy.operations.environments import Environments, reference, refuse_files_of_the_client
from kadeploy.operations.gathering import Gathering
from kadeploy.operations.launch import Launched, Launcher, Plans, plans_for, timeout_of
from kadeploy.operations.permission import Permission
from kadeploy.operations.selection import Selection
from kadeploy.plans.build import build_deploy, target_partition
from kadeploy.ports.files import Files

_NOT_PINNED_YET = LocalFile(path="", size=0, sha256="")


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedEnvironment:
    """A recorded one by name (`user` and `version` may be left open), or a description sent along."""

    name: str = ""
    user: str | None = None
    version: int | None = None
    description: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployOrder:
    """What was asked for, decoded but not yet checked. `block_device` may only repeat the nodes' own."""

    nodes: tuple[str, ...]
    environment: WantedEnvironment
    keys_address: str = ""
    keys_content: str = ""
    partition: int | None = None
    block_device: str = ""
    disable_kexec: bool = False
    disable_bootloader_install: bool = False
    disable_disk_partitioning: bool = False
    reboot_timeout: str = ""
    kexec_timeout: str = ""
    force: bool = False
    dry_run: bool = False


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
        launcher: Launcher,
    ) -> None:
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
            force=order.force,
            dry_run=order.dry_run,
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
            image=_NOT_PINNED_YET,
            partition=order.partition,
            disable_kexec=order.disable_kexec,
            disable_bootloader_install=order.disable_bootloader_install,
            disable_disk_partitioning=order.disable_disk_partitioning,
            reboot_timeout=reboot_timeout,
            kexec_timeout=kexec_timeout,
        )
        gathering.catch(lambda: self._plans(request))
        gathering.settle()
        return request

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
        numbers = {
            cluster: target_partition(order.partition, self._site.clusters[cluster])
            for cluster in self._site.by_cluster(nodes)
        }
        targets = {
            name: partition_path(self._site.nodes[name].block_device, numbers[self._site.nodes[name].cluster])
            for name in nodes
        }
        await self._permission.check(caller.name, nodes, targets)

    async def _with_files(self, request: DeployRequest, order: DeployOrder, owner: str) -> DeployRequest:
        gathering = Gathering()
        image, keys = _NOT_PINNED_YET, ""
        wanted = request.environment.image
        with gathering:
            keys = await authorized_keys(order.keys_address, order.keys_content, files=self._files, owner=owner)
        with gathering:
            image = await self._files.pin(
                wanted.file, owner=owner, checksum=wanted.checksum, compression=wanted.compression
            )
        gathering.settle()
        return replace(request, image=image, authorized_keys=keys)
