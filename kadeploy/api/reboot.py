"""POST /reboot: Kadeploy3's parameters, decoded into an order."""

from __future__ import annotations

from kadeploy.api.call import Call
from kadeploy.api.launching import LaunchAnswer, LaunchParameters, refuse_what_comes_later
from kadeploy.api.parameters import Toggle, decoded
from kadeploy.domain.power import Level
from kadeploy.domain.request import RebootKind
from kadeploy.operations.reboot import Reboot, RebootOrder


class RebootParameters(LaunchParameters):
    """`check_destructive` is about kinds of reboot that this version does not have."""

    kind: RebootKind = RebootKind.SIMPLE
    level: Level = Level.SOFT
    ssh_authorized_keys: str = ""
    ssh_authorized_keys_content: str = ""
    timeout_reboot_classical: str = ""
    check_destructive: Toggle = False


class Rebooting:
    """The resource's launch."""

    def __init__(self, reboot: Reboot, answer: LaunchAnswer) -> None:
        self._reboot = reboot
        self._answer = answer

    async def launch(self, call: Call) -> object:
        refuse_what_comes_later(call.parameters)
        asked = decoded(RebootParameters, call.parameters)
        order = RebootOrder(
            nodes=asked.nodes,
            kind=asked.kind,
            level=asked.level,
            keys_address=asked.ssh_authorized_keys,
            keys_content=asked.ssh_authorized_keys_content,
            reboot_timeout=asked.timeout_reboot_classical,
            force=asked.force,
            dry_run=asked.dry_run,
        )
        return self._answer.tell(call, asked, await self._reboot.start(call.caller, order))
