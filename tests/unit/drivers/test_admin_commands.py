"""Commands of a cluster's file in the ladder: real shell lines that write down what they were told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kadeploy.domain.node import Node, Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import AdminCommand, Level, PowerCommands, Verb
from kadeploy.drivers.power.ladder import Ladder

NODES = NodeSet.parse("node-[1-4]")
PDUS = (NodeSet.parse("node-[1-2]"), NodeSet.parse("node-[3-4]"))


class Bench:
    """A site whose `commands` are shell lines; each `note WORDS` in them appends to a file."""

    def __init__(self, directory: Path, acts: dict[tuple[Verb, Level], str], status: str = "") -> None:
        self.told = directory / "told"
        self.told.touch()
        commands = PowerCommands(
            acts={
                (verb, level): AdminCommand(line=self._line(line), groups=PDUS if "GROUP" in line else ())
                for (verb, level), line in acts.items()
            },
            status=AdminCommand(line=status) if status else None,
        )
        nodes = {
            name: Node(name=name, cluster="c", address="192.0.2.1", block_device="/dev/sda", commands=commands)
            for name in NODES
        }
        self.power = Ladder(site=Site(nodes=nodes, clusters={}), bmcs={})

    @property
    def lines(self) -> list[str]:
        return sorted(self.told.read_text().splitlines())

    def _line(self, line: str) -> str:
        return line.replace("note", f"echo >>'{self.told}'")


def test_escalation_goes_through_the_levels_that_have_a_command(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        {
            (Verb.REBOOT, Level.SOFT): "note soft HOSTNAME_FQDN; [ HOSTNAME_SHORT = node-1 ]",
            (Verb.REBOOT, Level.HARD): "note hard HOSTNAME_FQDN; echo no such chassis >&2; exit 3",
            (Verb.REBOOT, Level.VERY_HARD): "note cut HOSTNAME_FQDN; [ HOSTNAME_FQDN != node-3 ]",
        },
    )
    result = asyncio.run(bench.power.cycle(NodeSet.parse("node-[1-3]"), Level.SOFT))
    assert result.ok == NodeSet.parse("node-[1-2]")
    assert result.ko["node-3"] == (
        "soft: the command exited with 1; hard: the command exited with 3: no such chassis; "
        "very_hard: the command exited with 1"
    )
    assert bench.lines == sorted(
        ["soft node-1", "soft node-2", "soft node-3", "hard node-2", "hard node-3", "cut node-2", "cut node-3"]
    )


def test_a_retry_that_begins_hard_never_asks_softly(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {(Verb.REBOOT, Level.SOFT): "note soft", (Verb.REBOOT, Level.HARD): "note hard"})
    assert asyncio.run(bench.power.cycle(NodeSet(["node-1"]), Level.HARD)).ok
    assert bench.lines == ["hard"]


@pytest.mark.parametrize("level", Level)
def test_the_only_command_of_a_node_without_a_bmc_is_taken_for_every_level(tmp_path: Path, level: Level) -> None:
    bench = Bench(tmp_path, {(Verb.ON, Level.SOFT): "note on", (Verb.REBOOT, Level.HARD): "note reset; false"})
    assert asyncio.run(bench.power.on(NodeSet(["node-1"]), level)).ok
    assert bench.lines == ["on"]
    said = asyncio.run(bench.power.cycle(NodeSet(["node-1"]), level)).ko["node-1"]
    assert said.endswith("hard: the command exited with 1")
    assert "BMC" not in said


def test_a_group_is_acted_on_once_and_all_get_its_outcome(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {(Verb.REBOOT, Level.VERY_HARD): "note GROUP_FQDN; [ GROUP_SHORT = node-1,node-2 ]"})
    result = asyncio.run(bench.power.cycle(NODES, Level.VERY_HARD))
    assert result.ok == PDUS[0]
    assert set(result.ko) == set(PDUS[1])
    assert bench.lines == ["node-1,node-2", "node-3,node-4"]


def test_a_group_that_is_not_whole_is_left_alone_and_less_force_is_used(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        {(Verb.REBOOT, Level.VERY_HARD): "note GROUP_FQDN", (Verb.REBOOT, Level.HARD): "note hard HOSTNAME_FQDN"},
    )
    assert asyncio.run(bench.power.cycle(NodeSet(["node-1"]), Level.VERY_HARD)).ok
    assert bench.lines == ["hard node-1"]


def test_switching_and_asking(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        {(Verb.ON, Level.SOFT): "note on", (Verb.OFF, Level.SOFT): "note off"},
        status='[ HOSTNAME_FQDN = node-1 ] && echo "Chassis Power is On" || echo "it is uncertain"',
    )
    assert asyncio.run(bench.power.on(NodeSet(["node-1"]), Level.SOFT)).ok
    assert asyncio.run(bench.power.off(NodeSet(["node-1"]), Level.SOFT)).ok
    assert bench.lines == ["off", "on"]
    said = asyncio.run(bench.power.status(NodeSet(["node-1", "node-2"])))
    assert said.outputs == {"node-1": "on"}
    assert "neither on nor off" in said.ko["node-2"]
