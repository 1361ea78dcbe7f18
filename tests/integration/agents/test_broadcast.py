"""An image to several agents through the chain: the driver, the head, real agents, real tar."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import random
import re
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kadeploy.broadcast.heads import ImageHeads, Style
from kadeploy.domain.image import Compression, ImageKind, LocalFile
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.domain.spread import Spread
from kadeploy.drivers.agents.broadcast import AgentBroadcast
from kadeploy.drivers.agents.seal import Seal
from kadeploy.ports.broadcast import Shipment
from kadeploy.ports.remote import Terms
from tests.integration.agents.world import Agent, KnownTokens, Server, agent, serving, until

NODES = NodeSet.parse("node-[1-4]")
MIB = 1 << 20
SEAL = Seal(b"s" * 32)
MOUNTED = "mnt"  # each node's own, below its folder


@pytest.fixture
def image(tmp_path: Path) -> LocalFile:
    """A tar.zst of 6 MiB that do not get smaller, with a link and a directory that only root may enter."""
    tree = tmp_path / "tree"
    (tree / "etc").mkdir(parents=True)
    (tree / "root").mkdir(mode=0o700)
    (tree / "data").write_bytes(random.Random(1).randbytes(6 * MIB))
    (tree / "etc/name").write_text("installed\n")
    (tree / "name").symlink_to("etc/name")
    path = tmp_path / "image.tar.zst"
    subprocess.run(["tar", "--zstd", "-cf", str(path), "-C", str(tree), "."], check=True)
    return local(path)


def local(path: Path) -> LocalFile:
    data = path.read_bytes()
    return LocalFile(path=str(path), size=len(data), sha256=hashlib.sha256(data).hexdigest())


def known() -> KnownTokens:
    tokens = KnownTokens()
    for node in NODES:
        tokens.expect(node, f"secret of {node}")
    return tokens


@contextlib.asynccontextmanager
async def four(tmp_path: Path, port: int) -> AsyncIterator[dict[str, Agent]]:
    async with contextlib.AsyncExitStack() as stack:
        folders = {node: tmp_path / node for node in NODES}
        for folder in folders.values():
            (folder / MOUNTED).mkdir(parents=True)
        yield {
            node: await stack.enter_async_context(agent(folder, port, node, f"secret of {node}"))
            for node, folder in folders.items()
        }


async def send(
    server: Server,
    image: LocalFile,
    destination: str,
    *,
    key: str,
    rate: int = 0,
    seen: list[int] | None = None,
    grace: float = 2.0,
    standstill: float = 600.0,
    style: Style | None = None,
    spread: Spread = Spread.CHAIN,
    arity: int = 0,
) -> Result:
    heads = ImageHeads(style or Style(rate=rate))
    broadcast = AgentBroadcast(server.meeting, server.remote, heads, SEAL, grace=grace, standstill=standstill)
    return await broadcast.send(
        NODES,
        Shipment(
            image=image,
            kind=ImageKind.TAR,
            compression=Compression.ZSTD,
            destination=lambda _: destination,
            spread=spread,
            arity=arity,
        ),
        Terms(
            key=key,
            deadline=40,
            report=lambda node, done, total: seen.append(done) if seen is not None else None,
        ),
    )


def check_unpacked(tmp_path: Path, nodes: NodeSet = NODES) -> None:
    for node in nodes:
        folder = tmp_path / node / MOUNTED
        assert (folder / "name").read_text() == "installed\n"
        assert (folder / "data").read_bytes() == random.Random(1).randbytes(6 * MIB)
        assert (folder / "root").stat().st_mode & 0o777 == 0o700


def test_an_image_is_unpacked_on_all(tmp_path: Path, image: LocalFile) -> None:
    async def go() -> None:
        async with serving(known()) as server, four(tmp_path, server.port):
            result = await send(server, image, MOUNTED, key="k1")
            assert result == Result(ok=NODES, outputs=result.outputs)
            again = await send(server, image, MOUNTED, key="k1")
            assert again == result

    asyncio.run(go())
    check_unpacked(tmp_path)


def test_what_fails_to_unpack_says_so(tmp_path: Path, image: LocalFile) -> None:
    async def go() -> None:
        async with serving(known()) as server, four(tmp_path, server.port):
            result = await send(server, image, "nowhere", key="k1")
            assert not result.ok
            assert all("tar exited with 2" in reason for reason in result.ko.values()), result.ko

    asyncio.run(go())


def test_an_image_that_is_gone_fails_every_node(tmp_path: Path) -> None:
    gone = LocalFile(path=str(tmp_path / "gone.tar.zst"), size=1, sha256="")

    async def go() -> None:
        async with serving(known()) as server:
            result = await send(server, gone, MOUNTED, key="k1")
            assert set(result.ko) == set(NODES)
            assert all("cannot be read" in reason for reason in result.ko.values())

    asyncio.run(go())


def test_a_dead_node_fails_and_the_others_do_not(tmp_path: Path, image: LocalFile) -> None:
    seen: list[int] = []

    async def go() -> None:
        async with serving(known()) as server, four(tmp_path, server.port) as agents:
            asked = asyncio.create_task(send(server, image, MOUNTED, key="k1", rate=2 * MIB, seen=seen))
            await until(lambda: bool(seen))
            await agents["node-2"].kill()
            agents["node-2"].folder.joinpath("state/boot-id").unlink()
            await agents["node-2"].start(server.port)
            result = await asked
            assert result.ko == {"node-2": "the node was restarted while it ran receive"}
            assert result.ok == NODES - NodeSet(["node-2"])

    asyncio.run(go())
    check_unpacked(tmp_path, NODES - NodeSet(["node-2"]))


def test_it_goes_on_when_the_server_is_started_again(tmp_path: Path, image: LocalFile) -> None:
    seen: list[int] = []
    tokens = known()

    async def go() -> None:
        async with contextlib.AsyncExitStack() as stack:
            first = contextlib.AsyncExitStack()
            server = await first.enter_async_context(serving(tokens))
            agents = await stack.enter_async_context(four(tmp_path, server.port))
            asked = asyncio.create_task(send(server, image, MOUNTED, key="k1", rate=2 * MIB, seen=seen))
            await until(lambda: bool(seen))
            server.meeting.leave()
            asked.cancel()
            await asyncio.wait([asked])
            await first.aclose()
            for one in agents.values():
                await one.heard("no connection to the server")
            second = await stack.enter_async_context(serving(tokens, server.port))
            result = await send(second, image, MOUNTED, key="k1", rate=2 * MIB)
            assert result.ok == NODES, result.ko
            assert not any("cancelled" in line for one in agents.values() for line in one.said)

    asyncio.run(go())
    check_unpacked(tmp_path)


def test_a_node_that_comes_late_joins_the_chain(tmp_path: Path, image: LocalFile) -> None:
    """The others do not wait for it; it gets what it missed from them."""
    seen: list[int] = []

    async def go() -> None:
        async with serving(known()) as server, four(tmp_path, server.port) as agents:
            await agents["node-2"].kill()
            await until(lambda: server.meeting.session("node-2") is None)
            asked = asyncio.create_task(send(server, image, MOUNTED, key="k1", rate=MIB, seen=seen, grace=0.2))
            await until(lambda: bool(seen))
            await agents["node-2"].start(server.port)
            result = await asked
            assert result.ok == NODES, result.ko
            sources = sources_of(result)
            assert sources["node-3"] == "node-1"
            assert "server" not in sources["node-2"]

    asyncio.run(go())
    check_unpacked(tmp_path)


RACKS = {"node-1": "A", "node-2": "B", "node-3": "A", "node-4": "B"}


@pytest.mark.parametrize(
    ("style", "spread", "arity", "expected"),
    [
        (Style(racks=RACKS), Spread.CHAIN, 0, ("server", "node-3", "node-1", "node-2")),
        (Style(racks=RACKS, chains=2), Spread.CHAIN, 0, ("server", "server", "node-1", "node-2")),
        (Style(), Spread.TREE, 0, ("server", "server", "node-1", "node-1")),
        (Style(arity=3), Spread.TREE, 0, ("server", "server", "server", "node-1")),
        (Style(arity=2), Spread.TREE, 3, ("server", "server", "server", "node-1")),
        (Style(), Spread.UNICAST, 0, ("server",) * 4),
    ],
    ids=[
        "one chain through the racks",
        "a chain for each rack",
        "a tree",
        "a tree of three",
        "a tree as its cluster has it",
        "each from the server",
    ],
)
def test_who_reads_from_whom(
    tmp_path: Path, image: LocalFile, style: Style, spread: Spread, arity: int, expected: tuple[str, ...]
) -> None:
    async def go() -> None:
        async with serving(known()) as server, four(tmp_path, server.port):
            result = await send(server, image, MOUNTED, key="k1", style=style, spread=spread, arity=arity)
            assert result.ok == NODES, result.ko
            assert tuple(sources_of(result)[node] for node in NODES) == expected

    asyncio.run(go())
    check_unpacked(tmp_path)


def sources_of(result: Result) -> dict[str, str]:
    """From what people read: "received in 1.2 s from node-1, written after 1.3 s"."""
    found = {
        node: re.fullmatch(r"received in .* s from (.*), written after .* s", said)
        for node, said in result.outputs.items()
    }
    return {node: said[1] for node, said in found.items() if said}


def test_what_is_waited_for_is_logged(tmp_path: Path, image: LocalFile, caplog: pytest.LogCaptureFixture) -> None:
    async def go() -> None:
        async with serving(known()) as server, four(tmp_path, server.port):
            with caplog.at_level("INFO", logger="kadeploy.drivers.agents.broadcast"):
                assert (await send(server, image, MOUNTED, key="k1", rate=2 * MIB)).ok == NODES

    asyncio.run(go())
    assert "k1 waits for the link of server" in caplog.messages


def test_a_node_whose_disk_takes_nothing_any_more_is_given_up(tmp_path: Path, image: LocalFile) -> None:
    async def go() -> None:
        async with serving(known()) as server, four(tmp_path, server.port) as agents:
            sent = asyncio.create_task(send(server, image, MOUNTED, key="k1", rate=2 * MIB, standstill=3.0))
            await until(lambda: bool(tars_of(agents["node-2"])))
            os.kill(tars_of(agents["node-2"])[0], signal.SIGSTOP)
            result = await sent
            assert set(result.ko) == {"node-2"}
            assert "receive has stood still for 3 s" in result.ko["node-2"]
            await until(lambda: not tars_of(agents["node-2"]))

    asyncio.run(go())
    check_unpacked(tmp_path, NODES - NodeSet(["node-2"]))


def tars_of(agent: Agent) -> list[int]:
    """Process ids of what unpacks there."""
    assert agent.process is not None
    asked = ["pgrep", "--parent", str(agent.process.pid), "--exact", "tar"]
    return [int(pid) for pid in subprocess.run(asked, check=False, capture_output=True).stdout.split()]
