"""Seconds from power-on to "agent reported", for machines that boot the minimal environment over the network.

`python -m bench.minienv_boot [--nodes 3] [--uefi]`, as root, after `python -m kadeploy.minienv build/minienv`.
Plain QEMU machines without a disk, under software emulation; the whole way is real: firmware, DHCP, iPXE, HTTP,
kernel, both stages, DHCP again, the download of a stub agent, Python, and that agent's report.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipapp
from dataclasses import dataclass, field
from pathlib import Path

from bench import bootnet
from kadeploy.lab.domain_xml import EMULATED_CPU
from kadeploy.minienv.arguments import KERNEL_ARGUMENTS

EVENTS = ("script", "vmlinuz", "initrd", "first stage", "second stage", "network up", "agent.pyz", "agent", "report")
CONSOLE = {
    "first stage": "first stage",
    "second stage": "second stage",
    "network up": "network up",
    "starting the agent": "agent",
}
STUB = """
import asyncio, hashlib, json, ssl, subprocess, sys, tarfile, threading, time, urllib.request
words = dict(w.split("=", 1) for w in open("/proc/cmdline").read().split() if "=" in w)
urllib.request.urlopen(words["kadeploy.server"] + "/report").read()
print("AGENT REPORTED", flush=True)
print(open("/proc/meminfo").read(200), flush=True)
print(sys.version, flush=True)
time.sleep(3600)
"""


@dataclass(slots=True, kw_only=True)
class Node:
    """One machine of the measurement, and when (monotonic seconds) what happened to it."""

    index: int
    tap: str
    started: float = 0.0
    times: dict[str, float] = field(default_factory=dict)
    spent: dict[str, float] = field(default_factory=dict)  # processor seconds of the machine so far
    pid: int = 0
    console: list[str] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def mac(self) -> str:
        return f"52:54:00:ba:0c:{self.index:02x}"

    @property
    def address(self) -> str:
        return f"{bootnet.SUBNET}.{10 + self.index}"

    def saw(self, what: str) -> None:
        if what not in self.times:
            self.times[what] = bootnet.now() - self.started
            self.spent[what] = processor_seconds(self.pid)
        if what == "report":
            self.done.set()


def processor_seconds(pid: int) -> float:
    """User and system time of a process with all its threads (proc(5), stat): what a busy computer does not distort."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def argv_of(node: Node, options: argparse.Namespace, folder: Path) -> list[str]:
    argv = ["qemu-system-x86_64", "-name", f"kabench-{node.index}", "-nodefaults", "-display", "none"]
    argv += ["-machine", options.machine, "-accel", options.accel, "-cpu", options.cpu, "-smp", str(options.cpus)]
    argv += ["-m", str(options.memory), "-serial", "stdio", "-no-reboot"]
    argv += ["-netdev", f"tap,id=n,ifname={node.tap},script=no,downscript=no"]
    argv += ["-device", f"{options.nic},netdev=n,mac={node.mac},bootindex=1"]
    if options.uefi:
        variables = folder / f"vars{node.index}.fd"
        shutil.copyfile("/usr/share/OVMF/OVMF_VARS_4M.fd", variables)
        argv += ["-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd"]
        argv += ["-drive", f"if=pflash,format=raw,file={variables}"]
    return [*argv, *options.qemu]


def read_console(node: Node, process: subprocess.Popen[bytes], echo: bool) -> None:
    assert process.stdout is not None
    for raw in process.stdout:
        line = raw.decode(errors="replace").rstrip()
        node.console.append(line)
        if echo and node.index == 0:
            print(f"{bootnet.now() - node.started:7.2f} | {line}", flush=True)
        for text, what in CONSOLE.items():
            if f"kadeploy: minimal environment, {text}" in line or f"kadeploy: {text}" in line:
                node.saw(what)


def script(node: Node, options: argparse.Namespace) -> str:
    server = f"http://{bootnet.SERVER}:{bootnet.PORT}"
    words = [*KERNEL_ARGUMENTS, *options.kernel, f"kadeploy.server={server}", f"kadeploy.node=bench-{node.index}"]
    words += [f"BOOTIF=01-{node.mac.replace(':', '-')}", "console=ttyS0,115200", "initrd=initrd"]
    return f"#!ipxe\nkernel {server}/boot/vmlinuz {' '.join(words)}\ninitrd {server}/boot/initrd\nboot\n"


def measure(options: argparse.Namespace) -> list[Node]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        taps = stack.enter_context(bootnet.bridge(options.nodes))
        nodes = [Node(index=index, tap=tap) for index, tap in enumerate(taps)]
        by_address = {node.address: node for node in nodes}
        files = {
            "vmlinuz": options.minienv / "vmlinuz",
            "initrd": options.minienv / "initrd",
            "agent.pyz": options.agent or stub(folder),
        }
        stack.enter_context(bootnet.dnsmasq({node.mac: node.address for node in nodes}))
        stack.enter_context(
            bootnet.http_server(
                files,
                lambda address: script(by_address[address], options),
                lambda address, what: by_address[address].saw(what),
            )
        )
        for node in nodes:
            power_on(node, options, folder, stack)
        limit = bootnet.now() + options.limit
        for node in nodes:
            node.done.wait(max(0.0, limit - bootnet.now()))
        time.sleep(options.linger)
    return nodes


def stub(folder: Path) -> Path:
    source = folder / "stub"
    source.mkdir()
    (source / "__main__.py").write_text(STUB)
    zipapp.create_archive(source, folder / "agent.pyz")
    return folder / "agent.pyz"


def power_on(node: Node, options: argparse.Namespace, folder: Path, stack: contextlib.ExitStack) -> None:
    node.started = bootnet.now()
    process = subprocess.Popen(
        argv_of(node, options, folder), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    node.pid = process.pid
    reader = threading.Thread(target=read_console, args=(node, process, options.console))
    reader.start()
    stack.callback(reader.join)
    stack.callback(process.wait)
    stack.callback(process.kill)


def table(nodes: list[Node]) -> str:
    lines = [f"{'seconds from power-on to':<24}" + "".join(f"{f'node {node.index} (cpu)':>18}" for node in nodes)]
    for what in EVENTS:
        cells = [
            f"{node.times[what]:10.2f} ({node.spent[what]:5.2f})" if what in node.times else f"{'-':>18}"
            for node in nodes
        ]
        lines.append(f"{what:<24}" + "".join(cells))
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--uefi", action="store_true", help="OVMF instead of SeaBIOS")
    parser.add_argument("--minienv", type=Path, default=Path("build/minienv"))
    parser.add_argument("--agent", type=Path, help="an agent.pyz to start instead of the stub")
    parser.add_argument("--memory", type=int, default=1024, help="MiB")
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument("--cpu", default=EMULATED_CPU, help="the lab's machines' if not given")
    parser.add_argument("--machine", default="q35")
    parser.add_argument("--accel", default="tcg,thread=multi")
    parser.add_argument("--nic", default="virtio-net-pci")
    parser.add_argument("--linger", type=float, default=0, help="seconds to go on after the last report")
    parser.add_argument("--limit", type=float, default=180, help="seconds until a node counts as lost")
    parser.add_argument("--console", action="store_true", help="show the first node's console")
    parser.add_argument(
        "--kernel", nargs="*", default=[], metavar="ARGUMENT", help="more for the kernel's command line"
    )
    parser.add_argument("--qemu", nargs=argparse.REMAINDER, default=[], help="more for QEMU")
    options = parser.parse_args()
    nodes = measure(options)
    print(table(nodes))
    kernel, initrd = ((options.minienv / name).stat().st_size / 1e6 for name in ("vmlinuz", "initrd"))
    print(f"sizes: vmlinuz {kernel:.1f} MB, initrd {initrd:.1f} MB, together {kernel + initrd:.1f} MB")
    lost = [node for node in nodes if "report" not in node.times]
    for node in lost:
        print(f"node {node.index} never reported; the end of its console:", *node.console[-15:], sep="\n  ")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
