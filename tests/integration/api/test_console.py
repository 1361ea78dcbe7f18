"""Consoles as our own tool attends them, and as nobody may."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from httpx2.websockets import WebSocketUpgradeError

from kadeploy.config.authentication import Roles
from kadeploy.domain.rights import Right
from tests.integration.api.console_world import (
    LOGIN,
    NODE,
    World,
    answered,
    at_consoles,
    connected,
    created,
    ended,
    hears,
    left,
    until,
)
from tests.integration.api.house import NAMES, TRUSTED
from tests.integration.security.served import served


def test_a_stream_carries_bytes_both_ways_and_keeps_what_was_said(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        typed: asyncio.Queue[bytes] = asyncio.Queue()
        world.serial.heard = typed.put_nowait
        made = await created(world, stream=True)
        assert "console" not in made["resources"], "no port is open for who does not need it"
        watched = await created(world, stream=True, watch=True)
        async with world.stream(made["wid"]) as first, world.stream(watched["wid"]) as second:
            await hears(first, LOGIN)
            await hears(second, LOGIN)
            await second.send_bytes(b"who watches does not type")
            await first.send_bytes(b"\x00\xff\x1b")
            assert await typed.get() == b"\x00\xff\x1b"
            world.serial.say("hello")
            assert await hears(second, b"hello") == await hears(first, b"hello") == b"hello"
        assert typed.empty()
        await until(lambda: not world.serial.open)  # a line that nobody attends is closed

    at_consoles(tmp_path, scenario, secure=True)


def test_one_types_at_a_time_unless_another_takes_over(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        made = await created(world, stream=True)
        async with world.stream(made["wid"]) as first, world.client() as client:
            refused = await client.post("/console/", json={"node": "node-1", "stream": True})
            assert refused.headers["x-application-error-code"] == "11"
            assert "alice is at the console" in refused.text
            with pytest.raises(WebSocketUpgradeError):
                async with world.stream(made["wid"]):
                    pass
            again = await created(world, stream=True, force=True)
            assert b"has taken the console" in await hears(first, b"over")
            async with world.stream(again["wid"]) as second:
                await hears(second, LOGIN)
            why = await client.get(f"/console/{made['wid']}/error")
            assert why.headers["x-application-error-code"] == "11"

    at_consoles(tmp_path, scenario)


def test_whoever_loses_the_right_is_told_so_and_is_out(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        by_stream, by_port = await created(world, stream=True, watch=True), await created(world)
        reader, writer = await connected(by_port)
        async with world.stream(by_stream["wid"]) as socket, world.client("root") as root, world.client() as alice:
            await hears(socket, LOGIN)
            await answered(root, "DELETE", "/rights/alice/node-1")
            end = await ended(socket)
            assert (end.code, end.reason[:30]) == (1011, "alice has no right on node-1.s")
            assert b"[kadeploy] alice has no right on node-1" in await reader.read()
            await left(writer)
            assert (await answered(alice, "GET", f"/console/{by_port['wid']}"))["error"] is True
            why = await alice.get(f"/console/{by_port['wid']}/error")
            assert why.headers["x-application-error-code"] == "6"
            with pytest.raises(WebSocketUpgradeError):
                async with world.stream(by_stream["wid"]):
                    pass
        await until(lambda: not world.serial.open)

    at_consoles(tmp_path, scenario)


def test_a_right_that_ends_by_itself_ends_the_console(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        made = await created(world, stream=True)
        watching = asyncio.create_task(world.house.use_cases.lost_rights.serve())
        async with world.stream(made["wid"]) as socket:
            await hears(socket, LOGIN)
            until = world.house.clock.now() + 0.5
            short = Right(user="alice", node=NODE, until=until)
            await world.house.rights.grant([short], overwrite=False, administrators=frozenset())
            await world.house.use_cases.lost_rights.apply(by="root")
            await ended(socket)
            assert world.house.clock.now() >= until
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    at_consoles(tmp_path, scenario)


def test_who_may_not_attend(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        made = await created(world, stream=True)

        async def refused(user: str, **headers: str) -> int:
            with pytest.raises(WebSocketUpgradeError) as upgrade:
                async with world.stream(made["wid"], user, **headers):
                    pass
            return upgrade.value.response.status_code

        assert await refused("bob") == 403
        assert await refused("root") == 403, "an administrator has no rights on nodes for that"
        assert await refused("") == 401
        assert await refused("alice", Origin="https://evil.example.org") == 403
        async with world.client("bob") as bob:
            answer = await bob.post("/console/", json={"node": "node-1"})
            assert answer.headers["x-application-error-code"] == "6"
            assert (await bob.request("DELETE", f"/console/{made['wid']}", json={})).status_code == 403
            assert (await bob.get(f"/console/{made['wid']}/error")).status_code == 403
            shown = await answered(bob, "GET", f"/console/{made['wid']}")
            assert set(shown) == {"id", "user", "node", "error", "time"}
        await world.house.grant("carol", NAMES[3])
        async with world.client("carol") as carol:
            answer = await carol.post("/console/", json={"node": "node-4"})
            assert (answer.status_code, "no console is configured" in answer.text) == (403, True)
            assert (await carol.post("/console/", json={"node": "node-9"})).headers["x-application-error-code"] == "2"

    at_consoles(tmp_path, scenario)


def test_a_token_for_reading_attends_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with (
            asyncio.timeout(50),
            served(tmp_path, TRUSTED, roles=Roles(default="read-only"), secure=False) as server,
        ):
            world = World(server)
            await world.house.grant("alice", NODE)
            async with world.client() as client:
                assert (await client.post("/console/", json={"node": "node-1"})).status_code == 403

    asyncio.run(run())
