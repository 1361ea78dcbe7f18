"""POST /reboot: Kadeploy3's parameters, decoded into an order."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from kadeploy.api.call import Call
from kadeploy.api.launching import (
    CustomParameters,
    LaunchAnswer,
    RecordedEnvironment,
    partition_number,
)
from kadeploy.api.parameters import Toggle, decoded
from kadeploy.domain.power import Level
from kadeploy.domain.request import RebootKind
from kadeploy.domain.state import OperationKind
from kadeploy.operations.client_files import ClientFiles
from kadeploy.operations.reboot import Reboot, RebootOrder


class RebootParameters(CustomParameters):
    """`environment` is `{name, user?, version?}`, for recorded_env; `pxe` `{profile, singularities?, files?}`, for
    set_pxe."""

    kind: RebootKind = RebootKind.SIMPLE
    level: Level = Level.SOFT
    ssh_authorized_keys: str = ""
    ssh_authorized_keys_content: str = ""
    timeout_reboot_classical: str = ""
    client: str = ""
    check_destructive: Toggle = False
    environment: dict[str, Any] = Field(default_factory=dict)
    deploy_partition: str = ""
    block_device: str = ""
    vlan: str = ""
    pxe: dict[str, Any] = Field(default_factory=dict)


class Rebooting:
    """The resource's launch."""

    def __init__(self, reboot: Reboot, answer: LaunchAnswer) -> None:
        self._reboot = reboot
        self._answer = answer

    async def launch(self, call: Call) -> object:
        asked = decoded(RebootParameters, call.parameters)
        recorded = decoded(RecordedEnvironment, asked.environment, place="environment.") if asked.environment else None
        terms = asked.terms(call, OperationKind.REBOOT)
        order = RebootOrder(
            nodes=asked.nodes,
            kind=asked.kind,
            level=asked.level,
            keys_address=asked.ssh_authorized_keys,
            keys_content=asked.ssh_authorized_keys_content,
            reboot_timeout=asked.timeout_reboot_classical,
            environment=recorded.name if recorded else "",
            environment_user=(recorded.user or None) if recorded else None,
            environment_version=recorded.version if recorded else None,
            partition=partition_number(asked.deploy_partition),
            block_device=asked.block_device,
            check_destructive=asked.check_destructive,
            vlan=asked.vlan,
            pxe=asked.pxe,
            customs=asked.customs,
            client=ClientFiles(server=asked.client),
            terms=terms,
        )
        return await self._answer.tell(call, asked, terms, lambda: self._reboot.start(call.caller, order))
