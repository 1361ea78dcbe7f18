"""POST /deployment: Kadeploy3's parameters, decoded into an order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kadeploy.api.call import Call
from kadeploy.api.launching import LaunchAnswer, LaunchParameters, refuse_what_comes_later
from kadeploy.api.parameters import Number, Parameters, Toggle, decoded
from kadeploy.errors import ConflictingOptions, InvalidEnvironment, InvalidOption, MissingOption
from kadeploy.operations.deploy import Deploy, DeployOrder, WantedEnvironment
from kadeploy.operations.gathering import Gathering


class RecordedEnvironment(Parameters):
    name: str
    user: str | None = None
    version: Number = None


class DeployParameters(LaunchParameters):
    """`environment` is `{kind: database, name, user?, version?}` or `{kind: anonymous}` with a description.

    `ssh_authorized_keys` is the URL of a file of keys, `ssh_authorized_keys_content` the keys themselves.
    """

    environment: dict[str, Any] | None = None
    ssh_authorized_keys: str = ""
    ssh_authorized_keys_content: str = ""
    deploy_partition: str = ""
    block_device: str = ""
    disable_kexec: Toggle = False
    disable_bootloader_install: Toggle = False
    disable_disk_partitioning: Toggle = False
    timeout_reboot_classical: str = ""
    timeout_reboot_kexec: str = ""


class Deployment:
    """The resource's launch."""

    def __init__(self, deploy: Deploy, answer: LaunchAnswer) -> None:
        self._deploy = deploy
        self._answer = answer

    async def launch(self, call: Call) -> object:
        gathering = Gathering()
        with gathering:
            refuse_what_comes_later(call.parameters)
        asked = decoded(DeployParameters, call.parameters)
        partition, environment = None, WantedEnvironment()
        with gathering:
            partition = _partition(asked)
        with gathering:
            environment = _environment(asked.environment)
        gathering.settle()
        order = DeployOrder(
            nodes=asked.nodes,
            environment=environment,
            keys_address=asked.ssh_authorized_keys,
            keys_content=asked.ssh_authorized_keys_content,
            partition=partition,
            block_device=asked.block_device,
            disable_kexec=asked.disable_kexec,
            disable_bootloader_install=asked.disable_bootloader_install,
            disable_disk_partitioning=asked.disable_disk_partitioning,
            reboot_timeout=asked.timeout_reboot_classical,
            kexec_timeout=asked.timeout_reboot_kexec,
            force=asked.force,
            dry_run=asked.dry_run,
        )
        return self._answer.tell(call, asked, await self._deploy.start(call.caller, order))


def _partition(asked: DeployParameters) -> int | None:
    if not asked.deploy_partition:
        if asked.block_device:
            raise ConflictingOptions("block_device without deploy_partition is the whole disk, which cannot be done")
        return None
    if not asked.deploy_partition.isdecimal():
        raise InvalidOption(f"deploy_partition: must be a partition's number, not {asked.deploy_partition!r}")
    return int(asked.deploy_partition)


def _environment(given: Mapping[str, Any] | None) -> WantedEnvironment:
    if given is None:
        raise MissingOption("environment: is required")
    kind = given.get("kind", "database")
    if kind == "anonymous":
        return WantedEnvironment(description=given)
    if kind != "database":
        raise InvalidEnvironment(f"environment.kind: must be database or anonymous, not {kind!r}")
    recorded = decoded(RecordedEnvironment, given, place="environment.")
    return WantedEnvironment(name=recorded.name, user=recorded.user or None, version=recorded.version)
