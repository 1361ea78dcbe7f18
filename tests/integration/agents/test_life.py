"""An agent's life: who is let in, what a result survives, what is run twice (nothing), how a command is ended."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest

from kadeploy.domain.meeting import prove, token_hash
from kadeploy.domain.nodeset import NodeSet
from kadeploy.drivers.agents.arrivals import Arrivals
from kadeploy.ports.remote import Command
from tests.integration.agents.world import KnownTokens, agent, quoted, script, serving, until


@pytest.fixture
def tokens() -> KnownTokens:
    known = KnownTokens()
    known.expect("node-1", "secret")
    return known


def test_a_command_is_run_and_answers(tmp_path: Path, tokens: KnownTokens) -> None:
    async def go() -> None:
        async with serving(tokens) as server, agent(tmp_path, server.port):
            result = await server.run("node-1", "run_script", script(tmp_path, "echo hello; pwd"), key="k1")
            assert result.ok == NodeSet(["node-1"])
            assert result.outputs["node-1"].startswith("hello\n/tmp/kadeploy-script-")
            session = server.meeting.session("node-1")
            assert session is not None
            assert session.issued_at == 100.0
            assert session.facts["firmware"] in ("bios", "uefi")
            assert session.address == "127.0.0.1"

    asyncio.run(go())


def test_a_failure_has_its_reason(tmp_path: Path, tokens: KnownTokens) -> None:
    async def go() -> None:
        async with serving(tokens) as server, agent(tmp_path, server.port):
            failed = await server.run("node-1", "run_script", script(tmp_path, "echo no room >&2; exit 3"), key="k1")
            assert "exited with 3: no room" in failed.ko["node-1"]
            unknown = await server.run("node-1", "dance", key="k2")
            assert unknown.ko["node-1"] == "this agent knows no command 'dance'"
            faulty = await server.run("node-1", "mount", {"device": 3}, key="k3")
            assert faulty.ko["node-1"] == "the argument 'device' must be a text, not 3"

    asyncio.run(go())


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


def test_a_repeated_key_is_answered_not_run(tmp_path: Path, tokens: KnownTokens) -> None:
    count = tmp_path / "count"
    count.touch()

    async def go() -> None:
        async with serving(tokens) as server, agent(tmp_path / "node", server.port):
            task = script(tmp_path, f"echo once >> {quoted(count)}; wc -l < {quoted(count)}")
            first = await server.run("node-1", "run_script", task, key="same")
            again = await server.run("node-1", "run_script", task, key="same")
            other = await server.run("node-1", "run_script", task, key="other")
            assert (first.outputs, again.outputs, other.outputs) == (
                {"node-1": "1\n"},
                {"node-1": "1\n"},
                {"node-1": "2\n"},
            )

    asyncio.run(go())


def test_a_running_command_goes_on_when_the_server_restarts(tmp_path: Path, tokens: KnownTokens) -> None:
    began, go_on, count = tmp_path / "began", tmp_path / "go on", tmp_path / "count"

    async def go() -> None:
        task = script(
            tmp_path,
            f"echo once >> {quoted(count)}; touch {quoted(began)}; "
            f"until [ -e {quoted(go_on)} ]; do sleep 0.01; done; wc -l < {quoted(count)}",
        )
        first = serving(tokens)
        server = await first.__aenter__()
        async with agent(tmp_path / "node", server.port) as one:
            asked = asyncio.create_task(server.run("node-1", "run_script", task, key="k1"))
            await until(began.exists)
            server.meeting.leave()
            asked.cancel()
            await asyncio.wait([asked])
            await first.__aexit__(None, None, None)
            await one.heard("no connection to the server")
            go_on.touch()
            async with serving(tokens, server.port) as second:
                result = await second.run("node-1", "run_script", task, key="k1")
                assert result.outputs == {"node-1": "1\n"}

    asyncio.run(go())


def test_what_ran_when_the_agent_died_has_failed_and_was_ended(tmp_path: Path, tokens: KnownTokens) -> None:
    pid = tmp_path / "pid"

    async def go() -> None:
        async with serving(tokens) as server, agent(tmp_path / "node", server.port) as one:
            task = script(tmp_path, f"echo $$ > {quoted(pid)}.new; mv {quoted(pid)}.new {quoted(pid)}; exec sleep 1000")
            asked = asyncio.create_task(server.run("node-1", "run_script", task, key="k1"))
            await until(pid.exists)
            await one.kill()
            await one.start(server.port)
            result = await asked
            assert result.ko == {"node-1": "the agent was restarted while it ran run_script"}
            await until(lambda: not Path(f"/proc/{pid.read_text().strip()}").exists())

    asyncio.run(go())


def test_a_result_survives_the_death_of_the_agent(tmp_path: Path, tokens: KnownTokens) -> None:
    done, count = tmp_path / "done", tmp_path / "count"

    async def go() -> None:
        task = script(tmp_path, f"echo once >> {quoted(count)}; wc -l < {quoted(count)}; touch {quoted(done)}")
        async with serving(tokens) as server, agent(tmp_path / "node", server.port) as one:
            first = await server.run("node-1", "run_script", task, key="k1")
            await one.kill()
            await one.start(server.port)
            again = await server.run("node-1", "run_script", task, key="k1")
            assert first.outputs == again.outputs == {"node-1": "1\n"}

    asyncio.run(go())


def test_the_deadline_ends_the_command_and_it_may_be_asked_again(tmp_path: Path, tokens: KnownTokens) -> None:
    pid, count = tmp_path / "pid", tmp_path / "count"

    async def go() -> None:
        task = script(tmp_path, f"echo once >> {quoted(count)}; echo $$ > {quoted(pid)}; exec sleep 1000")
        async with serving(tokens) as server, agent(tmp_path / "node", server.port) as one:
            asked = asyncio.create_task(server.run("node-1", "run_script", task, key="k1", deadline=1.5))
            await until(lambda: pid.exists() and pid.read_text().endswith("\n"))
            result = await asked
            assert result.ko == {"node-1": "run_script did not end in 2 s"}
            await until(lambda: not Path(f"/proc/{pid.read_text().strip()}").exists())
            await one.heard("k1 is cancelled")
            quick = script(tmp_path, f"wc -l < {quoted(count)}")
            again = await server.run("node-1", "run_script", quick, key="k1")
            assert again.outputs == {"node-1": "1\n"}

    asyncio.run(go())


def test_whoever_is_cancelled_ends_the_command(tmp_path: Path, tokens: KnownTokens) -> None:
    pid = tmp_path / "pid"

    async def go() -> None:
        task = script(tmp_path, f"echo $$ > {quoted(pid)}; exec sleep 1000")
        async with serving(tokens) as server, agent(tmp_path / "node", server.port):
            asked = asyncio.create_task(server.run("node-1", "run_script", task, key="k1"))
            await until(lambda: pid.exists() and pid.read_text().endswith("\n"))
            asked.cancel()
            await asyncio.wait([asked])
            assert asked.cancelled()
            await until(lambda: not Path(f"/proc/{pid.read_text().strip()}").exists())

    asyncio.run(go())


def test_commands_wait_for_a_node_that_is_not_there_yet(tmp_path: Path, tokens: KnownTokens) -> None:
    async def go() -> None:
        async with serving(tokens) as server:
            asked = asyncio.create_task(server.run("node-1", "sync", key="k1"))
            async with agent(tmp_path, server.port):
                assert (await asked).ok == NodeSet(["node-1"])

    asyncio.run(go())


def test_one_command_at_a_time_in_their_order(tmp_path: Path, tokens: KnownTokens) -> None:
    log = tmp_path / "log"

    async def go() -> None:
        async with serving(tokens) as server, agent(tmp_path / "node", server.port):
            scripts = [
                script(tmp_path, f"echo begin {n} >> {quoted(log)}; sleep 0.05; echo end {n} >> {quoted(log)}")
                for n in range(3)
            ]
            await asyncio.gather(
                *(server.run("node-1", "run_script", one, key=f"k{n}") for n, one in enumerate(scripts))
            )
            lines = log.read_text().splitlines()
            assert lines == [f"{word} {n}" for n in range(3) for word in ("begin", "end")]

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
                assert seen == ["node-2"]
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


def test_a_node_that_was_restarted_while_it_ran_has_failed(tmp_path: Path, tokens: KnownTokens) -> None:
    began = tmp_path / "began"

    async def go() -> None:
        task = script(tmp_path, f"touch {quoted(began)}; exec sleep 1000")
        async with serving(tokens) as server:
            async with agent(tmp_path / "boot 1", server.port):
                asked = asyncio.create_task(server.run("node-1", "run_script", task, key="k1"))
                await until(began.exists)
            async with agent(tmp_path / "boot 2", server.port):
                assert (await asked).ko == {"node-1": "the node was restarted while it ran run_script"}

    asyncio.run(go())


def test_a_server_says_that_a_command_is_too_long(tmp_path: Path, tokens: KnownTokens) -> None:
    async def go() -> None:
        async with serving(tokens) as server, agent(tmp_path, server.port):
            await until(lambda: server.meeting.session("node-1") is not None)
            big = Command(name="authorize", args={"keys": "x" * (5 << 20)})
            result = await server.remote.run(NodeSet(["node-1"]), lambda _: big, key="k1", deadline=5)
            assert "is longer than" in result.ko["node-1"]

    asyncio.run(go())


def test_a_node_that_dies_does_not_cost_the_deadline(tmp_path: Path, tokens: KnownTokens) -> None:
    began = tmp_path / "began"

    async def go() -> None:
        async with serving(tokens, absence_limit=1.0) as server:
            async with agent(tmp_path, server.port):
                task = script(tmp_path, f"touch {quoted(began)}; exec sleep 1000")
                asked = asyncio.create_task(server.run("node-1", "run_script", task, key="k1", deadline=1000))
                await until(began.exists)
            assert (await asked).ko == {"node-1": "its agent has not been connected for 1 s"}

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
