"""Environments: recorded, found, changed and deleted, by those who may."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import httpx2
import pytest

from tests.integration.api.house import House, Json, in_house, launch_body


async def names(client: httpx2.AsyncClient, query: str = "") -> list[tuple[str, str, int]]:
    answer = await client.get(f"/environments{query}")
    assert answer.status_code == 200, answer.text
    return [(one["user"], one["name"], one["version"]) for one in answer.json()]


def test_recording_keeps_the_description_and_adds_what_tools_need(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        recorded = await house.record(bogus=1)
        assert recorded["user"] == "alice"
        assert (recorded["bogus"], recorded["visibility"], recorded["destructive"]) == (1, "private", False)
        (stored,) = await house.environments.find()
        assert stored.image.checksum == hashlib.sha256(house.image().read_bytes()).hexdigest()
        async with house.client() as client:
            (listed,) = (await client.get("/environments?last=true&name=debian12")).json()
            assert recorded.pop("warnings") == ["bogus: is not a known key"]
            assert listed == recorded
            assert list(listed)[:3] == ["name", "version", "description"]

    in_house(tmp_path, scenario)


@pytest.mark.parametrize(
    ("changes", "status", "code", "text"),
    [
        ({}, 400, "10", "environment debian12 version 1 of alice exists already"),
        ({"name": "x", "os": "bsd", "boot": {}}, 400, "7", "the description has 2 faults"),
        ({"name": "x", "visibility": "public"}, 403, None, "only an administrator makes an environment public"),
        ({"name": "x", "user": "bob"}, 403, None, "only an administrator records environments for others"),
        ({"name": "x", "image": {"file": "/home/x", "kind": "tar", "compression": "xz"}}, 400, "3", "image.file"),
        ({"name": "x", "image": {"file": "server:///none", "kind": "tar", "compression": "xz"}}, 400, "5", "/none"),
    ],
)
def test_recordings_that_are_refused(tmp_path: Path, changes: Json, status: int, code: str | None, text: str) -> None:
    async def scenario(house: House) -> None:
        await house.record()
        async with house.client() as client:
            answer = await client.post("/environments/", json={"environment": house.description(**changes)})
            assert (answer.status_code, answer.headers.get("x-application-error-code")) == (status, code), answer.text
            assert text in answer.text
            assert await names(client) == [("alice", "debian12", 1)]

    in_house(tmp_path, scenario)


def test_nothing_to_record(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        async with house.client() as client:
            bodies: list[Json] = [{}, {"environment": "x"}, {"environment": []}]
            for body in bodies:
                assert (await client.post("/environments", json=body)).status_code == 400

    in_house(tmp_path, scenario)


def test_who_sees_what(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.record("alice", name="mine")
        await house.record("bob", name="hidden")
        await house.record("bob", name="lent", visibility="shared")
        await house.record("root", name="everybodys", visibility="public")
        async with house.client() as client, house.client("root") as root:
            assert await names(client) == [("alice", "mine", 1), ("root", "everybodys", 1)]
            assert await names(client, "?username=bob") == [("bob", "lent", 1)]
            assert await names(client, "?username=b%25") == []
            assert len(await names(root)) == 4
            for query in ("?name=hidden", "?name=hidden&username=bob", "?version=7"):
                assert (await client.get(f"/environments{query}")).status_code == 404
            assert await names(client, "?username=nobody") == []

    in_house(tmp_path, scenario)


def test_patterns_versions_and_newest(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        for version in (1, 2, 3):
            await house.record(version=version)
        await house.record("root", version=1, visibility="public")
        await house.record("root", version=2)
        async with house.client() as client:
            assert await names(client, "?name=deb%25&last=true") == [("alice", "debian12", 3), ("root", "debian12", 1)]
            assert len(await names(client, "?name=deb%25")) == 4
            assert await names(client, "?name=debian12&version=2&last=true") == [("alice", "debian12", 2)]

    in_house(tmp_path, scenario)


def test_names_that_are_encoded_twice(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.record(name="my env+é")
        async with house.client() as client:
            for query in ("?name=my%2Benv%252B%25C3%25A9", "?name=my+env%2B%C3%A9"):
                assert await names(client, query) == [("alice", "my env+é", 1)], query
            changed = await client.put("/environments/alice/my+env%2B%C3%A9/1", json={"visibility": "shared"})
            assert changed.json()["visibility"] == "shared"
            assert (await client.request("DELETE", "/environments/alice/my%20env%2B%C3%A9", json={})).status_code == 200

    in_house(tmp_path, scenario)


def test_which_one_a_name_means(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record("root", version=7, visibility="public")
        async with house.client() as client:

            async def meant(**environment: object) -> object:
                answer = await client.post("/deployment", json=launch_body(environment=environment, force=True))
                if answer.status_code != 200:
                    return answer.text
                return (await house.operations.get(answer.json()["wid"])).environment

            publics = {"name": "debian12", "version": 7, "user": "root", "recorded": True}
            assert await meant(name="debian12") == publics
            await house.record("alice", version=2)
            own = {"name": "debian12", "version": 2, "user": "alice", "recorded": True}
            assert await meant(name="debian12") == own
            assert await meant(name="debian12", user="root") == publics
            assert await meant(name="debian12", user=None, version=None) == own
            await house.record("root", name="same", visibility="public")
            await house.record("admin", name="same", visibility="public")
            assert "same is public from admin, root (say whose is meant)" in str(await meant(name="same"))

    in_house(tmp_path, scenario)


def test_changes(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.record(version=1)
        await house.record(version=2)
        path = "/environments/alice/debian12"
        async with house.client() as client, house.client("bob") as bob, house.client("root") as root:
            shared = await client.put(path, json={"visibility": "shared", "last": True})
            assert (shared.json()["version"], shared.json()["visibility"]) == (2, "shared")
            again = await client.put(path, json={"visibility": "shared", "last": True})
            assert (again.status_code, again.headers["x-application-error-code"]) == (400, "14")
            toggled = await client.put(f"{path}/1", json={"toggle_destructive": True, "last": True})
            assert (toggled.json()["version"], toggled.json()["destructive"]) == (1, True)
            assert len((await client.put(path, json={"toggle_destructive": True})).json()) == 2
            assert (await client.put(path, json={"visibility": "public"})).status_code == 403
            assert (await bob.put(path, json={"visibility": "private"})).status_code == 403
            assert (await root.put(path, json={"visibility": "public", "last": True})).status_code == 200
            assert (await client.put("/environments/alice/none", json={"toggle_destructive": True})).status_code == 404
            assert (await client.put(path, json={"visibility": "secret"})).headers["x-application-error-code"] == "4"
            assert (await client.put(path, json={"last": True})).headers["x-application-error-code"] == "12"
            assert (await client.put(f"{path}/x", json={"visibility": "shared"})).status_code == 400

    in_house(tmp_path, scenario)


def test_an_image_that_has_changed_must_be_told(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record()
        new = gzip.compress(b"a newer system", mtime=0)
        (house.images / "debian12.tgz").write_bytes(new)
        async with house.client() as client:
            assert (await client.post("/deployment", json=launch_body())).headers["x-application-error-code"] == "5"
            path = "/environments/alice/debian12"
            assert (await client.put(path, json={"update_image_checksum": True, "last": True})).status_code == 200
            (stored,) = await house.environments.find()
            assert stored.image.checksum == hashlib.sha256(new).hexdigest()
            again = await client.put(path, json={"update_image_checksum": True, "last": True})
            assert again.headers["x-application-error-code"] == "14"
            assert (await client.post("/deployment", json=launch_body())).status_code == 200

    in_house(tmp_path, scenario)


def test_moving_files(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.record()
        moves = {"update_files": {f"server://{house.images}/": "http://images.example.org/"}}
        async with house.client() as client, house.client("root") as root:
            assert (await client.put("/environments/", json=moves)).status_code == 403
            (moved,) = (await root.put("/environments/", json=moves)).json()
            assert moved["image"]["file"] == "http://images.example.org/debian12.tgz"
            assert (await root.put("/environments/", json=moves)).headers["x-application-error-code"] == "14"
            local = {"update_files": {"http://images.example.org": "/srv"}}
            assert (await root.put("/environments/", json=local)).headers["x-application-error-code"] == "3"

    in_house(tmp_path, scenario)


def test_deleting(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        for version in (1, 2, 3, 4):
            await house.record(version=version)
        path = "/environments/alice/debian12"
        async with house.client() as client, house.client("bob") as bob:
            assert (await bob.request("DELETE", path, json={})).status_code == 403
            newest = await client.request("DELETE", path, json={"last": True})
            assert [one["version"] for one in newest.json()] == [4]
            second = await client.request("DELETE", f"{path}/2", json={"last": True})
            assert [one["version"] for one in second.json()] == [2]
            rest = await client.request("DELETE", f"{path}/", json={})
            assert [one["version"] for one in rest.json()] == [1, 3]
            assert (await client.request("DELETE", path, json={})).status_code == 404

    in_house(tmp_path, scenario)
