"""What the tools need to hear that no recorded case has: two clusters, two servers, requests that cross."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.wire.client import Answer, Client
from tests.acceptance.wire.server import Kadeployd, healthy_nodes
from tests.acceptance.wire.stage import Json, Stage
from tests.simulated import simulated

NODES = [name.partition(".")[0] for name in healthy_nodes()]
SIMULATED = {"kind": "database", "user": "root", "name": "simulated", "version": 1}


@pytest.fixture
def client(stage: Stage, plain: Kadeployd) -> Client:
    return Client(server=plain)


def recorded(client: Client, name: str, **more: object) -> Json:
    image = client.server.directory / "images" / "small.tgz"
    image.write_bytes(gzip.compress(b"not much", mtime=0))
    told = {"file": f"server://{image}", "kind": "tar", "compression": "gzip"}
    environment = {"name": name, "os": "linux", "image": told, "boot": {"kernel": "/v"}, "filesystem": "ext4", **more}
    answer = client.send("POST", "/environments/", {"environment": environment, "last": True})
    assert answer.is_usable(), str(answer)
    made: Json = answer.json()
    return made


# Two clusters (section 7).


@pytest.fixture(scope="module")
def two_clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("two")
    believed = {"authentication": {"acl": {"whitelist": ["127.0.0.1"]}}, "rights": {"kind": "dummy"}}
    settings = {"security": {"secure_server": False}, **believed}
    options = ("--simulate-clusters", "2", "--simulate-speed", "100")
    with simulated(folder, *options, nodes=6, settings=settings) as server:
        yield Client(server=Kadeployd(port=server.port, is_secure=False, directory=folder))


def test_two_clusters_have_a_part_of_everything_each(two_clusters: Client) -> None:
    body = {"environment": SIMULATED, "nodes": ["node-3", "node-4"], "breakpoint": "BroadcastEnv"}
    told = two_clusters.send("POST", "/deployment/", body).json()
    resources = told["resources"]
    assert list(resources["logs"]) == ["sim", "sim2"]
    assert two_clusters.get("/clusters").json() == ["sim", "sim2"]
    held = ""
    while held != "held":
        held = two_clusters.get(resources["resource"]).json()["state"]
    status = two_clusters.get(resources["status"]).json()
    assert status.keys() == {"sim", "sim2"}
    for cluster, node in (("sim", "node-3"), ("sim2", "node-4")):
        steps = [
            (macro, micro, step)
            for macro, micros in status[cluster].items()
            for micro, step in micros.items()
            if isinstance(step, dict)
        ]
        named = {name for _, _, step in steps for names in step["nodes"].values() for name in names}
        assert named == {node}, "no cluster has a node of another"
        assert all(isinstance(step["time"], int | float) for _, _, step in steps), steps
        log = two_clusters.get(resources["logs"][cluster]).text
        assert all(line.partition("|")[1] for line in log.splitlines() if line), log
    info = two_clusters.get("/info").json()
    assert info["automata"].keys() == info["supported_fs"].keys() == {"sim", "sim2"}
    assert two_clusters.send("DELETE", resources["resource"], {"cancel": True}).is_usable()
    two_clusters.until_done(resources["resource"])


# Several servers (section 14): each is asked in turn, and gets its own nodes only.


def test_two_servers_as_with_all_of_them(stage: Stage, plain: Kadeployd, secure: Kadeployd) -> None:
    Stage(secure).set({})
    clients = [Client(server=plain), Client(server=secure)]
    for client in clients:
        assert Client(server=client.server, user="").get("/version").is_usable()
        assert client.get("/auth_headers_prefix").text.strip() == "X-Kadeploy-"
        listed = client.get("/nodes?user=alice&list=true").json()
        assert isinstance(listed, list)
        assert set(healthy_nodes()) <= set(listed), "exact names, for the tool compares them"
    (found,) = clients[0].get("/environments?last=true&name=simulated").json()
    chosen = {"kind": "database", **{key: found[key] for key in ("user", "name", "version")}}
    launched = []
    for client, node in zip(clients, healthy_nodes()[:2], strict=True):
        answer = client.send("POST", "/deployment/", {"environment": chosen, "nodes": [node]})
        assert answer.is_usable(), str(answer)
        launched.append(answer.json())
    for client, told, node in zip(clients, launched, healthy_nodes()[:2], strict=True):
        assert client.until_done(told["resources"]["resource"])["nodes"] == {"ok": [node], "ko": []}
        assert client.get(told["resources"]["state"]).json().keys() == {node}
        assert client.send("DELETE", told["resources"]["resource"], {}).is_usable()


# Requests that come again while the first is being worked on (section 1).


def test_a_change_of_an_environment_that_comes_twice_at_once(client: Client) -> None:
    recorded(client, "twice")
    answers: list[Answer] = []

    def put() -> None:
        body = {"visibility": "shared", "last": True}
        answers.append(client.send("PUT", "/environments/alice/twice", body))

    threads = [threading.Thread(target=put) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert any(answer.is_usable() for answer in answers), [str(answer) for answer in answers]
    assert {answer.status for answer in answers} <= {200, 400}
    (found,) = client.get("/environments?last=true&name=twice").json()
    assert found["visibility"] == "shared"


# Environments (section 10).


def test_a_version_wins_over_last(client: Client) -> None:
    for version in (1, 2, 3):
        recorded(client, "many", version=version)
    gone = client.send("DELETE", "/environments/alice/many/1", {"last": True}).json()
    assert [each["version"] for each in gone] == [1]
    gone = client.send("DELETE", "/environments/alice/many", {"last": True}).json()
    assert [each["version"] for each in gone] == [3], "the latest"
    recorded(client, "many", version=9)
    gone = client.send("DELETE", "/environments/alice/many", {}).json()
    assert sorted(each["version"] for each in gone) == [2, 9], "without version and last all of them"
    assert client.get("/environments?last=true&name=many").status == 404


def test_listed_environments_have_what_the_tools_print(client: Client) -> None:
    recorded(client, "simulated")
    listed = client.get("/environments?last=true&name=simulated").json()
    assert [each["user"] for each in listed] == ["alice", "root"], "one's own comes first"
    for each in listed:
        assert all(isinstance(each[key], str) for key in ("name", "user", "description"))
        assert isinstance(each["version"], int | str)
        assert isinstance(each["image"]["file"], str)
        assert not each.get("preinstall") or each["preinstall"]["archive"]
    assert client.get("/environments?last=true&username=nobody&name=%25").status == 404


# Bodies of launches (section 6).


def test_an_environment_without_a_kind_and_partitions_as_text(client: Client) -> None:
    told = {"user": "root", "name": "simulated", "version": 1}
    body = {"kind": "recorded_env", "environment": told, "deploy_partition": "3", "nodes": NODES[:1], "dry_run": True}
    assert client.send("POST", "/reboot/", body).is_usable()
    for partition in ("", "3"):
        wish = {"environment": SIMULATED, "nodes": NODES[:1], "deploy_partition": partition, "dry_run": True}
        assert client.send("POST", "/deployment/", wish).is_usable()


def test_what_the_clients_language_makes_of_custom_operations_in_a_query_harms_nobody(client: Client) -> None:
    told = client.get(f"/power?custom_operations=%7B%3Amacro%3D%3E%7B%7D%7D&nodes={NODES[0]}")
    assert told.status in (200, 400), str(told)
    if told.status == 200:
        client.until_done(told.json()["resources"]["resource"])
    else:
        assert told.headers["x-application-error-code"] in ("4", "8")


# Statistics and rights (sections 12, 13).


def test_no_rows_are_an_empty_table(client: Client) -> None:
    answer = client.get("/stats?kind=all&wid=D-00000000-0000-4000-8000-000000000000")
    assert (answer.status, answer.type, answer.body) == (200, "text/csv", b"")


def test_rights_of_nobody(plain: Kadeployd, stage: Stage) -> None:
    admin = Client(server=plain, user="admin")
    assert admin.get("/rights/nobody?").status == 404
    stage.grant({"bob": {"*": ["*"]}})
    shown = admin.get("/rights?").json()
    assert shown["bob"] == {"*": ["*"]}
    assert all(isinstance(parts, list) for nodes in shown.values() for parts in nodes.values())


# Accept (section 3).


@pytest.mark.parametrize(("accept", "status"), [("text/html", 406), ("*/*", 200), ("application/x-yaml", 200)])
def test_who_accepts_neither_json_nor_yaml(plain: Kadeployd, accept: str, status: int) -> None:
    assert Client(server=plain).send("GET", "/nodes", headers={"Accept": accept}).status == status


def test_paths_have_a_plus_for_a_space(client: Client, tmp_path: Path) -> None:
    recorded(client, "my env")
    assert client.send("PUT", "/environments/alice/my+env", {"visibility": "shared", "last": True}).is_usable()
    assert client.send("DELETE", "/environments/alice/my+env", {"last": True}).is_usable()
