"""How the tools speak: paths, encodings, lists, repeats, content types, errors, passwords."""

from __future__ import annotations

import base64
import json
import re

import pytest
import yaml

from tests.acceptance.wire.client import TYPES, Client
from tests.acceptance.wire.server import PASSWORD, Kadeployd, healthy_nodes
from tests.acceptance.wire.stage import Stage

NODES = [name.partition(".")[0] for name in healthy_nodes()]
FULL = healthy_nodes()
GETS: tuple[str, ...] = (
    "/version",
    "/auth_headers_prefix",
    "/info",
    "/clusters",
    "/nodes",
    "/environments",
    "/deployment",
    "/reboot",
)
GETS += ("/power", "/console", "/stats", "/stats/deploy", "/rights")


@pytest.mark.parametrize("path", GETS)
def test_a_path_is_the_same_with_a_slash_and_with_a_bare_question_mark(plain: Kadeployd, path: str) -> None:
    client = Client(server=plain, user="admin")
    for form in (path, f"{path}/", f"{path}?", f"{path}/?"):
        answer = client.get(form)
        assert answer.is_usable(), str(answer)
        assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/deployment", {}),
        ("POST", "/reboot", {}),
        ("PUT", "/power", {"status": "on"}),
        ("POST", "/console", {}),
        ("POST", "/environments", {}),
        ("PUT", "/environments", {"update_files": {"/nowhere": "/else"}}),
        ("DELETE", "/rights/nobody", {}),
        ("PUT", "/environments/admin/nothing", {"visibility": "shared"}),
    ],
)
def test_a_collection_takes_bodies_at_both_its_paths(plain: Kadeployd, method: str, path: str, body: object) -> None:
    client = Client(server=plain, user="admin")
    answers = [client.send(method, form, body) for form in (path, f"{path}/")]
    assert [answer.status // 100 for answer in answers] == [4, 4], "nothing is redirected"
    assert answers[0].text == answers[1].text
    assert answers[0].headers.get("x-application-error-code") == answers[1].headers.get("x-application-error-code")


def test_one_value_and_many_look_alike_in_a_query(stage: Stage, plain: Kadeployd) -> None:
    client = Client(server=plain)
    assert client.get(f"/nodes?nodes={NODES[0]}&list=true").json() == [FULL[0]]
    assert client.get(f"/nodes?nodes={NODES[0]}&nodes={NODES[1]}&list=true").json() == FULL[:2]
    assert set(client.get(f"/nodes?nodes={NODES[0]}").json()) == {FULL[0]}
    assert client.get("/environments?version=2&name=debian12").json()[0]["version"] == 2
    assert client.get("/stats?limit=3&fields=hostname").is_usable()
    assert client.get("/stats?limit=3&fields=hostname&fields=success&sort=hostname").is_usable()


@pytest.mark.parametrize("size", [65_000, 66_000, 99_000, 900_000])
def test_a_query_may_name_every_node_of_a_large_cluster(plain: Kadeployd, size: int) -> None:
    one = f"nodes={NODES[0]}&"
    answer = Client(server=plain, user="admin").get(f"/nodes?{one * (size // len(one))}list=true#below")
    assert answer.is_usable(), str(answer)
    assert answer.json() == [FULL[0]]


def test_a_query_beyond_that_is_refused(plain: Kadeployd) -> None:
    assert Client(server=plain, user="admin").get(f"/nodes?x={'y' * 1_100_000}").status == 414


def test_a_delete_with_an_empty_mapping(stage: Stage, plain: Kadeployd) -> None:
    client = Client(server=plain, user="admin")
    assert client.send("DELETE", "/rights/alice", b"{}").is_usable()


def test_every_answer_has_one_of_four_types_and_no_way_to_cache_it(stage: Stage, plain: Kadeployd) -> None:
    client = Client(server=plain, user="admin")
    for path in (*GETS, "/nothing", "/deployment/D-1", "/environments?name=nothing", "/rights/nobody"):
        answer = client.get(path)
        assert answer.type in TYPES, str(answer)
        assert answer.status in (200, 400, 404)
        assert answer.headers["cache-control"] == "no-store, no-cache"
        assert answer.headers["pragma"] == "no-cache"


def test_text_ends_with_one_newline(plain: Kadeployd) -> None:
    client = Client(server=plain, user="")
    for path in ("/version", "/auth_headers_prefix"):
        text = client.get(path).text
        assert text.endswith("\n")
        assert text.strip() + "\n" == text
    assert client.get("/auth_headers_prefix").text == "X-Kadeploy-\n"


def test_what_is_large_is_compressed_for_who_takes_it(plain: Kadeployd) -> None:
    client = Client(server=plain)
    packed = client.get("/nodes?list=true")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json()[0].startswith("node-")
    plainly = client.send("GET", "/nodes?list=true", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plainly.headers
    assert plainly.json() == packed.json()


def test_yaml_for_who_asks_for_it(plain: Kadeployd) -> None:
    client = Client(server=plain)
    answer = client.get(f"/nodes?nodes={NODES[0]}", Accept="application/x-yaml")
    assert answer.type == "application/x-yaml"
    assert list(yaml.safe_load(answer.text)) == [FULL[0]]
    assert client.get("/nodes", Accept="text/html").status == 406
    assert client.get("/nodes", Accept="").is_usable()
    assert client.get("/nodes", Accept="*/*").type == "application/json"


def test_bodies_in_yaml(plain: Kadeployd) -> None:
    body = yaml.safe_dump({"nodes": ["node-9999"], "kind": "simple"}).encode()
    answer = Client(server=plain).send("POST", "/reboot/", body, headers={"Content-Type": "application/x-yaml"})
    assert answer.headers["x-application-error-code"] == "2"


def test_the_query_wins_over_the_body(plain: Kadeployd) -> None:
    answer = Client(server=plain).send("POST", "/reboot/?nodes=node-9998", {"nodes": ["node-9999"]})
    assert "node-9998" in answer.text


def test_an_application_error(plain: Kadeployd) -> None:
    answer = Client(server=plain).send("POST", "/reboot/", {"nodes": ["node-9999"]})
    assert (answer.status, answer.type) == (400, "text/plain")
    assert re.fullmatch(r"[1-9]\d?", answer.headers["x-application-error-code"])
    told = base64.b64decode(answer.headers["x-application-error-info"]).decode()
    assert told == answer.text.strip()
    sentence, _, details = answer.text.partition(" -- ")
    assert sentence == "The node list is not valid"
    assert "node-9999" in details


def test_errors_without_a_number_have_none(plain: Kadeployd) -> None:
    client = Client(server=plain)
    for answer, status in (
        (client.get("/nothing"), 404),
        (client.send("DELETE", "/rights/alice", {}), 403),
        (client.get("/nodes", Accept="text/html"), 406),
        (client.send("PATCH", "/deployment", {}), 405),
        (client.send("POST", "/reboot/", b"<a/>", headers={"Content-Type": "text/xml"}), 415),
        (client.get("/environments?name=nothing"), 404),
    ):
        assert answer.status == status, str(answer)
        assert "x-application-error-code" not in answer.headers
        assert answer.type == "text/plain"
        assert answer.text.strip()


def test_an_unknown_operation_is_an_application_error(plain: Kadeployd) -> None:
    for method in ("GET", "DELETE"):
        answer = Client(server=plain).send(method, "/deployment/D-00000000-0000-4000-8000-000000000001/", None)
        assert (answer.status, answer.headers["x-application-error-code"]) == (400, "1")


def test_who_is_unknown_is_refused_but_for_the_beginning(plain: Kadeployd) -> None:
    """This machine is believed, but nobody says who they are; a wrong password is refused, and not at the beginning."""
    nobody = Client(server=plain, user="")
    wrong = {"Authorization": "Basic " + base64.b64encode(b"alice:wrong").decode()}
    for path in ("/version", "/auth_headers_prefix", "/info", "/clusters"):
        assert nobody.get(path).is_usable()
        assert nobody.get(path, **wrong).is_usable()
        assert nobody.get(path, Authorization="Digest x").is_usable()
    refused = nobody.get("/nodes")
    assert (refused.status, refused.type) == (401, "text/plain")
    assert nobody.get("/nodes", **wrong).status == 401
    assert nobody.get("/nodes", **wrong).headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize("typed", [PASSWORD, f"{PASSWORD}\n"])
def test_a_typed_password_ends_in_a_newline_and_stands_beside_the_user_header(plain: Kadeployd, typed: str) -> None:
    shown = {"Authorization": "Basic " + base64.b64encode(f"alice:{typed}".encode()).decode()}
    assert Client(server=plain, user="").get("/nodes", **shown).is_usable()
    assert Client(server=plain, user="alice").get("/nodes", **shown).is_usable()


def test_an_empty_user_header(plain: Kadeployd) -> None:
    answer = Client(server=plain, user="").get("/nodes", **{"X-Kadeploy-User": " "})
    assert answer.status == 401


def test_names_that_are_encoded_in_paths_and_queries(stage: Stage, plain: Kadeployd) -> None:
    """A space is `+` in a path as well, and `-e` encodes a name twice in the query."""
    client = Client(server=plain)
    name = "my env+é/x"
    description = client.get("/environments?last=true&name=debian12").json()[0]
    description |= {"name": name, "version": 1}
    assert client.send("POST", "/environments/", {"environment": description, "last": True}).is_usable()
    once, twice = "my+env%2B%C3%A9%2Fx", "my%2Benv%252B%25C3%25A9%252Fx"
    for query in (f"name={once}", f"name={twice}", f"username=alice&name={twice}"):
        (found,) = client.get(f"/environments?last=true&{query}").json()
        assert found["name"] == name
    changed = client.send("PUT", f"/environments/alice/{once}", {"visibility": "shared", "last": True})
    assert changed.json()["visibility"] == "shared"
    (gone,) = client.send("DELETE", f"/environments/alice/{once}/1", {}).json()
    assert gone["name"] == name


def test_what_the_tools_need_of_info(plain: Kadeployd) -> None:
    info = Client(server=plain, user="").get("/info").json()
    assert {"pxe", "automata", "supported_fs", "vars"} <= set(info)
    assert isinstance(info["pxe"], str)
    for instances in (steps for macros in info["automata"].values() for steps in macros.values()):
        assert all(list(step) == ["name", "retries", "timeout"] for step in instances)
    assert all(isinstance(name, str) for names in (*info["supported_fs"].values(), info["vars"]) for name in names)


def test_answers_are_indented_json_in_utf_8(plain: Kadeployd) -> None:
    answer = Client(server=plain).get(f"/nodes?nodes={NODES[0]}&list=true")
    assert answer.headers["content-type"] == 'application/json; charset="UTF-8"'
    assert answer.text == json.dumps([FULL[0]], indent=2)
