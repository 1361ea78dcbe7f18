"""Environments, nodes, statistics and rights as the tools ask for them, beyond the cases (sections 10 to 13)."""

from __future__ import annotations

import pytest
import yaml

from tests.acceptance.wire.client import Client
from tests.acceptance.wire.server import Kadeployd, healthy_nodes
from tests.acceptance.wire.stage import Stage
from tests.acceptance.wire.test_sentences import recorded

NODES = [name.partition(".")[0] for name in healthy_nodes()]
COLUMNS = (
    *("wid", "user", "hostname", "step1", "step2", "step3", "timeout_step1", "timeout_step2", "timeout_step3"),
    *("retry_step1", "retry_step2", "retry_step3", "start", "step1_duration", "step2_duration", "step3_duration"),
    *("env", "md5", "success", "error"),
)


@pytest.fixture
def client(stage: Stage, plain: Kadeployd) -> Client:
    return Client(server=plain)


@pytest.fixture
def admin(stage: Stage, plain: Kadeployd) -> Client:
    return Client(server=plain, user="admin")


def test_environments_without_a_name_are_an_empty_list(client: Client) -> None:
    answer = client.get("/environments?last=true&username=nobody")
    assert (answer.status, answer.json()) == (200, [])
    assert client.get("/environments?username=nobody&version=7").status == 404


def test_names_are_patterns(client: Client) -> None:
    for name in ("pat-one", "pat-two"):
        recorded(client, name)
    found = client.get("/environments?last=true&name=pat-%25").json()
    assert sorted(one["name"] for one in found) == ["pat-one", "pat-two"]
    assert {one["name"] for one in client.get("/environments?").json()} >= {"pat-one", "pat-two"}


def test_keys_come_in_the_order_in_which_they_were_written(client: Client) -> None:
    first = recorded(client, "ordered", author="alice", description="a text")
    listed = client.get("/environments?last=true&name=ordered").json()[0]
    wanted = ["name", "os", "image", "boot", "filesystem", "author", "description"]
    assert [key for key in listed if key in wanted] == [key for key in first if key in wanted]
    assert listed["description"] == "a text"
    recorded(client, "silent")
    assert client.get("/environments?last=true&name=silent").json()[0]["description"] == ""


@pytest.mark.parametrize(
    "change",
    [
        {"visibility": "shared"},
        {"toggle_destructive": True},
        {"update_image_checksum": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_changes_of_an_environment(client: Client, change: dict[str, object]) -> None:
    before = recorded(client, "changing", version=3)
    answer = client.send("PUT", "/environments/alice/changing/3", {**change, "last": True})
    if "update_image_checksum" in change:  # the file is the same: nothing is modified
        assert (answer.status, answer.headers["x-application-error-code"]) == (400, "14"), str(answer)
        return
    assert answer.is_usable(), str(answer)
    after = answer.json()
    assert after["name"] == before["name"]
    if "visibility" in change:
        assert after["visibility"] == "shared"
    else:
        assert after["destructive"] is not bool(before.get("destructive"))


def test_moved_files_are_told_with_name_and_version(admin: Client, client: Client) -> None:
    made = recorded(client, "moving")
    place = made["image"]["file"]
    away = place.replace("small.tgz", "moved.tgz")
    (client.server.directory / "images" / "moved.tgz").write_bytes(
        (client.server.directory / "images" / "small.tgz").read_bytes()
    )
    answer = admin.send("PUT", "/environments/", {"update_files": {place: away}, "last": True})
    assert answer.is_usable(), str(answer)
    assert isinstance(answer.json(), list)
    assert {"name", "version"} <= set(answer.json()[0])
    assert client.get("/environments?last=true&name=moving").json()[0]["image"]["file"] == away


def test_nodes_have_a_state_and_environments_members_or_null(client: Client) -> None:
    for asked in ("/nodes?", f"/nodes?nodes={NODES[0]}&nodes={NODES[1]}"):
        answer = client.get(asked, Accept="application/x-yaml")
        for name, node in yaml.safe_load(answer.text).items():
            assert "." in name, "the full name"
            if node is not None:
                assert {"state", "user", "environment"} <= set(node)
                assert {"name", "version", "user"} <= set(node["environment"])


def test_all_that_runs_is_a_list_for_each_kind(client: Client) -> None:
    told = client.send("PUT", "/power/", {"status": "on", "nodes": NODES[:1]}).json()
    for path in ("/deployment?", "/reboot?", "/power?", "/console?"):
        assert isinstance(client.get(path).json(), list)
    item = client.get(f"/power/{told['wid']}?").json()
    assert {"wid", "user", "done", "error", "start_time"} <= set(item)
    client.until_done(told["resources"]["resource"])


def test_rows_of_statistics_have_all_columns_in_their_order(client: Client) -> None:
    told = client.send("PUT", "/power/", {"status": "on", "nodes": NODES[:1]}).json()
    client.until_done(told["resources"]["resource"])
    query = "&".join(f"fields={name}" for name in COLUMNS)
    answer = client.get(f"/stats?kind=all&wid={told['wid']}")
    assert (answer.type, answer.headers["content-encoding"]) == ("text/csv", "gzip")
    (row,) = answer.text.splitlines()
    assert answer.text.endswith("\n")
    (asked,) = client.get(f"/stats/power?kind=all&wid={told['wid']}&{query}").text.splitlines()
    assert row == asked, "all of them is the same as each by its name"
    cells = dict(zip(COLUMNS, row.split(","), strict=True))
    assert (cells["wid"], cells["user"], cells["success"]) == (told["wid"], "alice", "true")
    assert cells["hostname"].startswith(NODES[0])
    assert float(cells["start"]) > 0


def test_statistics_between_dates_and_by_retries(client: Client) -> None:
    told = client.send("PUT", "/power/", {"status": "on", "nodes": NODES[:1]}).json()
    client.until_done(told["resources"]["resource"])
    then = "Tue%2C+14+Nov+2023+22%3A00%3A00+GMT"
    this = f"wid={told['wid']}&fields=wid"
    assert client.get(f"/stats?kind=all&{this}&date_min={then}").text == f"{told['wid']}\n"
    assert client.get(f"/stats?kind=all&{this}&date_max={then}").body == b""
    assert client.get(f"/stats?{this}&min_retries=1&step_retries=1&step_retries=2").body == b""
    assert client.get(f"/stats?{this}&limit=1&sort=hostname&sort=start").text == f"{told['wid']}\n"
    rates = client.get(f"/stats?kind=failure_rates&nodes={NODES[0]}&min_failure_rate=0.0")
    assert all(isinstance(rate, int | float) for rate in rates.json().values())


def test_rights_are_for_administrators_and_conflicts_have_numbers(client: Client, admin: Client, stage: Stage) -> None:
    stage.grant({})
    asked = {"username": "bob", "nodes": [NODES[0]], "partitions": ["/dev/sda3"]}
    refused = client.send("POST", "/rights/", asked)
    assert (refused.status, refused.type) == (403, "text/plain")
    assert admin.send("POST", "/rights/", asked).is_usable()
    again = admin.send("POST", "/rights/", asked)
    assert (again.status, again.headers["x-application-error-code"]) == (400, "14"), str(again)
    assert admin.get("/rights/bob?").json()["bob"]
    assert admin.send("DELETE", "/rights/bob", {"nodes": [NODES[0]], "partitions": ["/dev/sda3"]}).is_usable()
    gone = admin.send("DELETE", "/rights/bob", {"nodes": [NODES[0]], "partitions": ["/dev/sda3"]})
    assert (gone.status, gone.headers["x-application-error-code"]) in ((400, "14"), (404, None)), str(gone)


def test_what_is_missing_in_a_right_means_all(admin: Client, stage: Stage) -> None:
    stage.grant({})
    assert admin.send("POST", "/rights/", {"username": "bob"}).is_usable()
    assert admin.get("/rights/bob?").json() == {"bob": {"*": ["*"]}}
    assert admin.send("POST", "/rights/", {"username": "bob", "overwrite": True, "nodes": [NODES[0]]}).is_usable()
    assert admin.send("DELETE", "/rights/bob", {}).is_usable()
    assert admin.get("/rights/bob?").status == 404
