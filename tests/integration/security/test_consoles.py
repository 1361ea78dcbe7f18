"""The console was an open port for whoever came first; here it asks who comes, and a port is for one address, once."""

from __future__ import annotations

import contextlib
import socket
from urllib.parse import urlsplit

import pytest

from tests.integration.security.attacked import Attacked
from tests.simulated import LONGEST

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec_WebSocket_Version": "13",
}


def heard(port: int, source: str) -> bytes:
    """All that is said there until it is closed, or the first words of a console."""
    with (
        socket.create_connection(("127.0.0.1", port), LONGEST, source_address=(source, 0)) as sock,
        contextlib.suppress(ConnectionResetError),
    ):
        sock.sendall(b"\r")
        return sock.recv(4096)
    return b""


def test_the_port_of_a_console_is_for_the_address_that_asked_and_for_one_connection(server: Attacked) -> None:
    alice = server.user(source="127.0.0.20")
    made = alice.post("/console", node="node-3").json()
    port = urlsplit(made["resources"]["console"]).port or 0
    assert heard(port, "127.0.0.21") == b"", "a stranger's address"
    with socket.create_connection(("127.0.0.1", port), LONGEST, source_address=("127.0.0.20", 0)) as sock:
        sock.sendall(b"\r")
        assert sock.recv(4096), "who asked is let in, also after the stranger"
        with pytest.raises(ConnectionRefusedError):
            heard(port, "127.0.0.20")
    assert alice.ask("DELETE", f"/console/{made['wid']}").status in (200, 400)


def test_a_port_that_is_not_used_tells_nobody_of_it(server: Attacked) -> None:
    alice = server.user(source="127.0.0.22")
    made = alice.post("/console", node="node-4").json()
    other = server.user("bob", source="127.0.0.22")
    for path in ("/console", f"/console/{made['wid']}"):
        assert "tcp://" not in other.get(path).text
    assert other.ask("DELETE", f"/console/{made['wid']}").status == 403
    assert alice.ask("DELETE", f"/console/{made['wid']}").status == 200
    with pytest.raises(ConnectionRefusedError):
        heard(urlsplit(made["resources"]["console"]).port or 0, "127.0.0.22")


def test_a_console_is_attended_by_its_owner(server: Attacked) -> None:
    wid = server.user().post("/console", node="node-5", stream=True).json()["wid"]
    for visitor, status in ((server.stranger(), 401), (server.user("bob"), 403), (server.user("mallory"), 403)):
        assert visitor.get(f"/console/{wid}/stream", **UPGRADE).status == status
    reading = server.user().post("/tokens", name="r", scope="read").json()["token"]
    reader = server.stranger("127.0.0.23", Authorization=f"Bearer {reading}")
    assert reader.get(f"/console/{wid}/stream", **UPGRADE).status == 403
    assert server.user().ask("DELETE", f"/console/{wid}").status == 200


def test_a_console_of_a_node_without_a_right_is_not_opened(server: Attacked) -> None:
    assert server.user("bob").post("/console", node="node-3").is_refusal
    assert server.stranger().post("/console", node="node-3").status == 401
