"""A meeting point on loopback and agents as processes of their own, as they run on a node: one file, a bare Python."""

from __future__ import annotations

import asyncio
import contextlib
import io
import shlex
import ssl
import sys
import tarfile
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kadeploy.domain.meeting import token_hash
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.drivers.agents.meeting import Meeting
from kadeploy.drivers.agents.remote import AgentRemote
from kadeploy.drivers.agents.zipapp import agent_zipapp
from kadeploy.ports.remote import Command, ReportBytes, Terms, nobody
from kadeploy.ports.store import IssuedToken

PATIENCE = 20.0  # seconds for anything that should be quick


@dataclass
class KnownTokens:
    """The port `Tokens`, in memory."""

    known: dict[str, IssuedToken] = field(default_factory=dict)

    async def issue(self, node: str, *, at: float, token_hash: str) -> None:
        self.known[node] = IssuedToken(token_hash=token_hash, issued_at=at)

    async def current(self, node: str) -> IssuedToken | None:
        return self.known.get(node)

    async def all(self) -> Mapping[str, IssuedToken]:
        return dict(self.known)

    def expect(self, node: str, token: str, at: float = 100.0) -> None:
        self.known[node] = IssuedToken(token_hash=token_hash(token), issued_at=at)


@dataclass
class Server:
    meeting: Meeting
    remote: AgentRemote
    port: int

    async def run(
        self,
        node: str,
        name: str,
        args: Mapping[str, object] | None = None,
        *,
        key: str,
        deadline: float = PATIENCE,
        report: ReportBytes = nobody,
    ) -> Result:
        command = Command(name=name, args=args or {})
        return await self.remote.run(
            NodeSet([node]), lambda _: command, Terms(key=key, deadline=deadline, report=report)
        )


@contextlib.asynccontextmanager
async def serving(
    tokens: KnownTokens,
    port: int = 0,
    *,
    absence_limit: float = 30.0,
    tls: ssl.SSLContext | None = None,
    may_be: Callable[[str, str], bool] = lambda node, address: True,
) -> AsyncIterator[Server]:
    """Ends as a killed server does: connections are cut, nothing is said."""
    meeting = Meeting(tokens, may_be, absence_limit=absence_limit)
    bound = await meeting.listen("127.0.0.1", port, tls=tls)
    attending = asyncio.create_task(meeting.attend())
    try:
        yield Server(meeting=meeting, remote=AgentRemote(meeting), port=bound)
    finally:
        attending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await attending


@dataclass
class Agent:
    """A process that can be killed and started again, as init does it.

    `folder` is its node's memory, and where its relative paths begin. With a `ca` it speaks TLS.
    """

    folder: Path
    node: str
    token: str
    url: str = ""
    ca: str = ""
    process: asyncio.subprocess.Process | None = None
    said: list[str] = field(default_factory=list)
    _reading: asyncio.Task[None] | None = None

    async def start(self, port: int) -> None:
        pyz = self.folder / "agent.pyz"
        pyz.write_bytes(agent_zipapp(tls=bool(self.ca)))
        options = ("--meet", f"127.0.0.1:{port}", "--node", self.node, "--token", self.token)
        state = ("--state", str(self.folder / "state"), *(("--server", self.url) if self.url else ()))
        trust = ("--ca", self.ca) if self.ca else ()
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(pyz), *options, *state, *trust),
            cwd=self.folder,
            stderr=asyncio.subprocess.PIPE,
        )
        self._reading = asyncio.create_task(self._read(self.process))

    async def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            await self.process.wait()
            assert self._reading is not None
            self._reading.cancel()
            self.process = None

    async def heard(self, words: str) -> None:
        """Wait until the agent has said this on its console."""
        await until(lambda: any(words in line for line in self.said))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        while line := await process.stderr.readline():
            self.said.append(line.decode().rstrip())


@contextlib.asynccontextmanager
async def agent(
    folder: Path, port: int, node: str = "node-1", token: str = "secret", *, url: str = "", ca: str = ""
) -> AsyncIterator[Agent]:
    """`url`: where the server's files are; `ca`: the fingerprint of the authority to trust."""
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    one = Agent(folder=folder, node=node, token=token, url=url, ca=ca)
    try:
        await one.start(port)
        yield one
    finally:
        await one.kill()


async def until(claim: Callable[[], bool]) -> None:
    """Wait for a condition; fails the test when it does not come."""
    async with asyncio.timeout(PATIENCE):
        while not claim():  # noqa: ASYNC110 (another process makes it true)
            await asyncio.sleep(0.01)


def script(folder: Path, text: str) -> dict[str, object]:
    """Arguments of `run_script` for a shell script, served from a file."""
    archive = folder / f"script-{zlib.crc32(text.encode())}.tar"
    with tarfile.open(archive, "w") as tar:
        data = f"#!/bin/sh\n{text}\n".encode()
        entry = tarfile.TarInfo("do")
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    return {"url": archive.as_uri(), "script": "do"}


def quoted(path: Path) -> str:
    return shlex.quote(str(path))
