"""A bridge with everything that boots machines on it, and bare QEMU machines that are switched on there."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path

from kadeploy.boot.catalog import Catalog
from kadeploy.boot.dnsmasq import BootNetwork, configuration
from kadeploy.boot.dnsmasq_process import Dnsmasq
from kadeploy.boot.http import BootPages
from kadeploy.boot.local_disk import disk_program
from kadeploy.boot.minimal import MinimalEnvironment
from kadeploy.boot.solicitations import answer_solicitations
from kadeploy.domain.node import Firmware, Nfsroot, Node, Site
from kadeploy.lab.domain_xml import EMULATED_CPU
from kadeploy.minienv.arguments import KERNEL_ARGUMENTS
from kadeploy.serving import listen, serve
from tests.unit.boot.memory import MemoryTargets, MemoryTokens, site_with_macs

BRIDGE = "kaboot0"
TAPS = {"node-1": "kaboot0t1", "node-2": "kaboot0t2"}
NETWORK = IPv4Network("10.215.0.0/24")
SERVER, PORT = str(NETWORK[254]), 8015
OVMF = Path("/usr/share/OVMF")


class FixedClock:
    def now(self) -> float:
        return 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BootServer:
    site: Site
    catalog: Catalog
    tokens: MemoryTokens


@contextlib.contextmanager
def bridge() -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        _ip("link", "add", BRIDGE, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
        stack.callback(_ip, "link", "del", BRIDGE)
        Path(f"/proc/sys/net/ipv6/conf/{BRIDGE}/disable_ipv6").write_text("1")  # as on many a server
        _ip("address", "add", f"{SERVER}/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        for tap in TAPS.values():
            _ip("tuntap", "add", tap, "mode", "tap")
            stack.callback(_ip, "link", "del", tap)
            _ip("link", "set", tap, "master", BRIDGE, "up")
        yield


@contextlib.asynccontextmanager
async def boot_server(state: Path, minienv: Path, agent: bytes) -> AsyncIterator[BootServer]:
    """A node with a BIOS and one with UEFI, that boot their disks until the catalogue says otherwise."""
    site = site_with_macs(len(TAPS))
    nfsroot = Nfsroot(kernel=str(minienv / "vmlinuz"))
    cluster = replace(site.clusters["sim"], deploy_params="console=ttyS0,115200", nfsroot=nfsroot)
    nodes = {**site.nodes, "node-2": replace(site.nodes["node-2"], firmware=Firmware.UEFI)}
    site = replace(site, clusters={"sim": cluster}, nodes=nodes)
    catalog, tokens, url = Catalog(site, MemoryTargets()), MemoryTokens(), f"http://{SERVER}:{PORT}"
    minimal = MinimalEnvironment(
        url=url,
        meet=f"{SERVER}:8016",
        kernel=minienv / "vmlinuz",
        initrd=minienv / "initrd",
        agent=agent,
        arguments=KERNEL_ARGUMENTS,
    )
    pages = BootPages(
        catalog=catalog, minimal=minimal, tokens=tokens, clock=FixedClock(), disk_program=await disk_program()
    )
    network = BootNetwork(interface=BRIDGE, network=NETWORK, boot_url=url)
    dnsmasq = Dnsmasq(configuration=configuration(network, site.nodes.values(), state), state=state)
    tasks = [
        asyncio.create_task(dnsmasq.run()),
        asyncio.create_task(serve(pages.application(), listen(SERVER, PORT))),
        asyncio.create_task(answer_solicitations(BRIDGE, [node.mac for node in site.nodes.values()])),
    ]
    try:
        yield BootServer(site=site, catalog=catalog, tokens=tokens)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def console_until(text: str, *, node: Node, disk: Path, folder: Path, timeout: float) -> str:
    """Switch a node's machine on; what its console said when `text` came."""
    machine = await asyncio.create_subprocess_exec(
        *_argv(node, disk, folder),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = ""
    try:
        assert machine.stdout is not None
        async with asyncio.timeout(timeout):
            while text not in said:
                block = await machine.stdout.read(4096)
                assert block, f"QEMU ended: {said[-2000:]}"
                said += block.decode(errors="replace")
    except TimeoutError:
        raise AssertionError(f"{text!r} was not said in {timeout:g} s, but: {said[-3000:]}") from None
    finally:
        machine.kill()
        await machine.communicate()
    return said


def _argv(node: Node, disk: Path, folder: Path) -> list[str]:
    """The network first, then the disk; a folder becomes a disk with its files."""
    argv = ["qemu-system-x86_64", "-machine", "q35,graphics=off", "-accel", "tcg,thread=multi", "-cpu", EMULATED_CPU]
    argv += ["-m", "768", "-nodefaults", "-no-user-config", "-display", "none", "-serial", "stdio"]
    argv += ["-netdev", f"tap,id=n,ifname={TAPS[node.name]},script=no,downscript=no"]
    argv += ["-device", f"virtio-net-pci,netdev=n,mac={node.mac},bootindex=1"]
    source = f"fat:rw:{disk}" if disk.is_dir() else str(disk)
    argv += ["-drive", f"if=none,id=d,format=raw,file={source}", "-device", "virtio-blk-pci,drive=d,bootindex=2"]
    if node.firmware is Firmware.UEFI:
        variables = folder / "vars.fd"
        shutil.copyfile(OVMF / "OVMF_VARS_4M.fd", variables)
        argv += ["-drive", f"if=pflash,format=raw,readonly=on,file={OVMF / 'OVMF_CODE_4M.fd'}"]
        argv += ["-drive", f"if=pflash,format=raw,file={variables}"]
    return argv


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
