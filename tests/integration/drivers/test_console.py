"""Consoles by real commands on real pseudo-terminals: what they say, how they end, and that they always do."""

from __future__ import annotations

import asyncio
import os
import select
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kadeploy import process
from kadeploy.domain.node import Bmc, BmcKind, Node, Site
from kadeploy.domain.power import AdminCommand
from kadeploy.drivers.console.argv import way_to
from kadeploy.drivers.console.lines import CommandLine, CommandLines
from kadeploy.drivers.console.log import ConsoleLogs
from kadeploy.testing.sites import site_of

IPMI = Bmc(driver=BmcKind.IPMI, address="10.2.0.1", port=6230, user="admin", password="secret")


def site_with(line: str) -> Site:
    site = site_of(1)
    node = replace(site.nodes["node-1"], console=AdminCommand(line=line))
    return replace(site, nodes={"node-1": node})


async def opened(line: str) -> CommandLine:
    return await CommandLines(site=site_with(line)).open("node-1")


async def says(line: CommandLine, until: bytes) -> bytes:
    said = b""
    async with asyncio.timeout(20):
        while until not in said:
            block = await line.read()
            assert block, f"it ended after {said!r}"
            said += block
    return said


def has_ended(pidfd: int) -> bool:
    """Within some seconds; closes it."""
    try:
        return bool(select.select([pidfd], [], [], 20)[0])
    finally:
        os.close(pidfd)


def test_bytes_go_both_ways_through_a_terminal() -> None:
    async def scenario() -> None:
        line = await opened("test -t 0 && echo HOSTNAME_SHORT; stty size; exec cat")
        assert b"node-1\r\n24 80\r\n" in await says(line, b"80\r\n")
        line.write(b"hello\r")
        await says(line, b"hello\r\nhello\r\n")
        await line.close()
        assert await line.read() == b""

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("echo bye", ""),
        ("echo bye; exit 3", "its command exited with 3"),
        ("no-such-program", "its command was not found"),
        ("kill -KILL $$", "its command was ended by SIGKILL"),
    ],
)
def test_why_a_console_ended_by_itself(line: str, why: str) -> None:
    async def scenario() -> None:
        console = await opened(line)
        async with asyncio.timeout(20):
            while await console.read():
                pass
            assert await console.close() == why
            assert await console.close() == why

    asyncio.run(scenario())


@pytest.mark.parametrize("stubborn", ["", "trap '' HUP TERM INT;"])
def test_the_command_is_ended_with_its_children_also_when_it_does_not_want_to(
    stubborn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "HANGUP", 0.2)

    async def scenario() -> list[int]:
        line = await opened(f"{stubborn} sleep 1000 & echo $$ $! end; while :; do wait; done")
        watching = [os.pidfd_open(int(word)) for word in (await says(line, b"end")).split()[:2]]
        await line.close()
        return watching

    for watching in asyncio.run(scenario()):
        assert has_ended(watching)


def test_the_command_ends_when_the_server_is_killed(tmp_path: Path) -> None:
    program = """
import asyncio, sys
from kadeploy import process
async def main():
    line = await process.on_terminal(["/bin/sh", "-c", "echo $$; exec sleep 1000"])
    print((await line.read()).decode().strip(), flush=True)
    await asyncio.sleep(1000)
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        pid = int(server.stdout.readline())
        watching = os.pidfd_open(pid)
        server.kill()
    assert has_ended(watching), "it outlived the server"


def test_whoever_waits_for_a_line_is_not_left_hanging_when_it_is_closed() -> None:
    async def scenario() -> None:
        line = await opened("exec sleep 1000")
        waiting = asyncio.create_task(line.read())
        await asyncio.sleep(0)
        await line.close()
        async with asyncio.timeout(20):
            assert await waiting == b""

    asyncio.run(scenario())


def test_more_is_typed_than_the_command_takes() -> None:
    async def scenario() -> None:
        line = await opened("stty raw -echo; echo ready; sleep 1000")
        await says(line, b"ready")
        for _ in range(50):
            line.write(b"x" * 65536)
        await line.close()

    asyncio.run(scenario())


def test_ways_to_a_console() -> None:
    node = Node(name="n-1.site", cluster="c", address="10.0.0.1", block_device="/dev/sda")
    assert way_to(node) == ()
    own = replace(node, console=AdminCommand(line="conman HOSTNAME_SHORT HOSTNAME_FQDN"), bmc=IPMI)
    assert way_to(own) == ("/bin/sh", "-c", "conman n-1 n-1.site")
    by_ipmi = way_to(replace(node, bmc=IPMI))
    assert by_ipmi[:8] == ("ipmitool", "-I", "lanplus", "-H", "10.2.0.1", "-p", "6230", "-U")
    assert by_ipmi[-2:] == ("sol", "activate")
    assert "secret" not in by_ipmi
    assert way_to(replace(node, bmc=replace(IPMI, driver=BmcKind.REDFISH, url="https://b"))) == ()


def test_serial_over_lan_ends_a_session_that_was_left_and_gets_the_password_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told"
    fake = tmp_path / "ipmitool"
    fake.write_text(f'#!/bin/sh\necho "$@ / $IPMI_PASSWORD" >> {told}\ncase "$*" in *activate) echo SOL; esac\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    site = site_of(1)
    site = replace(site, nodes={"node-1": replace(site.nodes["node-1"], bmc=IPMI)})

    async def scenario() -> None:
        line = await CommandLines(site=site).open("node-1")
        await says(line, b"SOL")
        await line.close()

    asyncio.run(scenario())
    first, second = told.read_text().strip().split("\n")
    assert first.endswith("sol deactivate / secret")
    assert second.endswith("sol activate / secret")


def test_what_is_said_is_kept_in_a_bounded_file_a_node(tmp_path: Path) -> None:
    keep = ConsoleLogs(directory=tmp_path / "logs", largest=10).of("node-1")
    for said in (b"first", b"secnd", b"third"):
        keep(said)
    log = tmp_path / "logs" / "node-1.log"
    assert log.read_bytes() == b"third"
    assert log.with_name("node-1.log.1").read_bytes() == b"firstsecnd"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    log.unlink()
    log.mkdir()
    keep(b"it cannot be written, which stops nobody")
