"""Real firmware asks, and boots what the catalogue says: by BIOS and by UEFI, the disk and the minimal environment."""

from __future__ import annotations

import asyncio
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kadeploy.domain.boot import BootKind, BootTarget
from kadeploy.domain.nodeset import NodeSet
from kadeploy.minienv.build import build
from tests.vm.boot_network import boot_server, bridge, console_until
from tests.vm.tiny_disks import SAID, bios_disk, uefi_tree

pytestmark = [pytest.mark.vm, pytest.mark.timeout(300)]
MINIENV = Path(__file__).parents[2] / "build/minienv"
NODE = NodeSet(["node-1"])
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


@pytest.mark.parametrize("uefi", [False, True], ids=["bios", "uefi"])
def test_the_disk_is_started_from_the_network_boot(uefi: bool, tmp_path: Path) -> None:
    disk = uefi_tree(tmp_path / "esp") if uefi else bios_disk(tmp_path / "disk.raw")

    async def run() -> None:
        async with boot_server(tmp_path / "state", MINIENV, b"") as server:
            mac = server.site.nodes["node-1"].mac
            said = await console_until(SAID, mac=mac, disk=disk, uefi=uefi, folder=tmp_path, timeout=60)
            assert "/boot/ipxe... ok" in said
            assert not server.tokens.issued

    asyncio.run(run())


@pytest.mark.parametrize("uefi", [False, True], ids=["bios", "uefi"])
def test_the_minimal_environment_gets_its_token(uefi: bool, tmp_path: Path) -> None:
    build(MINIENV)

    async def run() -> None:
        async with boot_server(tmp_path / "state", MINIENV, agent_archive()) as server:
            await server.catalog.set(NODE, BootTarget(kind=BootKind.MINIMAL))
            mac, disk = server.site.nodes["node-1"].mac, bios_disk(tmp_path / "disk.raw")
            said = await console_until("ENDED", mac=mac, disk=disk, uefi=uefi, folder=tmp_path, timeout=120)
            found = re.search(r"TOKENHASH ([0-9a-f]{64}) (\S+)", said)
            assert found, said[-1000:]
            issued = await server.tokens.current("node-1")
            assert issued is not None
            assert found.groups() == (issued.token_hash, "node-1")
            assert len(server.tokens.issued) == 1

    asyncio.run(run())
