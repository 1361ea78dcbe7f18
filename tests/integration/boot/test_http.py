"""The boot pages on a real socket, asked from several addresses of the loopback network as from several machines."""

from __future__ import annotations

import asyncio
import http.client
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from kadeploy.boot.catalog import Catalog
from kadeploy.boot.http import BootPages
from kadeploy.boot.menus import ipxe
from kadeploy.boot.minimal import MinimalEnvironment
from kadeploy.domain.boot import LOCAL_DISK, BootKind, BootTarget, of_partition
from kadeploy.domain.meeting import token_hash
from kadeploy.domain.node import Nfsroot
from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import Unavailable
from kadeploy.serving import listen, serve
from tests.unit.boot.memory import MemoryTargets, MemoryTokens, site_with_macs

SITE = site_with_macs(5, address="127.0.5.{index}")
MINIMAL = BootTarget(kind=BootKind.MINIMAL, params="debug")
DISK = ipxe.disk("http://10.0.0.1:25301/boot/disk.efi")
AUTHORITY = "-----BEGIN CERTIFICATE-----\n"
INITRD = bytes(range(256)) * 40_000  # 10 MB

KNOWN = "ab" * 32


class FixedClock:
    def now(self) -> float:
        return 1234.5


@dataclass(slots=True)
class World:
    port: int
    tokens: MemoryTokens
    catalog: Catalog

    def get(self, path: str, *, source: str = "127.0.5.1", **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10, source_address=(source, 0))
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    async def ask(self, path: str, *, source: str = "127.0.5.1", **headers: str) -> tuple[int, bytes]:
        return await asyncio.to_thread(lambda: self.get(path, source=source, **headers))


def with_pages(
    folder: Path,
    scenario: Callable[[World], Awaitable[None]],
    *,
    nfsroot: Nfsroot | None = None,
    also_from: Sequence[IPv4Network] = (),
) -> None:
    """Run `scenario`, a coroutine function, beside the server."""
    (folder / "vmlinuz").write_bytes(b"kernel")
    (folder / "initrd").write_bytes(INITRD)

    async def run() -> None:
        site = SITE
        if nfsroot:
            cluster = replace(SITE.clusters["sim"], nfsroot=nfsroot)
            site = replace(SITE, clusters={"sim": cluster})
        catalog, tokens = Catalog(site, MemoryTargets(), also_from=also_from), MemoryTokens()
        minimal = MinimalEnvironment(
            url="http://10.0.0.1:25301",
            meet="10.0.0.1:25302",
            kernel=folder / "vmlinuz",
            initrd=folder / "initrd",
            agent=b"PK agent",
            arguments=("quiet",),
            authority=AUTHORITY,
            ca="ab" * 32,
        )
        pages = BootPages(
            catalog=catalog,
            minimal=minimal,
            tokens=tokens,
            clock=FixedClock(),
            disk_program=b"MZ",
            content=lambda sha256: folder / "initrd" if sha256 == KNOWN else None,
        )
        listening = listen("127.0.0.1", 0)
        serving = asyncio.create_task(serve(pages.application(), listening))
        try:
            await scenario(World(port=listening.getsockname()[1], tokens=tokens, catalog=catalog))
        finally:
            serving.cancel()
            await asyncio.wait([serving])

    asyncio.run(run())


def test_the_script_follows_the_target_and_each_boot_has_its_own_token(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tokens: list[str] = []

    async def scenario(world: World) -> None:
        asked = "/boot/ipxe?mac=52:54:00:00:00:01"
        assert await world.ask(asked) == (200, DISK.encode())
        await world.catalog.set(NodeSet(["node-1"]), MINIMAL)
        for _ in range(2):
            status, script = await world.ask(asked)
            assert status == 200
            words = dict(word.split("=", 1) for word in script.decode().split() if "=" in word)
            assert words["kadeploy.node"] == "node-1"
            assert words["kadeploy.meet"] == "10.0.0.1:25302"
            assert words["kadeploy.ca"] == "ab" * 32
            assert "quiet debug kadeploy.server=http://10.0.0.1:25301" in script.decode()
            tokens.append(words["kadeploy.token"])
            issued = await world.tokens.current("node-1")
            assert issued is not None
            assert issued.token_hash == token_hash(tokens[-1])
            assert issued.issued_at == 1234.5
        await world.catalog.set(NodeSet(["node-1"]), LOCAL_DISK)
        assert await world.ask(asked) == (200, DISK.encode())

    with caplog.at_level(logging.DEBUG):
        with_pages(tmp_path, scenario)
    assert len(set(tokens)) == 2
    assert min(map(len, tokens)) >= 32
    assert not any(token in caplog.text for token in tokens)


def test_a_node_whose_address_is_translated_is_known_by_its_mac(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.catalog.set(NodeSet(["node-1"]), MINIMAL)
        asked = "/boot/ipxe?mac=52:54:00:00:00:01"
        assert b"kadeploy.token" in (await world.ask(asked, source="127.0.6.9"))[1]
        assert (await world.ask(asked, source="127.0.7.1"))[0] == 403
        assert await world.ask("/boot/ipxe", source="127.0.6.9") == (200, DISK.encode())

    with_pages(tmp_path, scenario, also_from=[IPv4Network("127.0.6.0/24")])


def test_nobody_gets_another_node_s_token(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.catalog.set(NodeSet(["node-1", "node-2"]), MINIMAL)
        status, said = await world.ask("/boot/ipxe?mac=52:54:00:00:00:02", source="127.0.5.1")
        assert status == 403
        assert said == b"node-2 boots from 127.0.5.2, not from 127.0.5.1\n"
        forwarded = {"X-Forwarded-For": "127.0.5.2"}
        status, _ = await world.ask("/boot/ipxe?mac=52:54:00:00:00:02", source="127.0.5.1", **forwarded)
        assert status == 403
        assert not world.tokens.issued

    with_pages(tmp_path, scenario)


def test_without_a_mac_the_address_says_who_asks(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.catalog.set(NodeSet(["node-4"]), MINIMAL)
        _, script = await world.ask("/boot/ipxe", source="127.0.5.4")
        assert b"kadeploy.node=node-4 " in script

    with_pages(tmp_path, scenario)


def test_a_stranger_boots_its_disk_and_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(world: World) -> None:
        for _ in range(3):
            answer = await world.ask("/boot/ipxe?mac=de:ad:be:ef:00:00", source="127.0.9.9")
            assert answer == (200, DISK.encode())

    with_pages(tmp_path, scenario)
    assert [record.message for record in caplog.records if record.name == "kadeploy.boot.http"] == [
        "'de:ad:be:ef:00:00' asks what to boot and is no node of this site: it boots its own disk"
    ]


def test_files_whole_in_part_and_three_at_once(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        assert await world.ask("/boot/vmlinuz") == (200, b"kernel")
        assert await world.ask("/boot/agent.pyz") == (200, b"PK agent")
        assert await world.ask("/boot/disk.efi") == (200, b"MZ")
        assert await world.ask("/boot/initrd", Range="bytes=256-259") == (206, b"\0\1\2\3")
        for status, data in await asyncio.gather(*(world.ask("/boot/initrd") for _ in range(3))):
            assert status == 200
            assert data == INITRD
        assert (await world.ask("/boot/../../etc/passwd"))[0] == 404

    with_pages(tmp_path, scenario)


def test_files_in_use_are_for_nodes_that_know_their_checksum(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        assert await world.ask(f"/files/{KNOWN}") == (200, INITRD)
        assert (await world.ask(f"/files/{'0' * 64}"))[0] == 404
        assert (await world.ask("/files/..%2finitrd"))[0] == 404
        assert (await world.ask(f"/files/{KNOWN}", source="127.0.5.99"))[0] == 404

    with_pages(tmp_path, scenario)


def test_a_minimal_environment_that_was_not_built_is_no_traceback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(world: World) -> None:
        (tmp_path / "initrd").unlink()
        assert await world.ask("/boot/initrd") == (404, b"the server has no initrd\n")

    with_pages(tmp_path, scenario)
    assert "initrd cannot be read" in caplog.text


def test_the_authority_of_the_agents_server_is_handed_out(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        assert await world.ask("/boot/ca.pem") == (200, AUTHORITY.encode())

    with_pages(tmp_path, scenario)


def test_a_port_in_use_is_told() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=rf"cannot listen on 127.0.0.1:{port}: Address already in use$"):
            listen("127.0.0.1", port)


def test_a_profile_of_the_users_is_handed_out_as_it_is(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.catalog.set(NodeSet(["node-1"]), BootTarget(kind=BootKind.PROFILE, params="#!ipxe\nshell\n"))
        assert await world.ask("/boot/ipxe?mac=52:54:00:00:00:01") == (200, b"#!ipxe\nshell\n")

    with_pages(tmp_path, scenario)


def test_a_partition_has_a_program_for_its_node_alone(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        program = "/boot/partition/{}?mac=52:54:00:00:00:01"
        assert (await world.ask(program.format("pcbios")))[0] == 404, "it boots its disk"
        await world.catalog.set(NodeSet(["node-1"]), of_partition(3))
        status, script = await world.ask("/boot/ipxe?mac=52:54:00:00:00:01")
        assert (status, script.decode()) == (
            200,
            ipxe.partition("http://10.0.0.1:25301", "52:54:00:00:00:01", otherwise=DISK),
        )
        for platform, start in (("pcbios", b""), ("efi", b"MZ")):
            status, packed = await world.ask(program.format(platform))
            assert (status, packed.startswith(start), len(packed) > 100_000) == (200, True, True)
        assert b"set root=hd0,3" in packed
        assert (await world.ask(program.format("arm")))[0] == 404
        assert (await world.ask(program.format("efi"), source="127.0.5.2"))[0] == 403
        assert (await world.ask("/boot/partition/efi?mac=52:54:00:00:00:99"))[0] == 404
        assert (await world.ask("/boot/partition/efi"))[0] == 200, "its address says who asks"

    with_pages(tmp_path, scenario)


def test_a_server_without_grub_has_no_such_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    async def scenario(world: World) -> None:
        await world.catalog.set(NodeSet(["node-1"]), of_partition(3))
        assert (await world.ask("/boot/partition/efi"))[0] == 404

    with_pages(tmp_path, scenario)


def test_a_root_on_nfs_has_the_clusters_own_kernel(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.catalog.set(NodeSet(["node-1"]), BootTarget(kind=BootKind.NFSROOT, params="root=/dev/nfs"))
        status, script = await world.ask("/boot/ipxe?mac=52:54:00:00:00:01")
        assert status == 200
        lines = script.decode().splitlines()
        assert lines[1].startswith("kernel http://10.0.0.1:25301/boot/nfsroot/sim quiet root=/dev/nfs kadeploy.server=")
        assert lines[2:] == ["boot"]
        assert await world.ask("/boot/nfsroot/sim") == (200, b"kernel")
        assert (await world.ask("/boot/nfsroot/other"))[0] == 404
        assert (await world.ask("/boot/nfsroot/sim/initrd"))[0] == 404

    with_pages(tmp_path, scenario, nfsroot=Nfsroot(kernel=str(tmp_path / "vmlinuz")))


def test_a_kernel_that_mounts_its_root_with_an_initrd_gets_it(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        await world.catalog.set(NodeSet(["node-1"]), BootTarget(kind=BootKind.NFSROOT))
        _, script = await world.ask("/boot/ipxe?mac=52:54:00:00:00:01")
        lines = script.decode().splitlines()
        assert lines[1].endswith(" BOOTIF=01-52-54-00-00-00-01 initrd=initrd")
        assert lines[2:] == ["initrd http://10.0.0.1:25301/boot/nfsroot/sim/initrd", "boot"]
        assert await world.ask("/boot/nfsroot/sim/initrd") == (200, INITRD)

    nfsroot = Nfsroot(kernel=str(tmp_path / "vmlinuz"), initrd=str(tmp_path / "initrd"))
    with_pages(tmp_path, scenario, nfsroot=nfsroot)
