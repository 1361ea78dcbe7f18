"""POST /reboot: Kadeploy3's parameters, decoded into an order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import Field

from kadeploy.api.call import Call
from kadeploy.api.launching import (
    CustomParameters,
    LaunchAnswer,
    RecordedEnvironment,
    partition_number,
)
from kadeploy.api.parameters import Toggle, decoded, decoded_partly
from kadeploy.domain.power import Level
from kadeploy.domain.request import RebootKind
from kadeploy.domain.state import OperationKind
from kadeploy.operations.client_files import ClientFiles
from kadeploy.operations.gathering import Gathering
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
        heard = Gathering()
        asked, faulty = decoded_partly(RebootParameters, call.parameters, heard)
        recorded = heard.catch(lambda: _recorded(asked.environment))
        terms = asked.terms(call, OperationKind.REBOOT)
        order = RebootOrder(
            nodes=None if "nodes" in faulty else asked.nodes,
            kind=asked.kind,
            level=asked.level,
            keys_address=asked.ssh_authorized_keys,
            keys_content=asked.ssh_authorized_keys_content,
            reboot_timeout=asked.timeout_reboot_classical,
            environment=recorded.name if recorded else "",
            environment_user=(recorded.user or None) if recorded else None,
            environment_version=recorded.version if recorded else None,
            partition=heard.catch(lambda: partition_number(asked.deploy_partition)),
            block_device=asked.block_device,
            check_destructive=asked.check_destructive,
            vlan=asked.vlan,
            pxe=asked.pxe,
            customs=asked.customs,
            client=ClientFiles(server=asked.client),
            terms=terms,
        )
        if faulty & {"kind", "environment"} or (asked.environment and recorded is None):
            order = _without_kind(order)
        return await self._answer.tell(call, asked, terms, lambda: self._reboot.start(call.caller, order, heard))


def _recorded(given: Mapping[str, Any]) -> RecordedEnvironment | None:
    return decoded(RecordedEnvironment, given, place="environment.") if given else None


def _without_kind(order: RebootOrder) -> RebootOrder:
    """What can be judged of it all the same: what goes with which kind cannot."""
    return replace(order, kind=RebootKind.SIMPLE, keys_address="", keys_content="", environment="", pxe={})
