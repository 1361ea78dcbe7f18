"""Consoles as Kadeploy3's tool attends them: by a TCP port, which must not let strangers in."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kadeploy.api.console_ports import ConsolePorts, PortPolicy
from kadeploy.errors import Forbidden
from kadeploy.operations.caller import Caller
from kadeploy.operations.consoles import ConsoleOrder
from tests.integration.api.console_world import (
    LOGIN,
    NODE,
    World,
    answered,
    at_consoles,
    connected,
    created,
    left,
)

MOMENT = 0.05  # seconds


def test_kadeploy3s_tool_attends_by_a_port_and_leaves_nothing(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        typed: list[bytes] = []
        world.serial.heard = typed.append
        made = await created(world)
        wid, item = made["wid"], f"/console/{made['wid']}"
        assert made["resources"]["resource"] == f"{item}/"
        assert made["resources"]["error"] == f"{item}/error"
        reader, writer = await connected(made)
        assert LOGIN in await reader.readuntil(LOGIN)
        writer.write(b"root\r")
        async with world.client() as client:
            shown = await answered(client, "GET", f"{item}?node=node-1")
            assert {**shown, "time": 1.0} == {
                "id": wid,
                "user": "alice",
                "node": NODE,
                "error": False,
                "attached": True,
                "watches": False,
                "console_uri": made["resources"]["console"],
                "time": 1.0,
            }
            world.serial.say("Password: ")
            assert await reader.readuntil(b"Password: ") == b"Password: "
            assert b"".join(typed) == b"root\r"
            await left(writer)
            assert [one["id"] for one in (await client.get("/console?node=node-1")).json()] == [wid]
            assert await answered(client, "DELETE", f"{item}/") == {"wid": wid}
            assert (await client.get("/console?node=node-1")).json() == []
            gone = await client.get(item)
            assert (gone.status_code, gone.headers["x-application-error-code"]) == (400, "1")

    at_consoles(tmp_path, scenario)


def test_a_port_is_for_one_connection(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        made = await created(world)
        reader, writer = await connected(made)
        await reader.readuntil(LOGIN)
        with pytest.raises(ConnectionRefusedError):
            await connected(made)
        await left(writer)

    at_consoles(tmp_path, scenario)


def test_a_port_closes_when_nobody_comes_in_time_and_when_the_console_is_given_up(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        made = await created(world)
        async with world.client() as client:
            await client.request("DELETE", f"/console/{made['wid']}", json={})
        with pytest.raises(ConnectionRefusedError):
            await connected(made)

    at_consoles(tmp_path, scenario)


def test_the_port_is_closed_to_other_addresses(tmp_path: Path) -> None:
    """The client is 127.0.0.1, the stranger 127.0.0.2."""

    async def scenario(world: World) -> None:
        made = await created(world)
        port = int(made["resources"]["console"].rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.2", 0))
        assert await reader.read() == b"", "not a word to a stranger"
        await left(writer)
        reader, writer = await connected(made)
        assert LOGIN in await reader.readuntil(LOGIN), "and the client still gets in"
        await left(writer)

    at_consoles(tmp_path, scenario)


def test_consoles_nobody_attends_are_forgotten(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        made = await created(world)
        consoles = world.house.use_cases.consoles
        consoles.find(made["wid"]).left -= 3600
        consoles.forget_unattended()
        assert consoles.listed() == []
        with pytest.raises(ConnectionRefusedError):
            await connected(made)

    at_consoles(tmp_path, scenario)


def test_a_port_is_open_for_a_moment_only(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        consoles, caller = world.house.use_cases.consoles, Caller(name="alice", address="127.0.0.1")
        session = await consoles.create(caller, ConsoleOrder(node="node-1"))
        ports = ConsolePorts(consoles, PortPolicy(within=MOMENT))
        uri = await ports.open(session, caller, "127.0.0.1")
        over = asyncio.Event()
        asyncio.get_running_loop().call_later(MOMENT, over.set)  # behind what closes the port
        await over.wait()
        with pytest.raises(ConnectionRefusedError):
            await connected({"resources": {"console": uri}})

    at_consoles(tmp_path, scenario)


def test_no_port_is_opened_where_none_are_wanted(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        ports = ConsolePorts(world.house.use_cases.consoles, PortPolicy(is_open=False))
        with pytest.raises(Forbidden, match="opens no TCP ports"):
            ports.check()

    at_consoles(tmp_path, scenario)
