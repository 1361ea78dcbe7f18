"""Simulated nodes: firmware that boots what it is told, a disk, an agent or an installed system, and faults."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from kadeploy.domain.boot import LOCAL_DISK, BootKind, BootTarget
from kadeploy.domain.disk import MIB
from kadeploy.domain.node import Firmware
from kadeploy.ports.clock import Clock
from kadeploy.ports.presence import System
from kadeploy.testing.console import Login, SerialLine
from kadeploy.testing.timing import Timing


class Fault(StrEnum):
    """What is wrong with a node."""

    NEVER_BOOTS = "never boots"
    BOOTS_LATE = "boots late"
    BMC_REFUSES = "the BMC refuses"
    DIES_IN_BROADCAST = "dies in the broadcast"
    SMALL_DISK = "the disk is too small"
    KEXEC_FAILS = "kexec does not come back"
    FIRST_BOOT_FAILS = "does not boot at the first try"
    BOOTS_WRONG = "boots its disk whatever the network says"
    STAYS_OFF = "its power does not come on"
    DIES_IN_STEP = "dies in a step"
    HANGS = "hangs in a step until it is restarted"
    FLAPS = "restarts by itself"
    AGENT_DISCONNECTS = "its agent is disconnected for a while"
    SLOW_DISK = "the disk is slow"
    CORRUPT_CHUNK = "a chunk arrives corrupt"


class Device(StrEnum):
    """What firmware boots from, in the order it is set to."""

    NETWORK = "network"
    DISK = "disk"


DISK_SIZE: Final = 64 * 1024 * MIB
SMALL: Final = 1024 * MIB
ON_DISK: Final = frozenset({"partition", "format", "run_script", "install_bootloader", "sync"})
LATEST_STRIKE: Final = 14  # the command, counted from a node's first, up to which a fault of a step strikes
FLAPPING: Final = 2  # times that a node restarts by itself


@dataclass(slots=True, kw_only=True)
class Disk:
    """`installed` is a system, `bootable` one that firmware can start."""

    size: int = DISK_SIZE
    installed: bool = False
    bootable: bool = False

    def wipe(self) -> None:
        self.installed = self.bootable = False


@dataclass(slots=True, kw_only=True)
class Job:
    """A command that a node was given: when it ends (seconds of the loop's clock; never, when the node hangs or died),
    what went wrong, and in which boot it was begun."""

    ends: float
    reason: str = ""
    boot: int = 0


Arrived = Callable[["SimulatedNode"], None]


@dataclass(slots=True, kw_only=True)
class SimulatedNode:
    """One machine. `system` is what runs on it now, None while it is off or booting. `strikes` counts down to the
    command in which its fault shows, and `left` how often it still will."""

    name: str
    clock: Clock
    random: random.Random
    timing: Timing
    arrived: Arrived
    fault: Fault | None = None
    firmware: Firmware = Firmware.BIOS
    boot_order: Sequence[Device] = (Device.NETWORK, Device.DISK)
    disk: Disk = field(default_factory=Disk)
    target: BootTarget = LOCAL_DISK
    is_on: bool = False
    is_hung: bool = False
    system: System | None = None
    since: float = 0.0
    boots: int = 0
    jobs: dict[str, Job] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    booting: asyncio.TimerHandle | None = None
    coming: System | None = None
    strikes: int = 0
    left: int = 1
    serial: SerialLine = field(default_factory=SerialLine)
    _login: Login | None = None

    def __post_init__(self) -> None:
        self.strikes = self.random.randint(1, LATEST_STRIKE)
        self.serial.heard = self._heard
        self.left = FLAPPING if self.fault is Fault.FLAPS else 1
        if self.fault is Fault.SMALL_DISK:
            self.disk.size = SMALL
        if self.fault is Fault.BOOTS_WRONG:
            self.boot_order = (Device.DISK, Device.NETWORK)
            self.disk.installed = self.disk.bootable = True

    def switch_off(self) -> None:
        self.is_on = False
        self._stop()
        self.serial.say("\n")

    def restart(self) -> None:
        """Power on, or from running: the firmware starts again and boots what its order and the network say."""
        self._stop()
        self.jobs.clear()
        self.is_on = self.fault is not Fault.STAYS_OFF
        self.is_hung = False
        self.boots += 1
        self.since = self.clock.now()
        if self.is_on:
            self.serial.say(f"\n\nSimulated firmware ({self.firmware}), boot {self.boots}\n")
        if self.is_on and not self._fails_to_boot():
            self._start()

    def kexec(self) -> None:
        self._stop()
        self.jobs.clear()
        if self.fault is not Fault.KEXEC_FAILS and self.disk.installed:
            self._boot(System.INSTALLED, self.timing.kexec.draw(self.random))

    def die(self) -> None:
        """Hang for good: not even the agent answers any more."""
        self._stop()
        self.fault = Fault.NEVER_BOOTS

    def takes(self, seconds: float, *, on_disk: bool) -> float:
        """How long work of so many seconds takes here."""
        return seconds * self.timing.slow if on_disk and self.fault is Fault.SLOW_DISK else seconds

    def strike(self) -> float:
        """One more piece of work begins: seconds that the node's fault adds to it, infinite when it will not end."""
        self.strikes -= 1
        if self.is_hung:
            return math.inf
        if self.strikes > 0 or not self.left:
            return 0.0
        match self.fault:
            case Fault.DIES_IN_STEP:
                self.die()
                return math.inf
            case Fault.HANGS:
                self.left, self.is_hung = 0, True
                return math.inf
            case Fault.FLAPS:
                self.left -= 1
                self.strikes = self.random.randint(1, LATEST_STRIKE)
                self.restart()
                return math.inf
            case Fault.AGENT_DISCONNECTS:
                self.left = 0
                return self.timing.away.draw(self.random)
        return 0.0

    def _start(self) -> None:
        for device in self.boot_order:
            if device is Device.NETWORK and self.target.is_minimal:
                return self._boot(System.MINIMAL, self.timing.boot_minimal.draw(self.random))
            loaded = self.target.kind is BootKind.PARTITION and self.disk.installed
            if device is Device.DISK and (self.disk.bootable or loaded):
                return self._boot(System.INSTALLED, self.timing.boot_installed.draw(self.random))
        return None

    def _fails_to_boot(self) -> bool:
        return self.fault is Fault.NEVER_BOOTS or (self.fault is Fault.FIRST_BOOT_FAILS and self.boots == 1)

    def _boot(self, system: System, seconds: float) -> None:
        self.serial.say(f"Booting the {system} system\n")
        late = self.timing.late.draw(self.random) if self.fault is Fault.BOOTS_LATE else 0.0
        self.booting = asyncio.get_running_loop().call_later(seconds + late, self.up, system)
        self.coming = system

    def up(self, system: System) -> None:
        """It has booted that."""
        self.booting = self.coming = None
        self.come_up(system)
        self.arrived(self)

    def come_up(self, system: System) -> None:
        """It runs now."""
        self.system = system
        if system is System.MINIMAL:
            self.serial.say("The minimal environment is up, and its agent calls the server\n")
        else:
            self._login = Login(self.name, self.serial.say)
            self._login.begin()

    def _heard(self, typed: bytes) -> None:
        if self._login is not None and self.system is System.INSTALLED and not self.is_hung:
            self._login.hear(typed)

    def _stop(self) -> None:
        self.system = None
        if self.booting is not None:
            self.booting.cancel()
            self.booting = None


def draw_faults(
    names: Sequence[str], *, share: float, seed: int, among: Sequence[Fault] = tuple(Fault)
) -> Mapping[str, Fault]:
    """A seeded choice of faulty nodes."""
    chooser = random.Random(seed)
    return {name: chooser.choice(among) for name in names if chooser.random() < share}
