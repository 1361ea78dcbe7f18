"""POST /deployment: Kadeploy3's parameters, decoded into an order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from kadeploy.api.call import Call
from kadeploy.api.launching import (
    CustomParameters,
    LaunchAnswer,
    RecordedEnvironment,
    partition_number,
)
from kadeploy.api.parameters import Number, Toggle, decoded, decoded_partly
from kadeploy.domain.missing import NO_ENVIRONMENT
from kadeploy.domain.state import OperationKind
from kadeploy.errors import InvalidEnvironment, MissingOption
from kadeploy.operations.client_files import ClientFiles
from kadeploy.operations.deploy import Deploy, DeployOrder, WantedEnvironment
from kadeploy.operations.gathering import Gathering


class DeployParameters(CustomParameters):
    """`environment` is `{kind: database, name, user?, version?}` or `{kind: anonymous}` with a description.

    `ssh_authorized_keys` is the URL of a file of keys, `ssh_authorized_keys_content` the keys themselves.
    `block_device` without `deploy_partition` is the whole disk. `automata` is
    `{macro-step: [{name, retries?, timeout?}]}`, in place of the cluster's; `pxe` is
    `{profile, singularities?, files?}`, files a list, or a mapping of the names that the profile has for them.
    """

    environment: dict[str, Any] | None = None
    ssh_authorized_keys: str = ""
    ssh_authorized_keys_content: str = ""
    deploy_partition: str = ""
    block_device: str = ""
    boot_partition: Number = None
    reformat_tmp_partition: str = ""
    vlan: str = ""
    automata: dict[str, Any] = Field(default_factory=dict)
    pxe: dict[str, Any] = Field(default_factory=dict)
    client: str = ""
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
        heard = Gathering()
        asked, faulty = decoded_partly(DeployParameters, call.parameters, heard)
        partition = heard.catch(lambda: partition_number(asked.deploy_partition))
        environment = None
        if "environment" not in faulty:
            environment = heard.catch(lambda: _environment(asked.environment))
        terms = asked.terms(call, OperationKind.DEPLOYMENT)
        order = DeployOrder(
            nodes=None if "nodes" in faulty else asked.nodes,
            environment=environment,
            keys_address=asked.ssh_authorized_keys,
            keys_content=asked.ssh_authorized_keys_content,
            partition=partition,
            block_device=asked.block_device,
            whole_disk=bool(asked.block_device) and not asked.deploy_partition,
            boot_partition=asked.boot_partition,
            reformat_tmp=asked.reformat_tmp_partition,
            vlan=asked.vlan,
            automata=asked.automata,
            pxe=asked.pxe,
            disable_kexec=asked.disable_kexec,
            disable_bootloader_install=asked.disable_bootloader_install,
            disable_disk_partitioning=asked.disable_disk_partitioning,
            reboot_timeout=asked.timeout_reboot_classical,
            kexec_timeout=asked.timeout_reboot_kexec,
            customs=asked.customs,
            client=ClientFiles(server=asked.client),
            terms=terms,
        )
        return await self._answer.tell(call, asked, terms, lambda: self._deploy.start(call.caller, order, heard))


def _environment(given: Mapping[str, Any] | None) -> WantedEnvironment:
    if given is None:
        raise MissingOption(NO_ENVIRONMENT)
    kind = given.get("kind", "database")
    if kind == "anonymous":
        return WantedEnvironment(description=given)
    if kind != "database":
        raise InvalidEnvironment(f"environment.kind: must be database or anonymous, not {kind!r}")
    recorded = decoded(RecordedEnvironment, given, place="environment.")
    return WantedEnvironment(name=recorded.name, user=recorded.user or None, version=recorded.version)
