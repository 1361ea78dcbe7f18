"""Who is let in, who is believed, who is dead."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

from kadeploy.domain.meeting import prove, token_hash
from kadeploy.domain.nodeset import NodeSet
from kadeploy.drivers.agents.arrivals import Arrivals
from tests.integration.agents.world import KnownTokens, agent, serving, until


def test_a_wrong_token_is_refused(tmp_path: Path, tokens: KnownTokens) -> None:
    async def go() -> None:
        async with serving(tokens) as server, agent(tmp_path, server.port, token="guessed") as one:
            await one.heard("this node is not expected, or its token is not of its latest boot")
            assert server.meeting.session("node-1") is None
            result = await server.run("node-1", "sync", key="k1", deadline=0.1)
            assert result.ko["node-1"].startswith("its agent is not connected")

    asyncio.run(go())


def test_a_server_that_does_not_know_the_token_is_refused(tmp_path: Path, tokens: KnownTokens) -> None:
    """Its hash is what a server keeps; one that has another can neither accept the agent nor be accepted."""

    async def pretend(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'{"kind":"challenge","protocol":1,"nonce":"n"}\n')
        await reader.readline()
        writer.write(b'{"kind":"welcome","proof":"made up"}\n{"kind":"run","key":"k","name":"sync","args":{}}\n')
        writer.close()

    async def go() -> None:
        server = await asyncio.start_server(pretend, "127.0.0.1", 0)
        async with server, agent(tmp_path, server.sockets[0].getsockname()[1]) as one:
            await one.heard("the server could not prove that it knows this node's token")
            assert not any("sync" in line for line in one.said)

    asyncio.run(go())


def test_arrivals_count_boots_after_a_moment_only(tmp_path: Path, tokens: KnownTokens) -> None:
    tokens.expect("node-2", "other", at=200.0)
    both = NodeSet(["node-1", "node-2"])

    async def go() -> None:
        async with serving(tokens) as server:
            arrivals = Arrivals(server.meeting)
            seen: list[str] = []

            async def watch() -> None:
                async for node in arrivals.watch(both, 150.0):
                    seen.append(node)  # noqa: PERF401 (looked at while it grows)

            watching = asyncio.create_task(watch())
            async with (
                agent(tmp_path / "1", server.port) as one,
                agent(tmp_path / "2", server.port, "node-2", "other"),
            ):
                await until(lambda: arrivals.connected_since(both, 0.0) == both)
                assert arrivals.connected_since(both, 150.0) == NodeSet(["node-2"])
                await until(lambda: seen == ["node-2"])
                assert not watching.done()
                tokens.expect("node-1", "renewed", at=300.0)
                await one.kill()
                one.token = "renewed"
                await one.start(server.port)
                await watching
                assert seen == ["node-2", "node-1"]
                assert not server.meeting.followers

    asyncio.run(go())


def test_the_newest_connection_of_a_node_wins(tmp_path: Path, tokens: KnownTokens) -> None:
    async def go() -> None:
        async with serving(tokens) as server, agent(tmp_path / "1", server.port) as old:
            await until(lambda: server.meeting.session("node-1") is not None)
            first = server.meeting.session("node-1")
            async with agent(tmp_path / "2", server.port) as new:
                await new.heard("connected")
                await old.heard("closed the connection")
                await old.kill()
                await until(lambda: (found := server.meeting.session("node-1")) is not None and found is not first)

    asyncio.run(go())


def test_the_silent_are_dead_within_15_seconds(tmp_path: Path, tokens: KnownTokens) -> None:
    """On both sides: an agent that hangs, and a server that does."""

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_nonce = "n"
        writer.write(b'{"kind":"challenge","protocol":1,"nonce":"n"}\n')
        hello = json.loads(await reader.readline())
        proof = prove(
            token_hash("secret"), role="server", node="node-2", server_nonce=server_nonce, agent_nonce=hello["nonce"]
        )
        writer.write(b'{"kind":"welcome","proof":"%s"}\n' % proof.encode())
        await reader.read()
        writer.close()

    async def go() -> None:
        hanging = await asyncio.start_server(hang, "127.0.0.1", 0)
        async with (
            hanging,
            serving(tokens) as server,
            agent(tmp_path / "1", server.port) as one,
            agent(tmp_path / "2", hanging.sockets[0].getsockname()[1], "node-2") as two,
        ):
            await until(lambda: server.meeting.session("node-1") is not None)
            await two.heard("connected")
            assert one.process is not None
            one.process.send_signal(signal.SIGSTOP)
            began = asyncio.get_running_loop().time()
            await until(lambda: server.meeting.session("node-1") is None)
            await two.heard("the server has been silent for 11 s")
            assert asyncio.get_running_loop().time() - began < 15.5
            one.process.send_signal(signal.SIGCONT)
            await until(lambda: server.meeting.session("node-1") is not None)

    asyncio.run(go())
