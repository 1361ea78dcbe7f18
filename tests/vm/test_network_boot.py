"""Real firmware asks, and boots what the catalogue says: by BIOS and by UEFI, the disk and the minimal environment."""

from __future__ import annotations

import asyncio
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from kadeploy.domain.boot import BootKind, BootTarget, of_partition
from kadeploy.domain.nodeset import NodeSet
from kadeploy.minienv.build import build
from tests.vm.boot_network import BootServer, boot_server, bridge, console_until
from tests.vm.tiny_disks import (
    EFI,
    EMPTY,
    LOADED,
    MENU,
    SAID,
    SAID_BY_MENU,
    SAID_BY_PARTITION,
    bios_disk,
    parted_disk,
    uefi_tree,
)

pytestmark = [pytest.mark.vm, pytest.mark.timeout(300)]
MINIENV = Path(__file__).parents[2] / "build/minienv"
NODES = NodeSet(["node-1", "node-2"])  # by BIOS, by UEFI
AGENT = """
import hashlib, time
words = dict(word.split("=", 1) for word in open("/proc/cmdline").read().split() if "=" in word)
print("TOKENHASH", hashlib.sha256(words["kadeploy.token"].encode()).hexdigest(), words["kadeploy.node"], "ENDED")
time.sleep(600)
"""


@pytest.fixture(scope="module", autouse=True)
def network() -> Iterator[None]:
    with bridge():
        yield


def agent_archive() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as entries:
        entries.writestr("__main__.py", AGENT)
    return archive.getvalue()


async def consoles(
    server: BootServer, disks: Mapping[str, Path], *texts: str, folder: Path, timeout: float
) -> list[str]:
    """What both nodes' consoles said until the one text, or each its own, came; switched on at once: each keeps one
    processor busy."""
    async with asyncio.TaskGroup() as group:
        booting = [
            group.create_task(
                console_until(text, node=server.site.nodes[name], disk=disk, folder=folder, timeout=timeout)
            )
            for (name, disk), text in zip(disks.items(), texts * (len(disks) // len(texts)), strict=True)
        ]
    return [task.result() for task in booting]


def test_the_disk_is_started_from_the_network_boot(tmp_path: Path) -> None:
    disks = {"node-1": bios_disk(tmp_path / "disk.raw"), "node-2": uefi_tree(tmp_path / "esp")}

    async def run() -> None:
        async with boot_server(tmp_path / "state", MINIENV, b"") as server:
            for said in await consoles(server, disks, SAID, folder=tmp_path, timeout=60):
                assert "/boot/ipxe... ok" in said
            assert not server.tokens.issued

    asyncio.run(run())


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ((LOADED, EFI), (SAID_BY_PARTITION, SAID_BY_PARTITION)),
        ((MENU, MENU), (SAID_BY_MENU, SAID_BY_MENU)),
        ((EMPTY, EMPTY), (SAID, SAID_BY_PARTITION)),
    ],
    ids=["its own loader", "its menu of GRUB", "nothing: the disk is started"],
)
def test_one_partition_is_started(tmp_path: Path, numbers: tuple[int, int], said: tuple[str, str]) -> None:
    disks = {name: parted_disk(tmp_path / f"{name}.raw") for name in NODES}

    async def run() -> None:
        async with boot_server(tmp_path / "state", MINIENV, b"") as server:
            for name, number in zip(NODES, numbers, strict=True):
                await server.catalog.set(NodeSet([name]), of_partition(number))
            for heard in await consoles(server, disks, *said, folder=tmp_path, timeout=90):
                assert "/boot/partition/" in heard
                assert ("/boot/disk.efi" in heard) is (numbers[0] == EMPTY and "/partition/efi" in heard)

    asyncio.run(run())


def test_the_minimal_environment_gets_its_token(tmp_path: Path) -> None:
    build(MINIENV)
    disks = {name: bios_disk(tmp_path / f"{name}.raw") for name in NODES}

    async def run() -> None:
        async with boot_server(tmp_path / "state", MINIENV, agent_archive()) as server:
            await server.catalog.set(NODES, BootTarget(kind=BootKind.MINIMAL))
            heard = await consoles(server, disks, "ENDED", folder=tmp_path, timeout=120)
            for name, said in zip(NODES, heard, strict=True):
                found = re.search(r"TOKENHASH ([0-9a-f]{64}) (\S+)", said)
                assert found, said[-1000:]
                issued = await server.tokens.current(name)
                assert issued is not None
                assert found.groups() == (issued.token_hash, name)
            assert len(server.tokens.issued) == len(NODES)

    asyncio.run(run())


def test_the_kernel_of_a_root_on_nfs_is_told_of_its_root_and_its_node(tmp_path: Path) -> None:
    """There is no such root here: what is looked at is the kernel's first words, in which it says what it was told."""
    build(MINIENV)
    disks = {name: bios_disk(tmp_path / f"{name}.raw") for name in NODES}
    root = "root=/dev/nfs nfsroot=10.215.0.254:/srv/root ip=dhcp"
    target = BootTarget(kind=BootKind.NFSROOT, params=f"{root} loglevel=7")

    async def run() -> None:
        async with boot_server(tmp_path / "state", MINIENV, b"") as server:
            await server.catalog.set(NODES, target)
            heard = await consoles(server, disks, "BOOTIF=01-", folder=tmp_path, timeout=120)
            for name, said in zip(NODES, heard, strict=True):
                assert re.search(rf"ommand line: .*{root} .*kadeploy.node={name} ", said), said[-1000:]

    asyncio.run(run())
