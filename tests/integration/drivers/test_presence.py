"""Seeing installed systems come up: several loopback addresses stand for several nodes, on one port."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import pytest

from kadeploy.domain.nodeset import NodeSet
from kadeploy.drivers.presence import Probing, SitePresence
from kadeploy.drivers.ssh_access import SshAccess
from kadeploy.drivers.ssh_banner import read_banner
from kadeploy.drivers.window import SlotWindow
from kadeploy.ports.presence import System
from tests.unit.boot.memory import site_with_macs

SITE = site_with_macs(6, address="127.0.6.{index}")
BANNER = b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"


@dataclass(slots=True)
class Agents:
    """`here` are the nodes whose agent is connected."""

    here: set[str] = field(default_factory=set)

    async def watch(self, nodes: NodeSet, since: float) -> AsyncGenerator[str, None]:
        for name in nodes & NodeSet(self.here):
            yield name

    def connected_since(self, nodes: NodeSet, since: float) -> NodeSet:
        return nodes & NodeSet(self.here)


class Nodes:
    """Listeners on one port of each node's own address; `says` is what each sends first."""

    def __init__(self) -> None:
        self.port = 0
        self.servers: dict[str, asyncio.Server] = {}
        self.connections = 0

    async def up(self, name: str, says: bytes = BANNER) -> None:
        async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            writer.write(says)
            with contextlib.suppress(OSError):
                await writer.drain()
            writer.close()

        server = await asyncio.start_server(greet, SITE.nodes[name].address, self.port)
        self.port = server.sockets[0].getsockname()[1]
        self.servers[name] = server

    def close(self) -> None:
        for server in self.servers.values():
            server.close()


def with_nodes(scenario: Callable[[Nodes], Awaitable[None]]) -> None:
    async def run() -> None:
        nodes = Nodes()
        try:
            await scenario(nodes)
        finally:
            nodes.close()
        async with asyncio.timeout(5):
            while len(asyncio.all_tasks()) > 1:  # noqa: ASYNC110 - whatever they are
                await asyncio.sleep(0)

    asyncio.run(run())


def presence(nodes: Nodes, agents: Agents | None = None) -> SitePresence:
    probing = Probing(shortest=0.01, longest=0.02, timeout=1.0)
    return SitePresence(
        site=SITE,
        agents=agents or Agents(),
        checks=SlotWindow(50),
        probing=probing,
        ssh=SshAccess(port=nodes.port),
    )


async def take(arrivals: AsyncIterator[str], count: int) -> list[str]:
    async with asyncio.timeout(10):
        return [await anext(arrivals) for _ in range(count)]


def test_nodes_come_as_they_answer_and_the_watch_ends_with_the_last() -> None:
    async def scenario(nodes: Nodes) -> None:
        await nodes.up("node-1")
        watch = presence(nodes).watch(NodeSet.parse("node-[1-3]"), System.INSTALLED, 0.0)
        assert await take(watch, 1) == ["node-1"]
        await nodes.up("node-3")
        assert await take(watch, 1) == ["node-3"]
        await nodes.up("node-2")
        assert await take(watch, 1) == ["node-2"]
        with pytest.raises(StopAsyncIteration):
            await anext(watch)

    with_nodes(scenario)


@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 400 Bad Request\r\n", b"SSH-2.0-cut off", b"\0" * 100_000])
def test_an_open_port_is_not_a_system(says: bytes) -> None:
    async def scenario(nodes: Nodes) -> None:
        await nodes.up("node-1", says)
        await nodes.up("node-2")
        async with aclosing(presence(nodes).watch(NodeSet.parse("node-[1-2]"), System.INSTALLED, 0.0)) as watch:
            assert await take(watch, 1) == ["node-2"]
            async with asyncio.timeout(10):
                while nodes.connections < 6:  # noqa: ASYNC110 - until node-1 was asked again and again
                    await asyncio.sleep(0)
            assert await read_banner("127.0.6.1", nodes.port, timeout=1.0) == ""

    with_nodes(scenario)


def test_a_line_before_the_version_is_allowed() -> None:
    async def scenario(nodes: Nodes) -> None:
        await nodes.up("node-1", b"Authorised users only\r\n" + BANNER)
        assert await read_banner("127.0.6.1", nodes.port, timeout=1.0) == BANNER.decode().strip()

    with_nodes(scenario)


def test_a_node_whose_agent_reports_is_in_the_wrong_system() -> None:
    async def scenario(nodes: Nodes) -> None:
        agents = Agents({"node-1"})
        await nodes.up("node-1")
        await nodes.up("node-2")
        watch = presence(nodes, agents).watch(NodeSet.parse("node-[1-2]"), System.INSTALLED, 0.0)
        assert await take(watch, 1) == ["node-2"]
        agents.here.clear()
        assert await take(watch, 1) == ["node-1"]
        with pytest.raises(StopAsyncIteration):
            await anext(watch)

    with_nodes(scenario)


def test_closing_early_leaves_nothing_behind() -> None:
    async def scenario(nodes: Nodes) -> None:
        await nodes.up("node-1")
        async with aclosing(presence(nodes).watch(NodeSet(SITE.nodes), System.INSTALLED, 0.0)) as watch:
            assert await take(watch, 1) == ["node-1"]
            assert len(asyncio.all_tasks()) > len(SITE.nodes) - 1

    with_nodes(scenario)  # which waits until no task is left


def test_a_fault_ends_the_watch_instead_of_silence() -> None:
    async def scenario(nodes: Nodes) -> None:
        await nodes.up("node-1")
        watching = replace(presence(nodes), site=replace(SITE, nodes={}))
        with pytest.raises(ExceptionGroup):
            await take(watching.watch(NodeSet(["node-1"]), System.INSTALLED, 0.0), 1)

    with_nodes(scenario)


def test_the_minimal_environment_is_the_agents_word() -> None:
    async def scenario(nodes: Nodes) -> None:
        watch = presence(nodes, Agents({"node-2", "node-3"})).watch(NodeSet(["node-2"]), System.MINIMAL, 0.0)
        assert [name async for name in watch] == ["node-2"]

    with_nodes(scenario)
