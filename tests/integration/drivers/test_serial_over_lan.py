"""A console by ipmitool over the network, from a BMC that is OpenIPMI's to the terminal that is its serial line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import tty
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kadeploy import process
from kadeploy.domain.node import Bmc, Site
from kadeploy.drivers.console.argv import sol
from kadeploy.drivers.console.lines import CommandLine, CommandLines
from kadeploy.drivers.ipmitool import environment_for
from kadeploy.testing.sites import site_of
from tests.contract.simulators.openipmi import openipmi

PATIENCE = 20.0  # seconds


def site_with(bmc: Bmc) -> Site:
    site = site_of(1)
    return replace(site, nodes={"node-1": replace(site.nodes["node-1"], bmc=bmc)})


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """`machine` is the machine's own end of its serial line."""

    bmc: Bmc
    machine: int

    async def opened(self) -> CommandLine:
        return await CommandLines(site=site_with(self.bmc)).open("node-1")

    async def hears(self, text: bytes) -> None:
        """The machine gets it."""
        heard, there_is = b"", asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(self.machine, there_is.set)
        try:
            async with asyncio.timeout(PATIENCE):
                while text not in heard:
                    await there_is.wait()
                    heard += os.read(self.machine, 1000)
                    there_is.clear()
        finally:
            loop.remove_reader(self.machine)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with contextlib.ExitStack() as stack:
        machine, line = pty.openpty()
        stack.callback(os.close, machine)
        stack.callback(os.close, line)
        tty.setraw(line)
        serial = os.ttyname(line)
        bmc = stack.enter_context(openipmi(tmp_path / "bmc", user="admin", password="secret", serial=serial))
        yield World(bmc=bmc, machine=machine)


async def says(line: CommandLine, text: bytes) -> None:
    said = b""
    async with asyncio.timeout(PATIENCE):
        while text not in said:
            block = await line.read()
            assert block, f"it ended after {said!r}"
            said += block


def test_bytes_go_both_ways_and_it_can_be_opened_again(world: World) -> None:
    async def scenario() -> None:
        for word in (b"first", b"second"):
            line = await world.opened()
            await says(line, b"[SOL Session operational.")
            os.write(world.machine, word + b" login: ")
            await says(line, word + b" login: ")
            # Enter, `~.` would end ipmitool's session if its own escape character had been left to it. In two packets,
            # because ipmi_sim takes a new session's first for the last one's again if they have the same number.
            for typed in (b"\r~.", b"root\r"):
                line.write(typed)
                await world.hears(typed)
            await line.close()

    asyncio.run(scenario())


def test_a_session_that_somebody_left_open_is_ended(world: World) -> None:
    """The BMC has one: whoever opens it a second time without that is refused."""

    async def scenario() -> None:
        env = environment_for(world.bmc)
        left = CommandLine(await process.on_terminal(sol(world.bmc, "activate"), env=env))
        await says(left, b"[SOL Session operational.")
        refused = CommandLine(await process.on_terminal(sol(world.bmc, "activate"), env=env))
        await says(refused, b"SOL payload already active on another session")
        await refused.close()
        line = await world.opened()
        await says(line, b"[SOL Session operational.")
        os.write(world.machine, b"hello")
        await says(line, b"hello")
        await line.close()
        await left.close()

    asyncio.run(scenario())


def test_a_wrong_password_is_told_as_the_end(world: World) -> None:
    async def scenario() -> None:
        line = await CommandLines(site=site_with(replace(world.bmc, password="wrong"))).open("node-1")
        said = b""
        async with asyncio.timeout(PATIENCE):
            while block := await line.read():
                said += block
        assert b"Unable to establish IPMI v2 / RMCP+ session" in said
        assert await line.close() == "its command exited with 1"

    asyncio.run(scenario())
