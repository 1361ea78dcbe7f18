from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from kadeploy.domain.node import Bmc, BmcKind, Node, Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import Level
from kadeploy.drivers.power.driver import PowerRefused, PowerState
from kadeploy.drivers.power.ladder import Ladder


@dataclass(slots=True)
class Scripted:
    """A driver that notes what it is told, and refuses the verbs it is told to refuse."""

    name: str
    log: list[str]
    refuses: frozenset[str] = frozenset()
    state: PowerState = PowerState.ON
    bugs: frozenset[str] = field(default_factory=frozenset)

    async def on(self, node: Node) -> None:
        self._note("on", node)

    async def off(self, node: Node) -> None:
        self._note("off", node)

    async def cycle(self, node: Node) -> None:
        self._note("cycle", node)

    async def status(self, node: Node) -> PowerState:
        self._note("status", node)
        return self.state

    def _note(self, verb: str, node: Node) -> None:
        self.log.append(f"{self.name} {verb} {node.name}")
        if verb in self.bugs:
            raise RuntimeError("a bug")
        if verb in self.refuses:
            raise PowerRefused(f"{self.name} will not {verb}")


def node(name: str, bmc: BmcKind | None) -> Node:
    return Node(
        name=name,
        cluster="c",
        address="192.0.2.1",
        block_device="/dev/sda",
        bmc=Bmc(driver=bmc) if bmc else None,
    )


SITE = Site(
    nodes={
        "ipmi-1": node("ipmi-1", BmcKind.IPMI),
        "fish-1": node("fish-1", BmcKind.REDFISH),
        "bare-1": node("bare-1", None),
    },
    clusters={},
)


def ladder(
    log: list[str], *, ssh: frozenset[str] | None = frozenset(), ipmi: frozenset[str] = frozenset(), bugs: str = ""
) -> Ladder:
    return Ladder(
        site=SITE,
        ssh=None if ssh is None else Scripted("ssh", log, ssh),
        bmcs={
            BmcKind.IPMI: Scripted("ipmi", log, ipmi, bugs=frozenset(bugs.split())),
            BmcKind.REDFISH: Scripted("redfish", log),
        },
        dark=0,
    )


CYCLES = [
    (Level.SOFT, frozenset(), ["ssh cycle ipmi-1"]),
    (Level.SOFT, frozenset({"cycle"}), ["ssh cycle ipmi-1", "ipmi cycle ipmi-1"]),
    (Level.HARD, frozenset(), ["ipmi cycle ipmi-1"]),
    (Level.VERY_HARD, frozenset(), ["ipmi off ipmi-1", "ipmi on ipmi-1"]),
]


@pytest.mark.parametrize(("level", "ssh", "told"), CYCLES)
def test_a_cycle_starts_at_its_level_and_stops_where_it_worked(
    level: Level, ssh: frozenset[str], told: list[str]
) -> None:
    log: list[str] = []
    result = asyncio.run(ladder(log, ssh=ssh).cycle(NodeSet(["ipmi-1"]), level))
    assert result.ok == NodeSet(["ipmi-1"])
    assert log == told


def test_a_cycle_climbs_to_the_top_and_says_what_every_rung_said() -> None:
    log: list[str] = []
    power = ladder(log, ssh=None, ipmi=frozenset({"cycle", "off"}))
    result = asyncio.run(power.cycle(NodeSet(["ipmi-1"]), Level.SOFT))
    assert result.ko == {
        "ipmi-1": "soft: no SSH key is configured; hard: ipmi will not cycle; very_hard: ipmi will not off"
    }
    assert log == ["ipmi cycle ipmi-1", "ipmi off ipmi-1"]


def test_a_node_without_a_bmc_is_only_asked_softly() -> None:
    log: list[str] = []
    nodes = NodeSet(["bare-1"])
    assert asyncio.run(ladder(log).cycle(nodes, Level.SOFT)).ok == nodes
    assert asyncio.run(ladder(log).cycle(nodes, Level.HARD)).ko == {
        "bare-1": "hard: no BMC is configured; very_hard: no BMC is configured"
    }
    assert log == ["ssh cycle bare-1"]


@pytest.mark.parametrize("level", Level)
def test_on_never_asks_a_running_system_and_the_bmc_once(level: Level) -> None:
    log: list[str] = []
    result = asyncio.run(ladder(log, ipmi=frozenset({"on"})).on(NodeSet(["ipmi-1", "fish-1"]), level))
    assert result.ok == NodeSet(["fish-1"])
    assert result.ko == {"ipmi-1": "hard: ipmi will not on"}
    assert sorted(log) == ["ipmi on ipmi-1", "redfish on fish-1"]


def test_off_goes_from_the_system_to_the_bmc() -> None:
    log: list[str] = []
    result = asyncio.run(ladder(log, ssh=frozenset({"off"})).off(NodeSet(["fish-1"]), Level.SOFT))
    assert result.ok
    assert log == ["ssh off fish-1", "redfish off fish-1"]


def test_status_is_the_bmc_s() -> None:
    log: list[str] = []
    result = asyncio.run(ladder(log, ipmi=frozenset({"status"})).status(NodeSet(SITE.nodes)))
    assert result.outputs == {"fish-1": "on"}
    assert result.ko == {"ipmi-1": "ipmi will not status", "bare-1": "no BMC is configured"}


def test_a_stranger_is_refused_and_a_bug_is_not_climbed_over() -> None:
    log: list[str] = []
    result = asyncio.run(ladder(log, bugs="cycle").cycle(NodeSet(["ipmi-1", "fish-1", "nobody"]), Level.HARD))
    assert result.ok == NodeSet(["fish-1"])
    assert result.ko == {"nobody": "not a node of this site", "ipmi-1": "internal error: RuntimeError: a bug"}
