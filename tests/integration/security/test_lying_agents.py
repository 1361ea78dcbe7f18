"""Who connects to the agents' port: a node is believed about itself, when it has proved who it is, and nothing that it
says ends the server for the others."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kadeploy.domain.meeting import prove, token_hash
from tests.integration.agents.world import KnownTokens, Server, serving, until

Said = dict[str, object]
PATIENCE = 20.0


@dataclass
class Liar:
    """Speaks the agents' protocol, and whatever it wants."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    nonce: str = ""

    def say(self, message: object) -> None:
        self.writer.write(json.dumps(message).encode() + b"\n")

    def hello(self, node: str = "node-1", token: str = "secret", **changes: object) -> Said:
        proof = prove(token_hash(token), role="agent", node=node, server_nonce=self.nonce, agent_nonce="n")
        said: Said = {"kind": "hello", "protocol": 1, "node": node, "boot": "b", "nonce": "n", "proof": proof}
        return {**said, **changes}

    async def hears(self) -> Said:
        """The next message; nothing when the server has ended the connection."""
        with contextlib.suppress(ConnectionError):
            while line := await self.reader.readline():
                if line.strip():
                    return dict(json.loads(line))
        return {}


@contextlib.asynccontextmanager
async def liar(port: int, *, source: str = "127.0.0.1") -> AsyncIterator[Liar]:
    reader, writer = await _opened(port, source)
    one = Liar(reader, writer)
    try:
        one.nonce = str((await one.hears())["nonce"])
        yield one
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def _opened(port: int, source: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """As soon as the server attends."""
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            return await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
        await asyncio.sleep(0)


def lie(story: Callable[[Server], Awaitable[None]]) -> None:
    """Beside a server that expects node-1 and node-2, and that lets in an honest agent when the story is over."""
    tokens = KnownTokens()
    tokens.expect("node-1", "secret")
    tokens.expect("node-2", "other")

    async def run() -> None:
        async with asyncio.timeout(PATIENCE), serving(tokens) as server:
            await story(server)
            async with liar(server.port) as honest:
                honest.say(honest.hello("node-2", "other"))
                assert (await honest.hears())["kind"] == "welcome"
                await until(lambda: server.meeting.session("node-2") is not None)

    asyncio.run(run())


@pytest.mark.parametrize(
    "changes",
    [
        {"node": "node-2"},
        {"node": "node-9"},
        {"node": ""},
        {"node": "node-1\n2026-01-01 ERROR fake"},
        {"node": "node-1\0"},
        {"proof": ""},
        {"proof": "\ud800"},
        {"node": "\ud800"},
        {"boot": "\udfff"},
        {"facts": {"disks": ["\ud800"]}},
        {"nonce": "\ud800"},
        {"proof": "é"},
        {"protocol": 2},
        {"protocol": 10**4000},
        {"nonce": "other"},
    ],
    ids=str,
)
def test_a_hello_that_is_not_the_nodes(changes: Said, caplog: pytest.LogCaptureFixture) -> None:
    """Half a character as a proof ended the meeting point, and the server with it."""

    async def story(server: Server) -> None:
        async with liar(server.port) as one:
            one.say({**one.hello(str(changes.get("node", "node-1"))), **changes})
            assert (await one.hears()).get("kind") == "refused"
            assert await one.hears() == {}
        assert server.meeting.connected == 0

    lie(story)
    assert not [record for record in caplog.records if record.exc_info or "\n" in record.getMessage()]


def test_a_proof_is_of_no_use_on_another_connection() -> None:
    async def story(server: Server) -> None:
        async with liar(server.port) as first, liar(server.port) as second:
            overheard = first.hello()
            second.say(overheard)
            assert (await second.hears())["kind"] == "refused"

    lie(story)


def test_a_token_of_an_earlier_boot_is_of_no_use() -> None:
    async def story(server: Server) -> None:
        async with liar(server.port) as one:
            one.say(one.hello(token="of the boot before"))
            assert (await one.hears())["kind"] == "refused"

    lie(story)


def test_a_node_ends_the_commands_of_no_other() -> None:
    async def story(server: Server) -> None:
        async with liar(server.port) as one, liar(server.port) as two:
            one.say(one.hello())
            two.say(two.hello("node-2", "other"))
            await until(lambda: server.meeting.connected == 2)
            running = asyncio.create_task(server.run("node-2", "sync", key="k1", deadline=PATIENCE))
            await two.hears()
            assert (await two.hears())["key"] == "k1"
            one.say({"kind": "ended", "key": "k1", "ok": True, "output": "forged"})
            one.say({"kind": "advance", "key": "k1", "done": 1, "total": 1})
            two.say({"kind": "ended", "key": "k1", "ok": False, "reason": "honest"})
            assert (await running).ko == {"node-2": "honest"}

    lie(story)


WORDS = st.one_of(
    st.text(st.characters(), max_size=20),
    st.sampled_from(["node-1", "k1", "\ud800", "\0", "\x1b[2J", "challenge", "welcome", "run"]),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(2**63) | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    "node",
    "boot",
    "nonce",
    "proof",
    "protocol",
    "facts",
    "key",
    "ok",
    "output",
    "reason",
    "done",
    "total",
    "detail",
)
KINDS = (
    "hello",
    "announce",
    "advance",
    "ended",
    "challenge",
    "welcome",
    "refused",
    "run",
    "cancel",
    "acknowledge",
    "x",
)
FITTING = st.fixed_dictionaries(
    {"kind": st.sampled_from(["advance", "ended"]), "key": st.just("k1")},
    optional={
        "ok": st.booleans(),
        "output": WORDS,
        "reason": WORDS,
        "done": st.integers(),
        "total": st.integers(),
        "detail": st.dictionaries(WORDS, VALUES, max_size=3),
    },
)
MESSAGES = st.one_of(
    FITTING,
    st.builds(
        lambda kind, rest: {**rest, "kind": kind},
        st.sampled_from(KINDS),
        st.dictionaries(st.sampled_from(FIELDS), VALUES),
    ),
    VALUES,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(st.lists(MESSAGES, min_size=1, max_size=8), st.booleans(), st.binary(max_size=40))
def test_whatever_is_said_is_answered_or_the_connection_ends(
    caplog: pytest.LogCaptureFixture, messages: list[object], is_node: bool, noise: bytes
) -> None:
    """Before the proof, and behind it while a command is asked for."""
    caplog.set_level(logging.WARNING)
    caplog.clear()

    async def story(server: Server) -> None:
        async with liar(server.port) as one:
            running = None
            if is_node:
                one.say(one.hello())
                await one.hears()
                await until(lambda: server.meeting.session("node-1") is not None)
                running = asyncio.create_task(server.run("node-1", "sync", key="k1", deadline=PATIENCE))
            for message in messages:
                one.say(message)
            one.writer.write(noise + b"\n")
            one.writer.write_eof()
            while await one.hears():
                pass
            if running is not None:
                await until(lambda: server.meeting.session("node-1") is None)
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    lie(story)
    assert not [record for record in caplog.records if record.exc_info], "no defect is told to the log"
