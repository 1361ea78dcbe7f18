"""A virtual cluster as one thing: brought up, looked at, broken on purpose, taken down.

Everything it made is under one state directory, but the bridge, libvirt's domains and its processes; `down` ends and
removes exactly what the state says is its own. Bringing up what is up changes nothing.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from kadeploy.errors import BadConfiguration, Conflict, Faults, KadeployError, NotFound
from kadeploy.lab import libvirtd, machines, network
from kadeploy.lab.bmc import Bmc
from kadeploy.lab.credentials import new, write_private
from kadeploy.lab.machines import Machine
from kadeploy.lab.site import FILES, SitePaths, site_files
from kadeploy.lab.spec import LabSpec, MachineSpec, faults

LABS = Path("/var/lib/kadeploy/labs")
MINIENV = Path("/var/lib/kadeploy/minienv")

DISKS = "disks"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a lab writes down of itself. No secrets: those are beside it, readable by root only."""

    spec: LabSpec
    uuids: dict[str, str]
    site: Path
    paths: SitePaths


STATE = TypeAdapter(State)


class LabNode:
    """One node of a lab that exists, and what a test may do to it."""

    def __init__(self, machine: Machine, bmc: Bmc) -> None:
        self.machine = machine
        self.bmc = bmc

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def spec(self) -> MachineSpec:
        return self.machine.spec

    @property
    def address(self) -> str:
        return str(self.machine.lab.node_address(self.name))

    @property
    def serial_log(self) -> Path:
        """What the node's serial port said; the oldest of it is in `.0`, `.1`, ... beside it."""
        return self.machine.serial_log

    @property
    def power(self) -> str:
        return machines.power(self.machine)

    def power_on(self) -> None:
        """Press the button, without the BMC."""
        machines.power_on(self.machine)

    def destroy(self) -> None:
        """Pull the power cord."""
        machines.destroy(self.machine)

    def unplug(self) -> None:
        """Pull the network cable; it stays out until `plug`."""
        machines.set_link(self.machine, up=False)

    def plug(self) -> None:
        """Put the network cable back."""
        machines.set_link(self.machine, up=True)

    def change_bmc_password(self, password: str) -> None:
        """Have the BMC want another password than the site's configuration says."""
        self.bmc.change_password(password)


class Lab:
    """One virtual cluster by its state directory."""

    def __init__(self, directory: Path, state: State) -> None:
        self.directory = directory
        self.state = state

    @classmethod
    def load(cls, directory: Path) -> Lab:
        """A lab that was brought up before. Raises NotFound."""
        path = state_file(directory)
        try:
            return cls(directory, STATE.validate_json(path.read_bytes()))
        except FileNotFoundError:
            raise NotFound(f"There is no lab in {directory}", hint="`kalab up` makes one") from None
        except ValidationError as error:
            raise BadConfiguration(f"{path} is not a lab's state: {error.errors()[0]['msg']}") from None

    @classmethod
    def new(cls, directory: Path, spec: LabSpec, *, site_directory: Path | None = None, paths: SitePaths) -> Lab:
        """A lab that is not up yet. Raises Faults with everything wrong in the spec."""
        if found := faults(spec) + machines.missing_files(spec):
            raise Faults(found)
        machines.check_reachable(directory)
        site_directory = site_directory or directory / "site"
        check_untaken(directory, site_directory)
        uuids = {machine.name: str(uuid.uuid4()) for machine in spec.machines}
        return cls(directory, State(spec=spec, uuids=uuids, site=site_directory, paths=paths))

    @property
    def spec(self) -> LabSpec:
        return self.state.spec

    @property
    def site(self) -> Path:
        """The directory of the configuration for `kadeployd`."""
        return self.state.site

    @property
    def nodes(self) -> tuple[LabNode, ...]:
        return tuple(self.node(machine.name) for machine in self.spec.machines)

    def node(self, name: str) -> LabNode:
        """Raises NotFound."""
        if name not in self.state.uuids:
            raise NotFound(f"The lab {self.spec.name} has no {name}; it has {', '.join(self.state.uuids)}")
        return LabNode(self._machine(name), Bmc(machine=name, directory=self.directory / "bmc"))

    def up(self, say: Say) -> None:
        """Have everything run, saying what was done; what fails in a new lab takes the whole lab back down."""
        with libvirtd.alone():
            is_new = not state_file(self.directory).exists()
            had_disks = (self.directory / DISKS).exists()
            try:
                self._up(say)
            except BaseException as error:
                if is_new:
                    self._down(_say_nothing, keep_disks=had_disks)
                if isinstance(error, OSError):
                    raise KadeployError(f"The lab did not come up: {error}") from error
                raise

    def down(self, say: Say, *, keep_disks: bool = False) -> None:
        """End and remove everything that is this lab's, whatever state it is in."""
        with libvirtd.alone():
            self._down(say, keep_disks=keep_disks)

    def write_site(self) -> None:
        """Write the configuration for `kadeployd`, and have the directory that images may come from."""
        self.state.paths.images.mkdir(parents=True, exist_ok=True)
        bmcs = {node.name: node.bmc.credentials for node in self.nodes}
        for name, text in site_files(self.spec, self.state.paths, bmcs).items():
            write_private(self.site / name, text)

    def _up(self, say: Say) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        write_private(state_file(self.directory), STATE.dump_json(self.state, indent=2).decode())
        state_file(self.directory).chmod(0o644)
        say(_told("libvirtd", libvirtd.ensure()))
        say(
            _told(
                f"bridge {self.spec.bridge}, {self.spec.address}/{self.spec.subnet.prefixlen}",
                network.bring_up(self.spec),
            )
        )
        for node in self.nodes:
            made = machines.define(node.machine)
            node.bmc.prepare(new(self.spec, node.name, self.state.uuids[node.name]))
            what = f"{node.spec.firmware}, {node.spec.disk} disk {node.spec.disk.block_device}, {node.address}"
            say(_told(f"{node.name}: {what}", made, "made"))
        started = {node.name: node.bmc.start() for node in self.nodes}
        for node in self.nodes:
            node.bmc.wait()
            bmc = node.bmc.credentials
            say(_told(f"{node.name}: {bmc.kind} BMC at {bmc.address} port {bmc.port}", started[node.name]))
        self.write_site()
        say(f"site configuration: {self.site}")

    def _down(self, say: Say, *, keep_disks: bool) -> None:
        if machines.are_defined(self.spec):
            libvirtd.ensure()
            for node in self.nodes:
                if machines.undefine(node.machine, keep_nvram=keep_disks):
                    say(f"{node.name}: removed")
        for node in self.nodes:
            if node.bmc.end():
                say(f"{node.name}: BMC ended")
        if network.take_down(self.spec):
            say(f"bridge {self.spec.bridge}: removed")
        self._remove_files(keep_disks=keep_disks)
        if libvirtd.end_if_unused():
            say("libvirtd: ended")

    def _remove_files(self, *, keep_disks: bool) -> None:
        for name in FILES:
            (self.site / name).unlink(missing_ok=True)
        if self.site.is_dir() and not any(self.site.iterdir()):
            self.site.rmdir()
        if not keep_disks:
            shutil.rmtree(self.directory, ignore_errors=True)
            return
        for path in self.directory.iterdir():
            if path.name != DISKS:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _machine(self, name: str) -> Machine:
        return Machine(
            lab=self.spec,
            spec=self.spec.machine(name),
            uuid=self.state.uuids[name],
            disk=self.directory / DISKS / f"{name}.qcow2",
            nvram=self.directory / DISKS / f"{name}.nvram",
            serial_log=self.directory / "serial" / f"{name}.log",
        )


def state_file(directory: Path) -> Path:
    return directory / "lab.json"


def check_untaken(directory: Path, site_directory: Path) -> None:
    """What a lab removes when it goes must have been its own. Raises Conflict."""
    if strange := [path.name for path in directory.glob("*") if path.name != DISKS]:
        raise Conflict(f"{directory} is not empty: it has {strange[0]}", hint="choose another --state")
    if strange := [name for name in FILES if (site_directory / name).exists()]:
        raise Conflict(f"{site_directory} has a {strange[0]} of its own", hint="choose another --site")


def _told(what: str, done: bool, word: str = "started") -> str:
    return f"{what}: {word if done else 'was already there'}"


def _say_nothing(_: str) -> None:
    pass
