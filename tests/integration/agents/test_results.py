"""What a result survives, and that nothing is run twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.integration.agents.world import KnownTokens, agent, quoted, script, serving, until


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
