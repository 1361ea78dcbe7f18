"""IPMI v2.0 BMCs, by ipmitool over lanplus (RMCP+).

`-v` is asked for because without it ipmitool says the same of a wrong password as of a BMC that is not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kadeploy import process
from kadeploy.domain.node import Bmc, Node
from kadeploy.drivers.ipmitool import environment_for, words_to
from kadeploy.drivers.power.driver import PowerRefused, PowerState, PowerTimings, bmc_of, settle

# What ipmitool 1.8 says, most telling first, and what it means.
_REFUSED: Final = "the BMC refused the user or password"
_MEANINGS: Final = (
    ("HMAC is invalid", _REFUSED),
    ("unauthorized name", _REFUSED),
    ("no response from RAKP 1 message", _REFUSED),  # an unknown user: the BMC had answered the open request before
    ("invalid role", _REFUSED),
    ("Set Session Privilege Level to ADMINISTRATOR failed", "the BMC's user is no administrator there"),
    ("insufficient resources", "the BMC has no free session"),
    ("Address lookup for", "the name of the BMC is not known"),
    ("Get Auth Capabilities error", "the BMC does not answer"),
    ("Unable to establish", "the BMC does not answer"),
    ("Close Session command failed", "the BMC stopped answering"),
)
# Completion codes (IPMI v2.0, table 5-2) of a BMC that does not know the order, or not in its state.
_UNSUPPORTED: Final = ("Invalid command", "Invalid data field", "Command not supported")


@dataclass(frozen=True, slots=True, kw_only=True)
class IpmiPower:
    timings: PowerTimings

    async def on(self, node: Node) -> None:
        await self._order(node, PowerState.ON)

    async def off(self, node: Node) -> None:
        await self._order(node, PowerState.OFF)

    async def cycle(self, node: Node) -> None:
        """`chassis power reset` where the BMC can, else off and on: a reset of a machine that is off does nothing."""
        if await self.status(node) is PowerState.OFF:
            await self.on(node)
            return
        reset = await self._ask(bmc_of(node), "reset")
        if reset.ok:
            return
        if not any(text in reset.stderr for text in _UNSUPPORTED):
            raise PowerRefused(meaning(reset, bmc_of(node)))
        await self.off(node)
        await self.on(node)

    async def status(self, node: Node) -> PowerState:
        said = await self._ask(bmc_of(node), "status")
        if not said.ok:
            raise PowerRefused(meaning(said, bmc_of(node)))
        return parse_status(said.stdout)

    async def _order(self, node: Node, wanted: PowerState) -> None:
        done = await self._ask(bmc_of(node), wanted)
        # Some BMCs refuse to switch on what is on: what counts is how it is.
        if not done.ok and (not _was_understood(done) or await self.status(node) is not wanted):
            raise PowerRefused(meaning(done, bmc_of(node)))
        await settle(lambda: self.status(node), wanted, self.timings)

    async def _ask(self, bmc: Bmc, verb: str) -> process.Finished:
        return await process.run(
            argv_of(bmc, verb, self.timings),
            deadline=self.timings.answer,
            env=environment_for(bmc),
        )


def argv_of(bmc: Bmc, verb: str, timings: PowerTimings) -> tuple[str, ...]:
    patience = ("-N", str(timings.packet), "-R", str(timings.packets))
    return ("ipmitool", "-v", *words_to(bmc), *patience, "chassis", "power", verb)


def parse_status(said: str) -> PowerState:
    for state in PowerState:
        if f"Chassis Power is {state}" in said:
            return state
    raise PowerRefused(f"the BMC's power status is not understood: {said.strip()[:200]!r}")


def meaning(said: process.Finished, bmc: Bmc) -> str:
    """What ipmitool's failure means, in words for people who did not start it."""
    where = f"{bmc.address}:{bmc.port}"
    if said.status == 127:
        return "ipmitool is not installed on the server (Debian package ipmitool)"
    for text, means in _MEANINGS:
        if text.casefold() in said.stderr.casefold():
            return f"{means} ({where})"
    return f"the BMC did not answer in time ({where})" if said.timed_out else f"{said.reason} ({where})"


def _was_understood(said: process.Finished) -> bool:
    """A session was opened and the order itself was refused."""
    return "Set Chassis Power Control" in said.stderr
