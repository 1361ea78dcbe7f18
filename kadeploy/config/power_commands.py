"""Kadeploy3's `remoteops`: an admin's own commands for rebooting and switching nodes, by level of force, and the one
for their consoles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, BeforeValidator, Field

from kadeploy.config.decode import Section
from kadeploy.config.findings import meant
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import LEVELS, AdminCommand, Level, PowerCommands, Verb
from kadeploy.errors import Faults, InvalidNodes

CONNECTOR: Final = "DEFAULT_CONNECTOR"
ReadText = Callable[[str], str]


def _entry(value: object) -> object:
    return {"cmd": value} if isinstance(value, str) else value


class OperationEntry(Section):
    """One command. `name` is its level; left out, the first of a list is soft, the second hard, the third very_hard.
    `group` is a file: the nodes of each line, separated by commas, are acted on by one command."""

    name: Level | None = None
    cmd: Annotated[str, Field(min_length=1)]
    group: str = ""


def _three_at_most(value: tuple[OperationEntry, ...]) -> tuple[OperationEntry, ...]:
    levels = [entry.name or LEVELS[index] for index, entry in enumerate(value[: len(LEVELS)])]
    if len(value) > len(LEVELS):
        raise ValueError(f"must have one command a level, {len(LEVELS)} at most, not {len(value)}")
    if twice := [level for level in LEVELS if levels.count(level) > 1]:
        raise ValueError(f"must have one command a level, and has two for {twice[0]}")
    return value


def _one_at_most(value: tuple[OperationEntry, ...]) -> tuple[OperationEntry, ...]:
    if len(value) > 1:
        raise ValueError(f"must have one command, not {len(value)}")
    return value


Entry = Annotated[OperationEntry, BeforeValidator(_entry)]
Levels = Annotated[tuple[Entry, ...], AfterValidator(_three_at_most)]
One = Annotated[tuple[Entry, ...], AfterValidator(_one_at_most)]


class RemoteOps(Section):
    """A level without a command is what is built in for it: SSH, the BMC, the supply cut by the BMC. Without one for
    the console it is IPMI's serial over LAN, where the BMC has that."""

    KADEPLOY3: ClassVar = {"level_name": "the levels are soft, hard and very_hard"}

    reboot: Levels = ()
    power_on: Levels = ()
    power_off: Levels = ()
    power_status: One = ()
    console: One = ()

    def of(self, verb: Verb) -> tuple[OperationEntry, ...]:
        return {Verb.REBOOT: self.reboot, Verb.ON: self.power_on, Verb.OFF: self.power_off}[verb]


def build_commands(section: RemoteOps, *, connector: str, read: ReadText, known: NodeSet) -> PowerCommands:
    """`read` gives a group file's text, `known` are the site's nodes; raises Faults with paths inside the cluster's
    file."""
    acts: dict[tuple[Verb, Level], AdminCommand] = {}
    faults: list[str] = []
    for verb in Verb:
        for index, entry in enumerate(section.of(verb)):
            groups: Sequence[NodeSet] = ()
            if entry.group:
                try:
                    groups = _groups(read(entry.group), known)
                except FileNotFoundError:
                    faults.append(f"remoteops.{verb}[{index}].group: {entry.group}: there is no such file")
                except (OSError, ValueError) as error:
                    faults.append(f"remoteops.{verb}[{index}].group: {entry.group}: {error}")
            line = entry.cmd.replace(CONNECTOR, connector)
            acts[verb, entry.name or LEVELS[index]] = AdminCommand(line=line, groups=tuple(groups))
    if faults:
        raise Faults(faults)
    status = [AdminCommand(line=entry.cmd.replace(CONNECTOR, connector)) for entry in section.power_status]
    return PowerCommands(acts=acts, status=status[0] if status else None)


def _groups(text: str, known: NodeSet) -> Sequence[NodeSet]:
    """Raises ValueError with the line."""
    groups: list[NodeSet] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            group = NodeSet.parse(line)
        except InvalidNodes as error:
            raise ValueError(f"line {number}: {error.message}") from error
        if unknown := group - known:
            raise ValueError(f"line {number}: {unknown} is not a node of this site")
        if again := next((other for other in groups if other & group), None):
            raise ValueError(f"line {number}: {again & group} is in a line before")
        groups.append(group)
    return groups


def overridden(commands: PowerCommands, own: Mapping[str, str], *, connector: str) -> PowerCommands:
    """A node's own commands, as command.conf names them (`reboot_soft`), instead of its cluster's."""
    acts = dict(commands.acts)
    for verb in Verb:
        for level in Level:
            if line := own.get(f"{verb}_{level}"):
                acts[verb, level] = AdminCommand(line=line.replace(CONNECTOR, connector))
    status = own.get("power_status")
    told = AdminCommand(line=status.replace(CONNECTOR, connector)) if status else commands.status
    return PowerCommands(acts=acts, status=told)


def console_of(section: RemoteOps, own: Mapping[str, str], *, connector: str) -> AdminCommand | None:
    """The node's own of command.conf, else its cluster's."""
    line = own.get("console") or "".join(entry.cmd for entry in section.console)
    return AdminCommand(line=line.replace(CONNECTOR, connector)) if line else None


COMMANDS: Final = (*(f"{verb}_{level}" for verb in Verb for level in Level), "power_status", "console")


def check_overrides(data: object, known: NodeSet | None) -> Mapping[str, Mapping[str, str]]:
    """command.conf: each node's own commands by name; raises Faults with the paths of all that is wrong. Without the
    `known` nodes any node may be one."""
    if not isinstance(data, Mapping):
        raise Faults(["must be a mapping of nodes to their commands"])
    faults: list[str] = []
    for node, commands in data.items():
        if known is not None and node not in known:
            faults.append(f"{node}: is not a node of this site{meant(node, known)}")
        elif not isinstance(commands, Mapping):
            faults.append(f"{node}: must be a mapping of commands")
        else:
            faults += [
                f"{node}.{name}: is not a command{meant(name, COMMANDS)}" for name in commands if name not in COMMANDS
            ]
            faults += [f"{node}.{name}: must be text" for name, line in commands.items() if not isinstance(line, str)]
    if faults:
        raise Faults(faults)
    return data
