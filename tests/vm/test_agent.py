"""The agent's commands on a real machine: a system is installed, started by kexec, and boots from its own disk.

The system that is installed is the minimal environment itself, told another token: when its agent calls with that,
it has booted.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import tarfile
import time
from pathlib import Path

import pytest

from kadeploy.broadcast.heads import ImageHeads
from kadeploy.domain.image import Compression, ImageKind, LocalFile
from kadeploy.domain.nodeset import NodeSet
from kadeploy.drivers.agents.arrivals import Arrivals
from kadeploy.drivers.agents.broadcast import AgentBroadcast
from kadeploy.drivers.agents.seal import Seal
from kadeploy.minienv.build import build
from kadeploy.ports.broadcast import Shipment
from kadeploy.ports.remote import Terms
from tests.integration.agents.world import KnownTokens, Server, serving
from tests.vm.agent_machine import HOST, Machine, agent_server, agent_words

pytestmark = [pytest.mark.vm, pytest.mark.timeout(600)]
MINIENV = Path(__file__).parents[2] / "build/minienv"
NODE = NodeSet(["node-1"])
TREE = "/mnt/dest"
DISK = "/dev/vda"
MIB = 1 << 20
LAYOUT = [
    {"number": 1, "role": "swap", "size": 64 * MIB},
    {"number": 2, "role": "boot", "size": 64 * MIB},
    {"number": 3, "role": "deploy", "size": 1024 * MIB},
    {"number": 4, "role": "tmp", "size": 0},
]
KERNEL = {"kernel": "/vmlinuz", "initrd": "/initrd.img"}


@pytest.fixture(autouse=True, scope="module")
def minienv() -> None:
    build(MINIENV)


def image_of_minienv(folder: Path) -> LocalFile:
    """As a distribution lays it out: links at the root lead to versioned files in /boot."""
    path = folder / "image.tar"
    with tarfile.open(path, "w") as tar:
        for name in ("etc", "root", "boot", "tmp"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for name, file in (("vmlinuz", "vmlinuz"), ("initrd.img", "initrd")):
            tar.add(MINIENV / file, f"boot/{name}-6.1")
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, f"boot/{name}-6.1"
            tar.addfile(entry)
        entry = tarfile.TarInfo("etc/machine-id")
        entry.size = 3
        tar.addfile(entry, io.BytesIO(b"old"))
    data = path.read_bytes()
    return LocalFile(path=str(path), size=len(data), sha256=hashlib.sha256(data).hexdigest())


class Story:
    """What happens to the node, with the seconds each thing took."""

    def __init__(self, server: Server, machine: Machine, tokens: KnownTokens) -> None:
        self.server, self.machine, self.tokens = server, machine, tokens
        self.seconds: list[tuple[str, float]] = []

    async def do(self, name: str, **args: object) -> str:
        began = time.monotonic()
        result = await self.server.run("node-1", name, args, key=f"{name} {len(self.seconds)}", deadline=200)
        self.seconds.append((name, time.monotonic() - began))
        assert result.ok == NODE, result.ko
        return result.outputs["node-1"]

    async def arrives(self, since: float) -> None:
        began = time.monotonic()
        async with asyncio.timeout(200):
            async for _ in Arrivals(self.server.meeting).watch(NODE, since):
                pass
        self.seconds.append(("boot", time.monotonic() - began))

    async def receives(self, image: LocalFile) -> None:
        began = time.monotonic()
        broadcast = AgentBroadcast(self.server.meeting, self.server.remote, ImageHeads(), Seal(b"s" * 32), host=HOST)
        result = await broadcast.send(
            NODE,
            Shipment(image=image, kind=ImageKind.TAR, compression=Compression.NONE, destination=lambda _: TREE),
            Terms(key="image", deadline=200),
        )
        self.seconds.append(("broadcast", time.monotonic() - began))
        assert result.ok == NODE, result.ko


def test_a_system_is_installed_and_boots_by_bios_and_by_uefi(tmp_path: Path) -> None:
    """Both at once: an emulated machine keeps one processor busy."""
    image = image_of_minienv(tmp_path)
    folders = {firmware: tmp_path / firmware for firmware in ("bios", "uefi")}
    for folder in folders.values():
        folder.mkdir()

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            for firmware, folder in folders.items():
                group.create_task(install(folder, firmware, image))

    asyncio.run(both())


async def install(folder: Path, firmware: str, image: LocalFile) -> None:
    machine = Machine(folder=folder, uefi=firmware == "uefi")
    machine.make_blank(3 << 30)
    tokens = KnownTokens()
    tokens.expect("node-1", "first", at=100.0)
    async with serving(tokens) as server, agent_server() as port, contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(machine.stop)
        story = Story(server, machine, tokens)
        try:
            await tell(story, image, port)
        finally:
            for what, seconds in story.seconds:
                print(f"{firmware} {seconds:7.2f} s {what}")  # noqa: T201 (pytest -s)
            print("\n".join(machine.console[-60:]))  # noqa: T201


async def tell(story: Story, image: LocalFile, port: int) -> None:
    machine, tokens, meeting_port = story.machine, story.tokens, story.server.port
    await machine.start(minienv=MINIENV, words=agent_words(port, meeting_port, "first"))
    await story.arrives(0.0)
    session = story.server.meeting.session("node-1")
    assert session is not None
    firmware = "uefi" if machine.uefi else "bios"
    assert session.facts["firmware"] == firmware

    await story.do("partition", device=DISK, layout=LAYOUT, firmware=firmware)
    await story.do("format", device=f"{DISK}3", filesystem="ext4")
    await story.do("format", device=f"{DISK}4", filesystem="ext4")
    await story.do("format", device=f"{DISK}1", filesystem="swap")
    await story.do("mount", device=f"{DISK}3", path=TREE)
    await story.receives(image)
    await story.do("check_files", tree=TREE, files=list(KERNEL.values()))
    mounts = {f"{DISK}3": "/", f"{DISK}1": "swap", f"{DISK}2": "/boot/efi", f"{DISK}4": "/tmp"}
    places = await story.do("configure_system", tree=TREE, hostname="node-1", mounts=mounts)
    assert places.split() == ["/", "swap", *(["/boot/efi"] if machine.uefi else []), "/tmp"]
    params = agent_words(port, meeting_port, "second")
    own = {"tree": TREE, "root": f"{DISK}3", **KERNEL, "params": params}
    esp = {"esp": f"{DISK}2", "esp_number": 2}
    said = await story.do("install_bootloader", device=DISK, firmware=firmware, **esp, **own)
    assert said.startswith("GRUB for UEFI on /dev/vda2, boot order 0" if machine.uefi else "GRUB for BIOS on /dev/vda")
    await story.do("sync")

    await story.do("kexec_load", **own)
    tokens.expect("node-1", "second", at=200.0)
    await story.do("kexec_exec", tree=TREE)
    await story.arrives(150.0)

    await machine.stop()
    tokens.expect("node-1", "second", at=300.0)
    await machine.start()
    await story.arrives(250.0)
    await story.do("mount", device=f"{DISK}3", path=TREE)
    await story.do("check_files", tree=TREE, files=["/etc/fstab", "/boot/grub/grub.cfg"])
