"""Commands through real agents: answers, reasons, deadlines, order."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import gettempdir

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.patience import Patience
from kadeploy.ports.company import Company
from kadeploy.ports.remote import Command, Terms
from tests.integration.agents.world import KnownTokens, agent, quoted, script, serving, until


def test_a_command_is_run_and_answers(tmp_path: Path, tokens: KnownTokens) -> None:
    async def go() -> None:
        async with serving(tokens) as server, agent(tmp_path, server.port):
            result = await server.run("node-1", "run_script", script(tmp_path, "echo hello; pwd"), key="k1")
            assert result.ok == NodeSet(["node-1"])
            assert result.outputs["node-1"].startswith(f"hello\n{gettempdir()}/kadeploy-script-")
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


def test_the_deadline_ends_the_command_and_it_may_be_asked_again(tmp_path: Path, tokens: KnownTokens) -> None:
    pid, count = tmp_path / "pid", tmp_path / "count"

    async def go() -> None:
        task = script(tmp_path, f"echo once >> {quoted(count)}; echo $$ > {quoted(pid)}; exec sleep 1000")
        async with serving(tokens) as server, agent(tmp_path / "node", server.port) as one:
            await until(lambda: bool(server.meeting.session("node-1")))
            asked = asyncio.create_task(server.run("node-1", "run_script", task, key="k1", deadline=1.5))
            await until(lambda: pid.exists() and pid.read_text().endswith("\n"))
            result = await asked
            assert result.ko == {"node-1": "run_script did not end in 2 s"}
            await until(lambda: not Path(f"/proc/{pid.read_text().strip()}").exists())
            await one.heard("k1 is cancelled")
            quick = script(tmp_path, f"wc -l < {quoted(count)}")
            again = await server.run("node-1", "run_script", quick, key="k1")
            assert (again.ko, again.outputs) == ({}, {"node-1": "1\n"})

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


def test_a_server_says_that_a_command_is_too_long(tmp_path: Path, tokens: KnownTokens) -> None:
    async def go() -> None:
        async with serving(tokens) as server, agent(tmp_path, server.port):
            await until(lambda: server.meeting.session("node-1") is not None)
            big = Command(name="authorize", args={"keys": "x" * (5 << 20)})
            result = await server.remote.run(NodeSet(["node-1"]), lambda _: big, Terms(key="k1", deadline=5))
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


def test_what_runs_on_one_node_is_stopped_and_the_others_go_on(tmp_path: Path, tokens: KnownTokens) -> None:
    pids = {name: tmp_path / f"pid of {name}" for name in ("node-1", "node-2")}
    go_on = tmp_path / "go"

    def task(node: str) -> Command:
        wait = f"echo $$ > {quoted(pids[node])}; until [ -e {quoted(go_on)} ]; do sleep 0.05; done; echo done"
        return Command(name="run_script", args=script(tmp_path, wait))

    async def go() -> None:
        tokens.expect("node-2", "another")
        async with (
            serving(tokens) as server,
            agent(tmp_path / "1", server.port),
            agent(tmp_path / "2", server.port, "node-2", "another"),
        ):
            asked = asyncio.create_task(server.remote.run(NodeSet(pids), task, Terms(key="k1", deadline=60)))
            await until(lambda: all(pid.exists() and pid.read_text().endswith("\n") for pid in pids.values()))
            await server.remote.stop(NodeSet(["node-1"]))
            await until(lambda: not Path(f"/proc/{pids['node-1'].read_text().strip()}").exists())
            assert not asked.done()
            go_on.touch()
            result = await asked
            assert result.ko == {"node-1": "stopped on request"}
            assert result.outputs == {"node-2": "done\n"}

    asyncio.run(go())


def test_a_node_that_was_left_and_then_restarts_does_not_begin_it_again(tmp_path: Path, tokens: KnownTokens) -> None:
    """What it was asked belongs to the boot in which it was begun: another one has nothing mounted."""
    began = tmp_path / "began"

    def task(node: str) -> Command:
        text = f"echo once >> {quoted(began)}; exec sleep 1000" if node == "node-2" else "true"
        return Command(name="run_script", args=script(tmp_path, text))

    async def go() -> None:
        tokens.expect("node-2", "another")
        both, late = NodeSet(["node-1", "node-2"]), NodeSet(["node-2"])
        async with (
            serving(tokens) as server,
            agent(tmp_path / "1", server.port),
            agent(tmp_path / "2", server.port, "node-2", "another") as bad,
        ):
            company = Company(Patience(quorum=0.5, grace=0.0, least=1.0), both)
            asked = asyncio.create_task(server.remote.run(both, task, Terms(key="k1", deadline=60, company=company)))
            await until(began.exists)
            await bad.kill()
            assert (await asked).ok == NodeSet(["node-1"])
            bad.folder.joinpath("state/boot-id").unlink()
            again = asyncio.create_task(server.remote.run(late, task, Terms(key="k1", deadline=60)))
            await bad.start(server.port)
            assert (await again).ko == {"node-2": "the node was restarted while it ran run_script"}
            assert began.read_text() == "once\n"

    asyncio.run(go())
