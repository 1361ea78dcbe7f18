"""Words for power: how forcefully to act, and what a node's power is; and what an admin's commands for it are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from kadeploy.domain.nodeset import NodeSet


class Level(StrEnum):
    """How forcefully: ask the running system, use the BMC, cut the supply."""

    SOFT = "soft"
    HARD = "hard"
    VERY_HARD = "very_hard"

    def harder(self, steps: int) -> Level:
        """So many levels up, the highest at most."""
        return LEVELS[min(LEVELS.index(self) + steps, len(LEVELS) - 1)]


LEVELS: Final = tuple(Level)  # from the softest up


class PowerAction(StrEnum):
    ON = "on"
    OFF = "off"
    STATUS = "status"


class Verb(StrEnum):
    """What is done to a node, in the words of a cluster's file."""

    REBOOT = "reboot"
    ON = "power_on"
    OFF = "power_off"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminCommand:
    """A line for the server's shell, with HOSTNAME_FQDN and HOSTNAME_SHORT where a node's name goes.

    One that has `groups` acts on all nodes of a group at once, GROUP_FQDN and GROUP_SHORT: they share a supply.
    """

    line: str
    groups: tuple[NodeSet, ...] = ()

    def group_of(self, node: str) -> NodeSet:
        return next((group for group in self.groups if node in group), NodeSet([node]))

    def for_node(self, node: str) -> str:
        return self.line.replace("HOSTNAME_FQDN", node).replace("HOSTNAME_SHORT", _short(node))

    def for_group(self, group: NodeSet) -> str:
        names = list(group)
        line = self.line.replace("GROUP_FQDN", ",".join(names))
        return line.replace("GROUP_SHORT", ",".join(map(_short, names)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerCommands:
    """The commands of a node that replace what is built in, by verb and level, and the one that tells its power."""

    acts: Mapping[tuple[Verb, Level], AdminCommand] = field(default_factory=dict)
    status: AdminCommand | None = None

    def groups_of(self, node: str) -> Iterator[NodeSet]:
        return (command.group_of(node) for command in self.acts.values() if command.groups)


def _short(name: str) -> str:
    return name.partition(".")[0]
