"""What is done to a running system before ours is there: over SSH, against a small system that speaks it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncssh

from kadeploy.domain.node import Cluster, Node, Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.drivers.running_ssh import SshRunning
from kadeploy.drivers.ssh_access import SshAccess
from kadeploy.testing.sites import LAYOUT

NODES = NodeSet(["node-1"])
SITE = Site(
    nodes={"node-1": Node(name="node-1", cluster="c", address="127.0.0.1", block_device="/dev/vda")},
    clusters={"c": Cluster(name="c", layout=LAYOUT)},
)


@contextlib.asynccontextmanager
async def shell(keys: Path) -> AsyncIterator[int]:
    """An SSH server that runs what it is told in a real shell; `leave` breaks the connection off."""
    connections: list[asyncssh.SSHServerConnection] = []
    children: list[asyncio.subprocess.Process] = []
    running: set[asyncio.Task[None] | None] = set()

    class Guard(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            connections.append(conn)

    async def run(process: asyncssh.SSHServerProcess[bytes]) -> None:
        if process.command == "leave":
            connections[-1].abort()
            return
        child = await asyncio.create_subprocess_exec(
            "sh",
            "-c",
            process.command or "",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        children.append(child)
        running.add(asyncio.current_task())
        out, err = await child.communicate(await process.stdin.read())
        process.stdout.write(out)
        process.stderr.write(err)
        process.exit(child.returncode or 0)

    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=Guard,
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        authorized_client_keys=str(keys / "key.pub"),
        process_factory=run,
        encoding=None,
    )
    try:
        yield int(server.get_port())
    finally:
        server.close()
        for connection in connections:
            connection.abort()
        await server.wait_closed()
        for child in children:
            if child.returncode is None:
                child.kill()
        await asyncio.gather(*filter(None, running), return_exceptions=True)


def over_ssh(keys: Path, work: Callable[[SshRunning], Awaitable[Result]], *, key: str = "key") -> Result:
    async def scenario() -> Result:
        async with asyncio.timeout(20), shell(keys) as port:
            return await work(SshRunning(site=SITE, access=SshAccess(key=keys / key, port=port)))

    return asyncio.run(scenario())


def test_a_file_arrives_as_it_is(keys: Path, tmp_path: Path) -> None:
    (tmp_path / "here").write_bytes(bytes(range(256)) * 20_000)  # 5 MB
    there = tmp_path / "a folder" / "it's there"
    result = over_ssh(keys, lambda ssh: ssh.put(NODES, {str(there): str(tmp_path / "here")}, deadline=15))
    assert result.ok == NODES, result
    assert there.read_bytes() == (tmp_path / "here").read_bytes()


def test_words_stay_words(keys: Path) -> None:
    result = over_ssh(keys, lambda ssh: ssh.run(NODES, lambda name: ("echo", name, "$HOME;", "a  b"), deadline=10))
    assert result.outputs == {"node-1": "node-1 $HOME; a  b"}


def test_a_command_that_fails_says_why(keys: Path) -> None:
    result = over_ssh(keys, lambda ssh: ssh.run(NODES, lambda _: ("ls", "/nowhere"), deadline=10))
    assert result.ko["node-1"].startswith("ls exited with 2: ")
    assert "/nowhere" in result.ko["node-1"]


def test_a_system_that_is_left_breaks_off(keys: Path) -> None:
    left = over_ssh(keys, lambda ssh: ssh.run(NODES, lambda _: ("leave",), deadline=10, leaves=True))
    assert left.ok == NODES
    lost = over_ssh(keys, lambda ssh: ssh.run(NODES, lambda _: ("leave",), deadline=10))
    assert lost.ko == {"node-1": "the system went away during leave"}


def test_a_key_that_is_not_known_is_refused(keys: Path) -> None:
    result = over_ssh(keys, lambda ssh: ssh.run(NODES, lambda _: ("true",), deadline=10), key="other")
    assert result.ko == {"node-1": "SSH refused the server's key for root"}


def test_the_deadline_is_the_nodes_own(keys: Path) -> None:
    result = over_ssh(keys, lambda ssh: ssh.run(NODES, lambda _: ("sleep", "15"), deadline=0.5))
    assert result.ko["node-1"].startswith("SSH did not get it done within")
