"""One published key opened every node, and images were taken from whoever answered: here nothing that opens anything is
published, a boot's token is for one boot and one address, and the chain gives strangers nothing."""

from __future__ import annotations

import contextlib
import random
import re
import socket
import subprocess
from pathlib import Path

import pytest

from kadeploy.broadcast import wire
from kadeploy.broadcast.source import Head
from kadeploy.domain.boot import BootKind, BootTarget
from kadeploy.domain.nodeset import NodeSet
from kadeploy.testing.chain import started
from tests.integration.boot.test_http import World, with_pages
from tests.integration.broadcast.conftest import Image

ROOT = Path(__file__).parents[3]
KEY = re.compile(rb"-----BEGIN ([A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}")
SERVERS = ("sshd", "dropbear", "openssh-server", "telnetd", "rshd", "agetty")


def test_no_private_key_is_published() -> None:
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=True,
    )
    paths = [ROOT / name.decode() for name in listed.stdout.split(b"\0") if name]
    assert paths
    assert [path for path in paths if path.is_file() and KEY.search(path.read_bytes())] == []


@pytest.mark.parametrize("program", SERVERS)
def test_the_minimal_environment_lets_nobody_in(program: str) -> None:
    """It has no server for logins: its agent calls, and is called by nobody."""
    for path in (ROOT / "kadeploy" / "minienv").rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            assert not re.search(rf"\b{program}\b", path.read_text()), path


def test_a_boots_token_is_for_the_address_of_its_node(tmp_path: Path) -> None:
    """Whoever asks in the name of another machine, by its MAC or through headers, is told nothing."""

    async def scenario(world: World) -> None:
        await world.catalog.set(NodeSet(["node-1"]), BootTarget(kind=BootKind.MINIMAL))
        asked = "/boot/ipxe?mac=52:54:00:00:00:01"
        forged = {"X-Forwarded-For": "127.0.5.1", "Forwarded": "for=127.0.5.1", "X-Real-IP": "127.0.5.1"}
        for target in (asked, f"{asked}&mac=52:54:00:00:00:02", "/boot/ipxe?mac=%2052:54:00:00:00:01%0a", "/boot/ipxe"):
            _, content = await world.ask(target, source="127.0.5.2", **forged)
            assert b"kadeploy.token" not in content, target
        assert await world.tokens.current("node-1") is None, "and none was made"
        _, content = await world.ask(asked, source="127.0.5.1")
        assert b"kadeploy.token" in content

    with_pages(tmp_path, scenario)


def test_files_of_operations_are_for_nodes(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        known = "ab" * 32
        assert (await world.ask(f"/files/{known}", source="127.0.9.9"))[0] == 404
        for name in ("..%2f..%2finitrd", "%2e%2e/initrd", known.upper(), known[:-1], f"{known}%00", "/etc/passwd"):
            assert (await world.ask(f"/files/{name}", source="127.0.5.1"))[0] == 404, name
        assert (await world.ask(f"/files/{known}", source="127.0.5.1"))[0] == 200

    with_pages(tmp_path, scenario)


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return Image(tmp_path, random.Random(1).randbytes(3_000_000))


@pytest.mark.parametrize("proof", [b"", bytes(wire.PROOF_SIZE), b"\xff" * wire.PROOF_SIZE])
def test_the_chain_gives_a_stranger_no_byte(image: Image, proof: bytes) -> None:
    """Also one that knows the broadcast's name, and says that it is a member, but not its secret."""
    with started(Head(image.path, image.manifest, host="127.0.0.1", stall=0.5)) as head:
        hello = wire.Hello(
            broadcast=head.broadcast, nonce=b"n" * 16, name="node-1", rank=1, offset=0, end=len(image.content)
        )
        with socket.create_connection(("127.0.0.1", head.port), 20.0) as sock:
            sock.sendall(wire.encode_hello(hello) + proof)
            heard = b""
            with contextlib.suppress(ConnectionResetError):
                while piece := sock.recv(65536):
                    heard += piece
        assert len(heard) <= wire.CHALLENGE_SIZE, "what it is to prove, and nothing of the image"
