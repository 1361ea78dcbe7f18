"""What the tools need of an operation from its launch to its end, beyond what was recorded."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
from collections.abc import Iterator

import pytest

from tests.acceptance.wire.client import Client
from tests.acceptance.wire.server import DOMAIN, Kadeployd, healthy_nodes, refusing_node
from tests.acceptance.wire.stage import Json, Stage

NODES = [name.partition(".")[0] for name in healthy_nodes()]
SIMULATED = {"kind": "database", "user": "root", "name": "simulated", "version": 1}


@pytest.fixture
def client(stage: Stage, plain: Kadeployd) -> Client:
    return Client(server=plain)


def launched(client: Client, *nodes: str, **more: object) -> Json:
    answer = client.send("POST", "/deployment/", {"environment": SIMULATED, "nodes": nodes or NODES[:1], **more})
    assert answer.is_usable(), str(answer)
    told: Json = answer.json()
    return told


def test_resources_are_paths_and_are_all_there(client: Client) -> None:
    told = launched(client)
    root = f"/deployment/{told['wid']}"
    resources = told["resources"]
    assert re.fullmatch(r"D-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", told["wid"])
    assert resources["resource"] == f"{root}/"
    assert resources["log"] == f"{root}/logs"
    assert {name: resources[name] for name in ("state", "status", "error")} == {
        name: f"{root}/{name}" for name in ("state", "status", "error")
    }
    assert "debug" not in resources
    assert "debugs" not in resources
    for path in (*resources["logs"].values(), resources["state"], resources["status"], resources["error"]):
        assert client.get(path).is_usable()


def test_traces_of_what_failed(client: Client) -> None:
    bad = refusing_node()
    told = client.send("PUT", "/power/", {"status": "off", "nodes": [NODES[0], bad], "debug": True}).json()
    resource = told["resources"]["resource"]
    assert client.until_done(resource)["debugs"] is True
    lines = [line.partition("|")[2] for line in client.get(told["resources"]["debug"]).text.strip().splitlines()]
    assert lines[:3] == ["-" * 25, f"NODE: {bad}", "-" * 25]
    assert lines[3].startswith("COMMAND: ")
    assert any(line.startswith("STDERR: ") and "BMC refused" in line for line in lines)
    assert lines[-1] == "STATUS: 1"
    assert client.get(resource).json()["debugs"] is False, "they are consumed"
    assert client.get(told["resources"]["debug"]).text == "\n"
    assert f"NODE: {bad}" in client.get(told["resources"]["debugs"][bad]).text
    assert client.get(told["resources"]["debugs"][f"{NODES[0]}.{DOMAIN}"]).text == "\n"


def test_debug_has_its_resources_and_its_word(client: Client) -> None:
    told = launched(client, debug=True)
    resources = told["resources"]
    assert resources["debug"] == f"/deployment/{told['wid']}/debugs"
    assert set(resources["debugs"]) == {f"{NODES[0]}.{DOMAIN}"}
    view = client.until_done(resources["resource"])
    assert isinstance(view["debugs"], bool)
    for path in (resources["debug"], *resources["debugs"].values()):
        answer = client.get(path)
        assert answer.is_usable()
        assert answer.type == "text/plain"


def test_logs_are_consumed_and_the_last_are_announced_with_the_end(client: Client) -> None:
    told = launched(client)
    heard = ""
    while True:
        view = client.get(told["resources"]["resource"]).json()
        if view["logs"]:
            heard += client.get(told["resources"]["log"]).text.removesuffix("\n")
        if view["done"]:
            break
    assert "done" in heard.splitlines()[-2], "all of it was there when `done` was said"
    assert "over on cluster sim" in heard.splitlines()[-1]
    after = client.get(told["resources"]["resource"]).json()
    assert (after["done"], after["logs"]) == (True, False)
    assert client.get(told["resources"]["log"]).text == "\n"
    (of_cluster,) = told["resources"]["logs"].values()
    assert client.get(of_cluster).text.count("|") == heard.count("|"), "a cluster's are consumed apart"


def test_a_delete_frees_once_and_does_no_harm_twice(client: Client) -> None:
    told = launched(client)
    resource = told["resources"]["resource"]
    client.until_done(resource)
    for _ in range(2):
        answer = client.send("DELETE", resource, {})
        assert answer.is_usable(), str(answer)
        assert answer.json()["wid"] == told["wid"]
    gone = client.get(resource)
    assert (gone.status, gone.headers["x-application-error-code"]) == (400, "1")


def test_a_delete_before_the_end_aborts(client: Client) -> None:
    told = launched(client, *NODES[:3])
    assert client.send("DELETE", told["resources"]["resource"], {}).is_usable()
    view = client.get(told["resources"]["resource"]).json()
    assert view["done"] is True
    again = launched(client, *NODES[:3])
    assert again["wid"] != told["wid"], "its nodes are free"


def test_nothing_fails_in_the_middle_of_a_poll(client: Client) -> None:
    """Any error in it would have the tool abort the operation."""
    told = launched(client, *NODES[:5])
    end = time.monotonic() + 30
    while time.monotonic() < end:
        answers = [
            client.get(path) for name, path in told["resources"].items() if name in ("resource", "log", "status")
        ]
        assert all(answer.is_usable() for answer in answers)
        if answers[0].json()["done"]:
            return
    raise AssertionError("it does not end")


def test_status_is_a_mapping_also_before_and_after(client: Client) -> None:
    told = launched(client, NODES[0], breakpoint="SetDeploymentEnv")
    client.until_done(told["resources"]["resource"])
    waiting = launched(client, NODES[0], wait_nodes=True)
    assert client.get(waiting["resources"]["status"]).json() == {}
    assert client.get(waiting["resources"]["resource"]).json()["done"] is False


def test_state_tells_of_the_failed_why(client: Client) -> None:
    bad = refusing_node()
    told = client.send("PUT", "/power/", {"status": "off", "nodes": [NODES[0], bad]}).json()
    view = client.until_done(told["resources"]["resource"])
    assert view["nodes"] == {"ok": [f"{NODES[0]}.{DOMAIN}"], "ko": [bad]}
    state = client.get(told["resources"]["state"]).json()
    assert state[f"{NODES[0]}.{DOMAIN}"] == {"macro": None, "micro": None, "state": "ok", "error": None, "out": None}
    assert state[bad]["state"] == "ko"
    assert "the BMC refused" in state[bad]["error"]
    assert client.get(told["resources"]["error"]).text == "\n", "nodes that fail are no failure of the whole"


def test_power_status_comes_as_log_lines(client: Client) -> None:
    on = client.send("PUT", "/power/", {"status": "on", "nodes": NODES[:2]}).json()
    client.until_done(on["resources"]["resource"])
    answer = client.get(f"/power?verbose_level=1&nodes={NODES[0]}&nodes={NODES[1]}")
    told = answer.json()
    assert told["wid"].startswith("P-")
    client.until_done(told["resources"]["resource"])
    texts = [line.partition("|")[2] for line in client.get(told["resources"]["log"]).text.strip().splitlines()]
    at = texts.index("---")
    assert texts[at + 1 : at + 4] == [f"{NODES[0]}.{DOMAIN}: on", f"{NODES[1]}.{DOMAIN}: on", "---"]
    state = client.get(told["resources"]["state"]).json()
    assert {node["out"] for node in state.values()} == {"on"}


def test_one_node_asks_for_its_power_like_many(client: Client) -> None:
    assert client.get(f"/power?nodes={NODES[0]}").json()["wid"].startswith("P-")
    assert isinstance(client.get("/power?").json(), list)


def test_launches_that_come_twice(client: Client) -> None:
    """A PUT or GET whose answer was lost is sent again at once: the nodes are in use then, and nothing else happens."""
    first = client.send("PUT", "/power/", {"status": "on", "nodes": NODES[:2]})
    again = client.send("PUT", "/power/", {"status": "on", "nodes": NODES[:2]})
    assert first.is_usable()
    assert again.status in (200, 400)
    if again.status == 400:
        assert again.headers["x-application-error-code"] == "11"
    client.until_done(first.json()["resources"]["resource"])


def test_nodes_named_twice_and_by_their_short_names(client: Client) -> None:
    told = launched(client, NODES[0], f"{NODES[0]}.{DOMAIN}", NODES[0], NODES[1])
    view = client.until_done(told["resources"]["resource"])
    assert view["nodes"]["ok"] == [f"{name}.{DOMAIN}" for name in NODES[:2]]


def test_what_the_tools_let_through_is_refused(client: Client) -> None:
    """They take a name that is part of a node's, and leave the rest to the server."""
    for name in ("ode-", "node-9999", "node-[1-"):
        answer = client.send("POST", "/reboot/", {"kind": "simple", "nodes": [name]})
        assert (answer.status, answer.headers["x-application-error-code"]) == (400, "2"), name


def test_others_see_the_short_form_and_no_more(client: Client, plain: Kadeployd) -> None:
    told = launched(client)
    client.until_done(told["resources"]["resource"])
    other = Client(server=plain, user="bob")
    view = other.get(told["resources"]["resource"]).json()
    assert set(view) == {"wid", "user", "done", "error", "start_time", "nodes"}
    assert view["nodes"] == [f"{NODES[0]}.{DOMAIN}"]
    for name in ("log", "state", "status", "error"):
        assert other.get(told["resources"][name]).status == 403
    assert other.send("DELETE", told["resources"]["resource"], {}).status == 403


@contextlib.contextmanager
def failed_as_a_whole(plain: Kadeployd, wid: str, why: str) -> Iterator[None]:
    """What a server writes of an operation that it could not begin."""
    with contextlib.closing(sqlite3.connect(plain.database, timeout=20)) as database, database:
        database.execute("UPDATE operations SET state='error', error=?, ended=created+1 WHERE id=?", (why, wid))
    yield


def test_an_operation_that_failed_as_a_whole(client: Client, plain: Kadeployd) -> None:
    told = launched(client)
    client.until_done(told["resources"]["resource"])
    with failed_as_a_whole(plain, told["wid"], "no such file"):
        view = client.get(told["resources"]["resource"]).json()
        assert (view["done"], view["error"]) == (True, True)
        assert {"wid", "user", "start_time", "time"} <= set(view)
        assert "nodes" not in view
        answer = client.get(told["resources"]["error"])
        assert (answer.status, answer.type) == (400, "text/plain")
        assert answer.headers["x-application-error-code"] == "15"
        assert "no such file" in answer.text
        assert client.send("DELETE", told["resources"]["resource"], {}).is_usable()
