"""Requests that a browser sends for a page of somewhere else, and requests that two servers would read differently."""

from __future__ import annotations

import pytest

from tests.integration.security.attacked import Attacked

ELSEWHERE = ("https://evil.example.org", "null", "https://127.0.0.1", "http://127.0.0.1:1", "file://", "//[")


@pytest.mark.parametrize("origin", ELSEWHERE)
@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/rights?username=eve&nodes=node-1"),
        ("POST", "/reboot?kind=simple&nodes=node-1"),
        ("POST", "/tokens?name=stolen"),
        ("POST", "/console?node=node-1"),
        ("GET", "/power?nodes=node-1"),
        ("GET", "/whoami"),
    ],
)
def test_a_page_of_somewhere_else_does_nothing(server: Attacked, method: str, target: str, origin: str) -> None:
    """A plain POST is sent with the password that the browser keeps, and without asking first."""
    answer = server.user("admin").ask(method, target, Origin=origin)
    assert answer.status == 403, answer.text
    assert "access-control-allow-origin" not in answer.headers


def test_the_servers_own_page_may(server: Attacked) -> None:
    own = server.user().get("/whoami", Origin=f"https://127.0.0.1:{server.port}")
    assert own.status == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_a_form_sends_is_no_body(server: Attacked, kind: str) -> None:
    assert server.user().ask("POST", "/reboot", b'{"nodes": ["node-1"]}', kind=kind).status == 415


@pytest.mark.parametrize("origin", ELSEWHERE)
def test_a_websocket_of_a_strange_page_is_not_opened(server: Attacked, origin: str) -> None:
    wid = server.user().post("/console", node="node-1", stream=True).json()["wid"]
    answer = server.user().get(
        f"/console/{wid}/stream",
        Origin=origin,
        Upgrade="websocket",
        Connection="Upgrade",
        Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==",
        Sec_WebSocket_Version="13",
    )
    assert answer.status == 403, answer.text
    assert server.user().ask("DELETE", f"/console/{wid}").status == 200


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 6",
        "Content-Length: -5",
        "Content-Length: +5",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        " folded: yes",
        "No colon",
        "X-NUL: a\0b",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
    ],
)
def test_a_request_that_could_be_read_in_two_ways_is_not_followed_by_another(server: Attacked, head: str) -> None:
    """What stands behind it must never be taken for a request of its own: somebody else's, behind a proxy."""
    hidden = "GET /version HTTP/1.1\r\nHost: x\r\n\r\n"
    with server.connected() as sock:
        known = f"Authorization: {server.user().headers['Authorization']}"
        sock.sendall(f"POST /reboot HTTP/1.1\r\nHost: x\r\n{known}\r\n{head}\r\n\r\n0\r\n\r\n{hidden}".encode())
        heard = b""
        while piece := sock.recv(65536):
            heard += piece
        assert heard.count(b"HTTP/1.1 ") == 1, heard
        assert b" 200 " not in heard, heard


def test_a_line_end_in_a_parameter_makes_no_header(server: Attacked) -> None:
    for text in ("x%0d%0aSet-Cookie:%20a=b", "x%0aX-Application-Error-Code:%200"):
        answer = server.user().get(f"/nodes?nodes={text}")
        assert "set-cookie" not in answer.headers
        assert answer.code == "2"
