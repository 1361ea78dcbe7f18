from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from kadeploy.boot.catalog import Catalog
from kadeploy.boot.service import CatalogBoot
from kadeploy.domain.boot import LOCAL_DISK, BootKind, BootTarget, of_partition
from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import BadConfiguration, DatabaseProblem
from tests.unit.boot.memory import MemoryTargets, node_of, site_with_macs

MINIMAL = BootTarget(kind=BootKind.MINIMAL, params="console=ttyS0")
SITE = site_with_macs(3)


async def loaded(store: MemoryTargets) -> Catalog:
    catalog = Catalog(SITE, store)
    await catalog.load()
    return catalog


def target_of(catalog: Catalog, name: str) -> BootTarget:
    booting = catalog.of_mac(SITE.nodes[name].mac)
    assert booting is not None
    assert booting.node.name == name
    return booting.target


def test_a_node_nobody_decided_on_boots_its_disk() -> None:
    assert target_of(asyncio.run(loaded(MemoryTargets())), "node-1") == LOCAL_DISK


def test_what_was_set_holds_after_a_restart() -> None:
    store = MemoryTargets()

    async def run() -> Catalog:
        await CatalogBoot(site=SITE, catalog=await loaded(store)).set(NodeSet(["node-2"]), MINIMAL)
        return await loaded(store)

    again = asyncio.run(run())
    assert target_of(again, "node-2") == MINIMAL
    assert target_of(again, "node-1") == LOCAL_DISK


def test_what_does_not_boot_the_minimal_environment_can_be_left_as_it_is() -> None:
    async def run() -> Catalog:
        catalog = await loaded(MemoryTargets())
        boot = CatalogBoot(site=SITE, catalog=catalog)
        await boot.set(NodeSet(["node-1"]), MINIMAL)
        await boot.set(NodeSet(["node-2"]), of_partition(3))
        both = NodeSet(["node-1", "node-2"])
        assert (await boot.set(both, LOCAL_DISK, only_from_minimal=True)).ok == both
        return catalog

    catalog = asyncio.run(run())
    assert (target_of(catalog, "node-1"), target_of(catalog, "node-2")) == (LOCAL_DISK, of_partition(3))


def test_what_could_not_be_recorded_is_not_answered() -> None:
    store = MemoryTargets()
    store.broken = True

    async def run() -> Catalog:
        catalog = await loaded(store)
        with pytest.raises(DatabaseProblem):
            await catalog.set(NodeSet(["node-1"]), MINIMAL)
        return catalog

    assert target_of(asyncio.run(run()), "node-1") == LOCAL_DISK


@pytest.mark.parametrize("mac", ["52:54:00:00:00:02", "52-54-00-00-00-02", "52:54:00:00:00:02".upper()])
def test_a_mac_is_known_however_it_is_written(mac: str) -> None:
    booting = asyncio.run(loaded(MemoryTargets())).of_mac(mac)
    assert booting is not None
    assert booting.node.name == "node-2"


@pytest.mark.parametrize(
    ("address", "name"),
    [("10.215.0.3", "node-3"), ("::ffff:10.215.0.3", "node-3"), ("10.215.0.4", None), ("nonsense", None), ("", None)],
)
def test_an_address_is_known_however_it_is_written(address: str, name: str | None) -> None:
    booting = asyncio.run(loaded(MemoryTargets())).of_address(address)
    assert (booting.node.name if booting else None) == name


def test_strangers_and_nodes_without_a_mac_fail_alone() -> None:
    site = replace(SITE, nodes={**SITE.nodes, "node-9": node_of("node-9", mac="")})
    store = MemoryTargets()

    async def run() -> None:
        boot = CatalogBoot(site=site, catalog=Catalog(site, store))
        result = await boot.set(NodeSet(["node-1", "node-9", "nobody"]), MINIMAL)
        assert result.ok == NodeSet(["node-1"])
        assert result.ko == {
            "node-9": "cannot be recognised when it boots: no MAC is configured",
            "nobody": "not a node of this site",
        }

    asyncio.run(run())
    assert set(store.rows) == {"node-1"}


def test_arguments_that_ipxe_would_take_for_commands_are_refused_before_anything_is_recorded() -> None:
    store = MemoryTargets()

    async def run() -> None:
        boot = CatalogBoot(site=SITE, catalog=await loaded(store))
        with pytest.raises(BadConfiguration, match=r"'\|\|' cannot be passed through iPXE"):
            await boot.set(NodeSet(["node-1"]), BootTarget(kind=BootKind.MINIMAL, params="a || reboot"))

    asyncio.run(run())
    assert not store.rows
