"""dnsmasq as Kadeploy configures and keeps it, asked by something that looks like a machine's firmware."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from kadeploy.boot.dnsmasq import IPXE, BootNetwork, configuration
from kadeploy.boot.dnsmasq_process import Backoff, Dnsmasq, is_ours, replace_stale
from kadeploy.boot.solicitations import answer_solicitations, checksum
from kadeploy.errors import BadConfiguration
from tests.integration.boot.wire import Wire, a_wire
from tests.unit.boot.memory import site_with_macs

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
]
KNOWN, STRANGE = "52:54:00:00:00:07", "52:54:00:ff:ff:ff"
OTHER = "52:54:00:00:00:08"


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with a_wire() as made:
        yield made


def a_dnsmasq(wire: Wire, state: Path) -> Dnsmasq:
    network = BootNetwork(interface=wire.interface, network=wire.network, boot_url=f"http://{wire.server}:25301")
    site = site_with_macs(9, address=str(wire.network[0])[:-1] + "{index}")
    return Dnsmasq(
        configuration=configuration(network, site.nodes.values(), state),
        state=state,
        backoff=Backoff(first=0.01, longest=0.01),
    )


@contextlib.asynccontextmanager
async def running(dnsmasq: Dnsmasq) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(dnsmasq.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def pid_other_than(old: int, state: Path) -> int:
    """The process number of the dnsmasq that serves now, once that is not the old one."""
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(OSError, ValueError):
                pid = int((state / "dnsmasq.pid").read_text())
                if pid != old and is_ours(pid, state / "dnsmasq.conf"):
                    return pid
            await asyncio.sleep(0.01)


async def until_gone(pid: int, state: Path) -> None:
    async with asyncio.timeout(10):
        while is_ours(pid, state / "dnsmasq.conf"):  # noqa: ASYNC110 - not our child
            await asyncio.sleep(0.01)


def test_each_firmware_gets_its_address_and_its_program(wire: Wire, tmp_path: Path) -> None:
    async def run() -> list[dict[str, object]]:
        async with running(a_dnsmasq(wire, tmp_path)):
            await pid_other_than(0, tmp_path)
            asked = [
                asyncio.to_thread(wire.ask, "dhcp", STRANGE, "0", KNOWN, arch) for arch in ("0", "7", "9", "11", "ipxe")
            ]
            return [await each for each in asked]

    answers = asyncio.run(run())
    assert [list(answer) for answer in answers] == [[KNOWN]] * 5, "only the site's own nodes are answered"
    offers = [answer[KNOWN] for answer in answers]
    assert all(isinstance(offer, dict) for offer in offers)
    files = [offer["file"] for offer in offers if isinstance(offer, dict)]
    script = f"http://{wire.server}:25301/boot/ipxe?mac=${{netX/mac}}"
    assert files == ["undionly.kpxe", "snponly.efi", "snponly.efi", "", script]
    for offer in offers:
        assert isinstance(offer, dict)
        assert offer["address"] == str(wire.network[7])
        assert offer["server"] == wire.server
        assert offer["name"] == "node-7"
        assert 3 not in offer["options"], "no router was configured"
        assert 6 not in offer["options"], "nor a name server"
    assert isinstance(offers[-1], dict)
    assert str(offers[-1]["ipxe"]).startswith("b00101"), "no-pxedhcp"


def test_programs_come_by_tftp_and_names_are_not_served(wire: Wire, tmp_path: Path) -> None:
    async def run() -> None:
        async with running(a_dnsmasq(wire, tmp_path)):
            await pid_other_than(0, tmp_path)
            for name in ("undionly.kpxe", "snponly.efi"):
                got = await asyncio.to_thread(wire.ask, "tftp", wire.server, name)
                assert got == {"sha256": hashlib.sha256((IPXE / name).read_bytes()).hexdigest()}
            outside = await asyncio.to_thread(wire.ask, "tftp", wire.server, "../../../etc/passwd")
            assert "error" in outside
            assert await asyncio.to_thread(wire.ask, "dns", wire.server) == {"answer": "refused"}

    asyncio.run(run())


def test_it_comes_back_when_killed_and_ends_when_cancelled(wire: Wire, tmp_path: Path) -> None:
    async def run() -> int:
        async with running(a_dnsmasq(wire, tmp_path)):
            first = await pid_other_than(0, tmp_path)
            os.kill(first, signal.SIGKILL)
            second = await pid_other_than(first, tmp_path)
            assert KNOWN in await asyncio.to_thread(wire.ask, "dhcp", KNOWN, "0")
        await until_gone(second, tmp_path)
        return second

    assert asyncio.run(run())


def test_another_configuration_is_served_from_now_on(wire: Wire, tmp_path: Path) -> None:
    """Nodes that are added by reading the configuration again get their addresses, others lose them."""
    dnsmasq = a_dnsmasq(wire, tmp_path)
    lines = dnsmasq.configuration.splitlines(keepends=True)

    async def run() -> None:
        async with running(dnsmasq):
            first = await pid_other_than(0, tmp_path)
            dnsmasq.become(dnsmasq.configuration)
            assert is_ours(first, tmp_path / "dnsmasq.conf"), "nothing has changed"
            dnsmasq.become("".join(line for line in lines if KNOWN not in line))
            second = await pid_other_than(first, tmp_path)
            assert [*await asyncio.to_thread(wire.ask, "dhcp", KNOWN, "0", OTHER, "0")] == [OTHER]
            dnsmasq.become("".join(lines))
            await pid_other_than(second, tmp_path)
            assert KNOWN in await asyncio.to_thread(wire.ask, "dhcp", KNOWN, "0")

    asyncio.run(run())


CHILD = """
import asyncio, sys
from pathlib import Path
from kadeploy.boot.dnsmasq_process import Dnsmasq
asyncio.run(Dnsmasq(configuration=sys.argv[1], state=Path(sys.argv[2])).run())
"""


def test_what_a_killed_daemon_left_is_replaced(wire: Wire, tmp_path: Path) -> None:
    dnsmasq = a_dnsmasq(wire, tmp_path)

    async def run() -> None:
        daemon = await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, dnsmasq.configuration, str(tmp_path))
        left = await pid_other_than(0, tmp_path)
        daemon.kill()
        await daemon.wait()
        assert is_ours(left, tmp_path / "dnsmasq.conf"), "it outlives the daemon, and serves on"
        assert KNOWN in await asyncio.to_thread(wire.ask, "dhcp", KNOWN, "0")
        async with running(dnsmasq):
            await pid_other_than(left, tmp_path)
            assert not is_ours(left, tmp_path / "dnsmasq.conf")
            assert KNOWN in await asyncio.to_thread(wire.ask, "dhcp", KNOWN, "0")

    asyncio.run(run())


def test_a_pidfile_that_names_another_process_harms_nobody(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        (tmp_path / "dnsmasq.pid").write_text(f"{other.pid}\n")
        asyncio.run(replace_stale(tmp_path / "dnsmasq.pid", tmp_path / "dnsmasq.conf"))
        assert other.poll() is None
        other.kill()


def test_a_configuration_dnsmasq_does_not_take_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"DHCP and TFTP cannot be served: .*dhcp-range"):
        asyncio.run(Dnsmasq(configuration="dhcp-range=nonsense\n", state=tmp_path).run())


def test_only_the_site_s_nodes_are_told_that_there_is_no_router(wire: Wire) -> None:
    async def run() -> dict[str, object]:
        task = asyncio.create_task(answer_solicitations(wire.interface, [KNOWN]))
        try:
            await asyncio.sleep(0)
            return await asyncio.to_thread(wire.ask, "solicit", STRANGE, KNOWN)
        finally:
            task.cancel()

    answers = asyncio.run(run())["answers"]
    assert isinstance(answers, dict)
    assert list(answers) == [KNOWN]
    packet = bytes.fromhex(answers[KNOWN])
    assert packet[7] == 255
    assert packet[8:10].hex() == "fe80"
    assert packet[24:40].hex() == "fe800000000000000000525400000007"
    assert packet[40] == 134
    pseudo = packet[8:40] + (16).to_bytes(4, "big") + (58).to_bytes(4, "big")
    assert checksum(pseudo + packet[40:]) == 0


def test_without_the_interface_it_gives_up_quietly(caplog: pytest.LogCaptureFixture) -> None:
    asyncio.run(answer_solicitations("nosuch0", [KNOWN]))
    assert "nosuch0 stay unanswered" in caplog.text
