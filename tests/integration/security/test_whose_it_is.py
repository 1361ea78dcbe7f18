"""What is somebody's own stays theirs: operations, environments, tokens, uploads and rights of others, for a user who
knows their names."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.security.attacked import Attacked, Visitor

OPEN = {
    "/version",
    "/auth_headers_prefix",
    "/info",
    "/clusters",
    "/ca",
    "/health",
    "/ready",
    "/openapi.json",
    "/docs",
    "/environments/schema",
}


@pytest.fixture(scope="module")
def wid(server: Attacked) -> str:
    """A reboot of alice's."""
    answer = server.user().post("/reboot", kind="simple", nodes=["node-1"])
    assert answer.status == 200, answer.text
    return str(answer.json()["wid"])


@pytest.fixture(scope="module")
def bob(server: Attacked) -> Visitor:
    return server.user("bob")


def test_what_strangers_may_ask_is_counted(server: Attacked) -> None:
    """Every path of the document, with every method, without a word of who asks."""
    stranger, document = server.stranger(), server.stranger().get("/openapi.json").json()
    for path, methods in document["paths"].items():
        target = path.replace("{node}", "node-1").replace("{user}", "alice").replace("{", "").replace("}", "")
        for method in methods.keys() & {"get", "put", "post", "delete"}:
            answer = stranger.ask(method.upper(), target, {} if method != "get" else None)
            expected = path in OPEN and method == "get"
            assert (answer.status == 200) if expected else (answer.status == 401), f"{method} {path}: {answer.text}"


def test_what_strangers_are_told_has_no_secrets(server: Attacked) -> None:
    for path in OPEN - {"/openapi.json", "/docs", "/environments/schema"}:
        told = server.stranger().get(path).text
        for secret in (str(server.folder), str(server.state), "alice", "htpasswd", "node-1"):
            assert secret not in told, f"{path}: {secret}"


@pytest.mark.parametrize(
    "part", ["logs", "logs/sim", "debugs", "state", "status", "error", "events", "journal", "board"]
)
def test_an_operation_of_somebody_else_tells_nothing(bob: Visitor, wid: str, part: str) -> None:
    assert bob.get(f"/reboot/{wid}/{part}").status == 403


@pytest.mark.parametrize(("method", "part"), [("DELETE", ""), ("DELETE", "/nodes/node-1"), ("POST", "/resume")])
def test_an_operation_of_somebody_else_is_not_touched(bob: Visitor, wid: str, method: str, part: str) -> None:
    assert bob.ask(method, f"/reboot/{wid}{part}").status == 403


def test_an_operation_is_not_found_under_another_kind(server: Attacked, wid: str) -> None:
    assert server.user().get(f"/deployment/{wid}/state").code == "1"


@pytest.mark.parametrize("path", ["/reboot", "/deployment", "/console"])
def test_nodes_of_somebody_else_are_not_touched(bob: Visitor, path: str) -> None:
    body: dict[str, Any] = {"nodes": ["node-1"], "node": "node-1", "kind": "simple"}
    body["environment"] = {"kind": "anonymous", **bob.description()}
    answer = bob.ask("POST", path, body)
    assert answer.is_refusal, answer.text
    assert "has no right on node-1" in answer.text


def test_power_of_nodes_of_somebody_else(bob: Visitor) -> None:
    assert bob.ask("PUT", "/power", {"nodes": ["node-1"], "status": "off"}).code == "6"
    assert bob.get("/power?nodes=node-1").code == "6"


def test_a_private_environment_is_nobody_elses(server: Attacked, bob: Visitor) -> None:
    alice = server.user()
    assert alice.post("/environments", environment=alice.description("private-one")).status == 200
    for query in ("username=alice&name=private-one", "name=private-one", "username=%25&name=%25", "name=private%25"):
        assert "private-one" not in bob.get(f"/environments?{query}").text.replace("/environments?", "")
    wanted = {"kind": "database", "name": "private-one", "user": "alice"}
    assert bob.deploy(environment=wanted, nodes=["node-6"]).code == "7"
    for method in ("PUT", "DELETE"):
        refused = bob.ask(method, "/environments/alice/private-one", {"visibility": "public"})
        assert refused.status in (400, 403, 404), refused.text
    assert alice.get("/environments?name=private-one").status == 200


@pytest.mark.parametrize("user", ["alice", "admin", "root"])
def test_nobody_records_in_anothers_name(bob: Visitor, user: str) -> None:
    answer = bob.post("/environments", environment=bob.description("forged", user=user))
    assert answer.is_refusal, answer.text


def test_nobody_makes_an_environment_everybodys_but_administrators(bob: Visitor) -> None:
    assert bob.post("/environments", environment=bob.description("for-all", visibility="public")).is_refusal


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/rights", {"username": "bob", "nodes": ["*"]}),
        ("DELETE", "/rights/alice", None),
        ("GET", "/rights", None),
        ("GET", "/rights/alice", None),
        ("PUT", "/environments", {"update_files": {"/": "/etc"}}),
        ("GET", "/audit", None),
        ("GET", "/cache", None),
        ("DELETE", "/cache", None),
        ("GET", "/tokens?all=true", None),
        ("GET", "/tokens?user=alice", None),
        ("POST", "/tokens", {"user": "admin"}),
    ],
)
def test_what_is_for_administrators(bob: Visitor, method: str, path: str, body: object) -> None:
    assert bob.ask(method, path, body).status == 403


def test_tokens_and_uploads_of_somebody_else_do_not_exist(server: Attacked, bob: Visitor) -> None:
    alice = server.user()
    token = alice.post("/tokens", name="mine").json()
    upload = alice.post("/uploads", size=5, sha256="ab" * 32, name="mine").json()
    assert bob.ask("DELETE", f"/tokens/{token['id']}").status == 404
    for method, headers in (("GET", {}), ("PUT", {"Content_Range": "bytes 0-4/5"}), ("DELETE", {})):
        answer = bob.ask(method, f"/uploads/{upload['id']}", b"12345" if method == "PUT" else None, **headers)
        assert answer.status == 404, answer.text
    image = {"file": f"upload://{'ab' * 32}", "kind": "tar", "compression": "gzip"}
    assert bob.deploy(environment={"kind": "anonymous", **bob.description(image=image)}, nodes=["node-6"]).is_refusal
    assert alice.ask("DELETE", f"/uploads/{upload['id']}").status == 200


@pytest.mark.parametrize("path", ["../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e", "%00", "x" * 3000])
def test_names_of_resources_are_no_paths(server: Attacked, path: str) -> None:
    for place in (
        "/uploads/{}",
        "/environments/alice/{}/1",
        "/reboot/{}/state",
        "/console/{}",
        "/nodes/{}",
        "/stats/{}",
    ):
        answer = server.user().get(place.format(path))
        assert answer.is_refusal, f"{place}: {answer.text}"
