"""/uploads and /cache: files that users send, named in what they ask for afterwards; and what becomes of them."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import random
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from kadeploy.config.authentication import Acl, Authentication
from tests.integration.api.house import House, Json, in_house, launch_body, open_house
from tests.integration.files.web_server import content, web_server

BODY = gzip.compress(random.Random(5).randbytes(3_000_000), mtime=0)
SHA256 = hashlib.sha256(BODY).hexdigest()


async def send(client: httpx2.AsyncClient, body: bytes = BODY, *, until: int | None = None) -> Json:
    """Announce the file, and send what is not there yet."""
    announced = {"size": len(body), "sha256": hashlib.sha256(body).hexdigest(), "name": "debian.tgz"}
    answer = await client.post("/uploads/", json=announced)
    assert answer.status_code == 200, answer.text
    upload: Json = answer.json()
    return await put(client, upload, body[upload["received"] : until])


async def put(client: httpx2.AsyncClient, upload: Json, part: bytes) -> Json:
    told = f"bytes {upload['received']}-{upload['size'] - 1}/{upload['size']}"
    answer = await client.put(f"/uploads/{upload['id']}", content=streamed(part), headers={"Content-Range": told})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def streamed(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 100_000):
        yield body[start : start + 100_000]


def image(file: str = f"upload://{SHA256}") -> Json:
    return {"file": file, "kind": "tar", "compression": "gzip"}


def test_a_file_is_sent_in_parts_and_deployed(tmp_path: Path) -> None:
    """More than a body of parameters may have."""

    async def scenario(house: House) -> None:
        await house.grant()
        async with house.client() as client:
            half = await send(client, until=2_000_000)
            assert (half["received"], half["complete"]) == (2_000_000, False)
            assert (await client.get(f"/uploads/{half['id']}")).json()["received"] == 2_000_000
            sent = await send(client)
            assert (sent["id"], sent["complete"], sent["url"]) == (half["id"], True, f"upload://{SHA256}")
            listed = (await client.get("/uploads?")).json()
            assert (listed["used"], listed["quota"], len(listed["uploads"])) == (len(BODY), 20 * 1024**2, 1)
            described = house.description(kind="anonymous", image=image())
            answer = await client.post("/deployment", json=launch_body(environment=described))
            assert answer.status_code == 200, answer.text
        pinned = house.files.in_use(SHA256)
        assert pinned is not None
        assert pinned.stat().st_size == len(BODY)

    in_house(tmp_path, scenario)


def test_somebody_elses_upload_is_nobodys_to_use(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant("bob")
        async with house.client() as alice, house.client("bob") as bob:
            sent = await send(alice)
            for method in ("GET", "DELETE"):
                assert (await bob.request(method, f"/uploads/{sent['id']}")).status_code == 404
            described = house.description(kind="anonymous", image=image())
            answer = await bob.post("/deployment", json=launch_body(environment=described))
            assert (answer.status_code, answer.headers["X-Application-Error-Code"]) == (400, "5")
            assert "is no upload of bob" in answer.text

    in_house(tmp_path, scenario)


def test_a_recorded_environment_keeps_its_upload_and_lends_it(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant("bob")
        async with house.client() as alice, house.client("bob") as bob:
            sent = await send(alice)
            await house.record(image=image(), visibility="shared")
            kept = (await alice.get(f"/uploads/{sent['id']}")).json()
            assert (kept["expires"], kept["kept_for"]) == (None, ["environment debian12 version 1"])
            assert (await alice.delete(f"/uploads/{sent['id']}")).headers["X-Application-Error-Code"] == "11"
            wanted = {"kind": "database", "name": "debian12", "user": "alice"}
            answer = await bob.post("/deployment", json=launch_body(environment=wanted))
            assert answer.status_code == 200, answer.text
            assert (await alice.delete("/environments/alice/debian12")).status_code == 200
            assert (await alice.get(f"/uploads/{sent['id']}")).json()["kept_for"] == []
            assert (await alice.delete(f"/uploads/{sent['id']}")).status_code == 200

    in_house(tmp_path, scenario)


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "code"),
    [
        ("POST", "/uploads", {"size": 5}, {}, 400, "12"),
        ("POST", "/uploads", {"size": "many", "sha256": SHA256}, {}, 400, "4"),
        ("POST", "/uploads", {"size": 5, "sha256": "x"}, {}, 400, "4"),
        ("POST", "/uploads", {"size": 10**12, "sha256": SHA256}, {}, 403, None),
        ("PUT", "/uploads/none", None, {"Content-Range": "bytes 0-4/5"}, 404, None),
        ("PUT", "/uploads/none", None, {}, 400, "4"),
        ("PUT", "/uploads/none", None, {"Content-Range": "bytes */5"}, 400, "4"),
        ("GET", "/uploads/none", None, {}, 404, None),
        ("DELETE", "/cache", None, {}, 403, None),
        ("GET", "/cache", None, {}, 403, None),
    ],
)
def test_what_is_refused(
    tmp_path: Path, method: str, path: str, body: Json | None, headers: dict[str, str], status: int, code: str | None
) -> None:
    async def scenario(house: House) -> None:
        async with house.client() as client:
            answer = await client.request(method, path, json=body, headers=headers)
        assert (answer.status_code, answer.headers.get("X-Application-Error-Code")) == (status, code)

    in_house(tmp_path, scenario)


def test_administrators_see_the_cache_and_clean_it(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        async with house.client() as alice, house.client("admin") as admin:
            sent = await send(alice)
            cache = (await admin.get("/cache")).json()
            assert [one["sha256"] for one in cache["contents"]] == [SHA256]
            assert cache["contents"][0]["users"] == [f"upload {sent['id']} of alice"]
            refused = await admin.request("DELETE", "/cache", json={"sha256": SHA256})
            assert refused.headers["X-Application-Error-Code"] == "11"
            assert (await admin.delete("/cache")).json()["contents"] == []
            await alice.delete(f"/uploads/{sent['id']}")
            assert [one["sha256"] for one in (await admin.delete("/cache")).json()["contents"]] == [SHA256]
            assert (await admin.get("/cache")).json()["size"] == 0

    in_house(tmp_path, scenario)


def test_a_clients_own_file_server_is_asked_from_its_address_only(tmp_path: Path) -> None:
    """As Kadeploy3's tools have it: a bare path, and `client`, which says where they serve it."""

    async def scenario() -> None:
        believed = Authentication(acl=Acl(whitelist=("127.0.0.1", "192.0.2.9")))
        async with open_house(tmp_path, believed) as house:
            await house.grant()
            await story(house)

    async def story(house: House) -> None:
        with web_server() as web:
            place = f"/{base64.urlsafe_b64encode(b'/home/alice/debian.tgz').decode()}"
            web.answers[place] = content(BODY)
            described = house.description(kind="anonymous", image=image("/home/alice/debian.tgz"))
            body = launch_body(environment=described, client=web.url)
            async with house.client(address="192.0.2.9") as far, house.client() as near:
                refused = await far.post("/deployment", json=body)
                assert refused.headers["X-Application-Error-Code"] == "5"
                assert "fetched from the machine that asked only, 192.0.2.9" in refused.text
                assert web.requests == []
                answer = await near.post("/deployment", json=body)
                assert answer.status_code == 200
                await house.fetched(answer.json()["wid"])
            assert web.count(place) == 1
        assert house.files.in_use(SHA256) is not None

    asyncio.run(scenario())
