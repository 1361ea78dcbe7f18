"""One QEMU machine in the minimal environment, without a network boot: QEMU loads the kernel, or the disk does.

For what only a real machine shows of the agent's commands: boot loaders, firmware entries, kexec.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from kadeploy.drivers.agents.zipapp import agent_zipapp
from kadeploy.lab.domain_xml import EMULATED_CPU
from kadeploy.minienv.arguments import KERNEL_ARGUMENTS

HOST = "10.0.2.2"  # this machine, as QEMU's user network shows it
_OVMF = Path("/usr/share/OVMF")


@dataclass
class Machine:
    """`folder` keeps its disk and firmware variables from one start to the next."""

    folder: Path
    uefi: bool
    console: list[str] = field(default_factory=list)
    process: asyncio.subprocess.Process | None = None
    reading: asyncio.Task[None] | None = None

    @property
    def disk(self) -> Path:
        return self.folder / "disk.raw"

    def make_blank(self, size: int) -> None:
        with self.disk.open("wb") as sparse:
            sparse.truncate(size)
        if self.uefi:
            shutil.copyfile(_OVMF / "OVMF_VARS_4M.fd", self.folder / "vars.fd")

    async def start(self, *, minienv: Path | None = None, words: str = "") -> None:
        """Boot `minienv` with these kernel arguments, or else what is on the disk."""
        argv = ["qemu-system-x86_64", "-accel", "tcg", "-machine", "q35", "-cpu", EMULATED_CPU, "-m", "1536"]
        argv += ["-nodefaults", "-display", "none", "-serial", "stdio", "-no-user-config"]
        argv += ["-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n,romfile="]
        argv += ["-drive", f"file={self.disk},format=raw,if=virtio,cache=unsafe,discard=unmap"]
        if self.uefi:
            argv += ["-drive", f"if=pflash,format=raw,readonly=on,file={_OVMF / 'OVMF_CODE_4M.fd'}"]
            argv += ["-drive", f"if=pflash,format=raw,file={self.folder / 'vars.fd'}"]
        if minienv is not None:
            argv += ["-kernel", str(minienv / "vmlinuz"), "-initrd", str(minienv / "initrd"), "-append", words]
        self.process = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        self.reading = asyncio.create_task(self._read(self.process))

    async def stop(self) -> None:
        """As if the power went."""
        if self.process is not None and self.reading is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
            await self.reading
            self.process = None

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        began = time.monotonic()
        while line := await process.stdout.readline():
            self.console.append(f"{time.monotonic() - began:6.1f} {line.decode(errors='replace').rstrip()}")


def agent_words(server_port: int, meeting_port: int, token: str) -> str:
    """Kernel arguments that bring the agent of `node-1` to this machine."""
    own = {"server": f"http://{HOST}:{server_port}", "meet": f"{HOST}:{meeting_port}", "node": "node-1", "token": token}
    words = [f"kadeploy.{name}={value}" for name, value in own.items()]
    return " ".join((*KERNEL_ARGUMENTS, "console=ttyS0,115200", *words))


@contextlib.asynccontextmanager
async def agent_server() -> AsyncIterator[int]:
    """Serve the agent to whoever asks for anything."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = agent_zipapp()
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
