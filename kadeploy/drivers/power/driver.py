"""What a power driver is: one way to switch one node, whatever its settings say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from kadeploy.domain.node import Bmc, Node
from kadeploy.errors import KadeployError


class PowerRefused(KadeployError):
    """The node's power could not be switched."""


class PowerState(StrEnum):
    ON = "on"
    OFF = "off"


class PowerDriver(Protocol):
    """Each verb is idempotent, returns when it has come true, and raises PowerRefused with the reason if it cannot."""

    async def on(self, node: Node) -> None: ...

    async def off(self, node: Node) -> None: ...

    async def cycle(self, node: Node) -> None:
        """Make the node start again; one that is off is switched on."""
        ...

    async def status(self, node: Node) -> PowerState: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerTimings:
    """How long BMCs are given, in seconds."""

    answer: float = 20.0  # for one answer of a BMC, its retries included
    settle: float = 60.0  # from an accepted order until the power is what was ordered
    look: float = 0.5  # between two looks at it
    packet: int = 2  # until an unanswered IPMI packet is sent again; each time a second longer
    packets: int = 2  # how often it is sent again


def bmc_of(node: Node) -> Bmc:
    if node.bmc is None:
        raise PowerRefused("no BMC is configured")
    return node.bmc


async def settle(read: Callable[[], Awaitable[PowerState]], wanted: PowerState, timings: PowerTimings) -> None:
    """Wait until the power is as ordered: BMCs answer at once and act when they like."""
    loop = asyncio.get_running_loop()
    end = loop.time() + timings.settle
    while await read() is not wanted:
        if loop.time() >= end:
            raise PowerRefused(f"the BMC accepted the order, but the power was not {wanted} after {timings.settle:g} s")
        await asyncio.sleep(timings.look)
