"""Little that unfolds to much, and much: bodies, numbers, ranges and names that would stop the server for everybody."""

from __future__ import annotations

import contextlib
import json

import pytest

from kadeploy.domain.environment_name import EnvironmentName
from kadeploy.domain.nodeset import NodeSet
from tests.integration.security.attacked import Attacked

YAML = "application/x-yaml"
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
BODIES: dict[str, tuple[str, bytes]] = {
    "a billion laughs": (YAML, LAUGHS.encode()),
    "one alias": (YAML, b"nodes: &a [x]\nmore: *a\n"),
    "deep YAML": (YAML, b"nodes: " + b"[" * 100_000),
    "deep JSON": ("application/json", b'{"nodes": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "JSON that only some can write": ("application/json", b'{"nodes": ' + b"[" * 300 + b"]" * 300 + b"}"),
    "a long number": ("application/json", b'{"verbose_level": ' + b"9" * 100_000 + b"}"),
    "a number too many bits wide": ("application/json", b'{"verbose_level": 99999999999999999999999}'),
    "a number that is none": ("application/json", b'{"verbose_level": NaN}'),
    "half a character": ("application/json", b'{"nodes": ["\\ud800"]}'),
    "half a character as a key": ("application/json", b'{"custom_variables": {"\\udfff": "x"}}'),
    "NUL": ("application/json", b'{"nodes": ["node-1\\u0000"]}'),
    "a tag": (YAML, b"nodes: !!python/object/apply:os.system [id]\n"),
    "a tag that does not fit": (YAML, b"nodes: !!timestamp x\n"),
    "a truth that is none": (YAML, b"nodes: !!bool maybe\n"),
    "no UTF-8": ("application/json", b'{"nodes": ["\xff"]}'),
    "no mapping": ("application/json", b"[]"),
    "nothing of JSON": ("application/json", b"nodes=node-1"),
}
RANGES = (
    "node-[1-99999999]",
    "node-[1-99999]-[1-99999]",
    "node-[1-99999999999999999999999]",
    "node-[1-9]" * 20,
    "@all",
    "@*,@nobody",
    "node-" + "1" * 5000,
    "a[" * 5000,
    "node-[" + "0" * 100_000 + "1-2]",
    ",".join(["node-[1-9999]"] * 5000),
)


@pytest.mark.parametrize("path", ["/deployment", "/reboot", "/environments", "/rights", "/uploads"])
@pytest.mark.parametrize("bomb", BODIES)
def test_a_body_that_is_a_bomb(server: Attacked, bomb: str, path: str) -> None:
    kind, body = BODIES[bomb]
    answer = server.user("admin" if path == "/rights" else "alice").ask("POST", path, body, kind=kind)
    assert answer.is_refusal, answer.text
    assert len(answer.body) < 20_000


@pytest.mark.parametrize("nodes", RANGES, ids=range(len(RANGES)))
def test_a_range_that_unfolds_to_too_much(server: Attacked, nodes: str) -> None:
    for user, path in (("alice", "/reboot"), ("admin", "/rights")):
        answer = server.user(user).post(path, nodes=[nodes], kind="simple", username="eve")
        assert answer.is_refusal, answer.text
        assert answer.code in ("2", "4")
        assert len(answer.body) < 250_000


def test_many_names_that_nobody_has_are_not_all_told(server: Attacked) -> None:
    """Sixteen pairs of brackets are few bytes, and the names they stand for took half a minute to fold."""
    answer = server.user().post("/reboot", nodes=["a[1-2]" * 16], kind="simple")
    assert answer.code == "2"
    assert answer.text.endswith("… (65536 nodes) here\n")


def test_a_long_list_is_read_once_not_once_for_each_comma() -> None:
    names = [f"node-{number}.site1.example.org" for number in range(20_000)]
    assert len(NodeSet.parse(",".join(names))) == len(names)


def test_a_name_with_many_owners_is_a_name() -> None:
    text = "a@" * 200_000 + "!"
    assert EnvironmentName.parse(text) == EnvironmentName(name=text)


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 20_000_000])
def test_a_body_has_a_largest_size(server: Attacked, size: int) -> None:
    with server.connected() as sock:
        head = f"POST /reboot HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n"
        sock.sendall(f"{head}{shown(server)}\r\n".encode() + b" " * (1024 * 1024 + 1))
        assert sock.recv(64).split()[1] == b"413"


def test_an_endless_head_is_ended(server: Attacked) -> None:
    with server.connected() as sock:
        sock.sendall(b"GET /version HTTP/1.1\r\n")
        with contextlib.suppress(OSError):  # it may be closed while we send
            sock.sendall((b"X-Long: " + b"x" * 60_000 + b"\r\n") * 50)
        with contextlib.suppress(OSError):
            assert sock.recv(64).split()[1:2] in ([], [b"400"], [b"431"])


@pytest.mark.parametrize("size", [2**63, -1, 0, 10**30, "x"])
def test_an_upload_of_an_impossible_size(server: Attacked, size: object) -> None:
    answer = server.user().post("/uploads", size=size, sha256="cd" * 32)
    assert answer.is_refusal, answer.text


def test_what_is_sent_is_not_more_than_was_announced(server: Attacked) -> None:
    alice = server.user()
    upload = alice.post("/uploads", size=5, sha256="ef" * 32, name="\x1b[2J../../x\n").json()
    assert upload["name"] == "[2J../../x", "a name is for people, and no path"
    answer = alice.ask("PUT", f"/uploads/{upload['id']}", b"x" * 100_000, Content_Range="bytes 0-4/5")
    assert answer.is_refusal, answer.text
    assert alice.get(f"/uploads/{upload['id']}").json()["received"] <= 5


def test_a_large_tree_is_refused_with_a_short_answer(server: Attacked) -> None:
    body = json.dumps({"custom_operations": {f"x{number}": 1 for number in range(50_000)}}).encode()
    answer = server.user().ask("POST", "/deployment", body)
    assert answer.is_refusal


def shown(server: Attacked) -> str:
    return f"Authorization: {server.user().headers['Authorization']}\r\n"
