"""Simulated nodes: firmware that boots what it is told, a disk, an agent or an installed system, and faults."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kadeploy.domain.boot import LOCAL_DISK, BootKind, BootTarget
from kadeploy.ports.clock import Clock
from kadeploy.ports.presence import System


class Fault(StrEnum):
    """What is wrong with a node."""

    NEVER_BOOTS = "never boots"
    BOOTS_LATE = "boots late"
    BMC_REFUSES = "the BMC refuses"
    DIES_IN_BROADCAST = "dies in the broadcast"
    SMALL_DISK = "the disk is too small"
    KEXEC_FAILS = "kexec does not come back"
    FIRST_BOOT_FAILS = "does not boot at the first try"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds that things take on a simulated node, each drawn evenly between two bounds."""

    boot_minimal: tuple[float, float] = (30.0, 40.0)
    boot_installed: tuple[float, float] = (20.0, 30.0)
    kexec: tuple[float, float] = (8.0, 10.0)
    late: float = 200.0
    command: tuple[float, float] = (0.1, 2.0)


Arrived = Callable[["SimulatedNode"], None]


@dataclass(slots=True, kw_only=True)
class SimulatedNode:
    """One machine. `system` is what runs on it now, None while it is off or booting."""

    name: str
    clock: Clock
    random: random.Random
    timing: Timing
    arrived: Arrived
    fault: Fault | None = None
    target: BootTarget = LOCAL_DISK
    is_on: bool = False
    system: System | None = None
    since: float = 0.0
    installed: bool = False
    boots: int = 0
    answers: dict[str, str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    booting: asyncio.TimerHandle | None = None

    def draw(self, bounds: tuple[float, float]) -> float:
        return self.random.uniform(*bounds)

    def switch_off(self) -> None:
        self.is_on = False
        self._stop()

    def restart(self) -> None:
        """Power on, or from running: the firmware starts again and boots the target."""
        self._stop()
        self.is_on = True
        self.boots += 1
        self.since = self.clock.now()
        if self._fails_to_boot():
            return
        if self.target.kind is BootKind.MINIMAL:
            self._boot(System.MINIMAL, self.draw(self.timing.boot_minimal))
        elif self.installed:
            self._boot(System.INSTALLED, self.draw(self.timing.boot_installed))

    def kexec(self) -> None:
        self._stop()
        if self.fault is not Fault.KEXEC_FAILS and self.installed:
            self._boot(System.INSTALLED, self.draw(self.timing.kexec))

    def die(self) -> None:
        """Hang for good: not even the agent answers any more."""
        self._stop()
        self.fault = Fault.NEVER_BOOTS

    def _fails_to_boot(self) -> bool:
        return self.fault is Fault.NEVER_BOOTS or (self.fault is Fault.FIRST_BOOT_FAILS and self.boots == 1)

    def _boot(self, system: System, seconds: float) -> None:
        late = self.timing.late if self.fault is Fault.BOOTS_LATE else 0.0
        self.booting = asyncio.get_running_loop().call_later(seconds + late, self._up, system)

    def _up(self, system: System) -> None:
        self.system = system
        self.arrived(self)

    def _stop(self) -> None:
        self.system = None
        if self.booting is not None:
            self.booting.cancel()
            self.booting = None


def draw_faults(names: list[str], *, share: float, seed: int) -> Mapping[str, Fault]:
    """A seeded choice of faulty nodes."""
    chooser = random.Random(seed)
    return {name: chooser.choice(list(Fault)) for name in names if chooser.random() < share}
