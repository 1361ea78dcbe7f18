from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from kadeploy.domain.node import Node
from kadeploy.drivers.power.driver import PowerRefused
from kadeploy.drivers.power.ssh import SshPower
from kadeploy.drivers.ssh_access import SshAccess
from tests.integration.drivers.ssh_server import System, ssh_system

NODE = Node(name="node-1", cluster="c", address="127.0.0.1", block_device="/dev/vda")


def goes_down(system: System) -> int:
    asyncio.get_running_loop().call_soon(system.go_down)
    return 0


def stays_up(_: System) -> int:
    return 0


def refuses(_: System) -> int:
    return 1


def order(obey: Callable[[System], int], keys: Path, verb: str, *, key: str = "key", leave: float = 5.0) -> list[str]:
    async def run() -> list[str]:
        async with ssh_system(System(obey), keys / "key.pub") as system:
            power = SshPower(access=SshAccess(key=keys / key, port=system.port), connect=5.0, leave=leave, look=0.01)
            await {"off": power.off, "cycle": power.cycle}[verb](NODE)
            return system.commands

    return asyncio.run(run())


@pytest.mark.parametrize(("verb", "command"), [("off", "poweroff"), ("cycle", "reboot")])
def test_a_system_that_goes_down_has_obeyed(keys: Path, verb: str, command: str) -> None:
    assert order(goes_down, keys, verb) == [command]


def test_a_system_that_stays_up_has_not(keys: Path) -> None:
    with pytest.raises(PowerRefused, match=r"reboot was accepted, but the system still ran after 0\.3 s"):
        order(stays_up, keys, "cycle", leave=0.3)


def test_a_system_that_says_no_is_quoted(keys: Path) -> None:
    with pytest.raises(PowerRefused, match="poweroff exited with 1: Refusing to operate"):
        order(refuses, keys, "off")


def test_a_key_that_is_not_let_in_is_told(keys: Path) -> None:
    with pytest.raises(PowerRefused, match="SSH refused the server's key for root"):
        order(goes_down, keys, "cycle", key="other")


def test_a_key_that_is_missing_is_told(keys: Path) -> None:
    with pytest.raises(PowerRefused, match=r"the server's SSH key .*missing cannot be used: .*No such file"):
        order(goes_down, keys, "cycle", key="missing")


def test_a_node_without_ssh_is_told(keys: Path) -> None:
    async def run() -> None:
        nobody = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        port = nobody.sockets[0].getsockname()[1]
        nobody.close()
        await SshPower(access=SshAccess(key=keys / "key", port=port)).cycle(NODE)

    with pytest.raises(PowerRefused, match=r"no SSH: .*Connect"):
        asyncio.run(run())


def test_a_node_that_accepts_and_says_nothing_is_told(keys: Path) -> None:
    async def run() -> None:
        closed = asyncio.Event()

        async def be_silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await closed.wait()
            writer.close()

        async with await asyncio.start_server(be_silent, "127.0.0.1", 0) as silent:
            port = silent.sockets[0].getsockname()[1]
            try:
                await SshPower(access=SshAccess(key=keys / "key", port=port), connect=0.2).cycle(NODE)
            finally:
                closed.set()

    with pytest.raises(PowerRefused, match=r"SSH did not answer within 0\.2 s"):
        asyncio.run(run())
