"""How requests and answers travel: slashes, methods, forms, compression, limits, who may ask."""

from __future__ import annotations

import asyncio
import base64
import gzip
from pathlib import Path

import bcrypt
import pytest

from kadeploy.config.authentication import Authentication, HttpBasic
from tests.integration.api.house import House, in_house, open_house

TEXT = 'text/plain; charset="UTF-8"'


def test_what_anybody_may_ask(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        async with house.client("", "192.0.2.1", Authorization="Basic d3Jvbmc6d3Jvbmc=") as stranger:
            version = await stranger.get("/version")
            assert (version.text, version.headers["content-type"]) == ("3.3.0\n", TEXT)
            assert (await stranger.get("/auth_headers_prefix")).text == "X-Kadeploy-\n"
            assert (await stranger.get("/clusters")).json() == ["alpha"]
            info = (await stranger.get("/info")).json()
            assert set(info) == {"pxe", "automata", "supported_fs", "vars"}
            chosen = info["automata"]["alpha"]["SetDeploymentEnv"]
            assert list(chosen[0]) == ["name", "retries", "timeout"]
            assert chosen[0]["name"] == "SetDeploymentEnvUntrusted"
            assert "ext4" in info["supported_fs"]["alpha"]
            for path in ("/nodes", "/environments", "/rights", "/deployment", "/power", "/deployment/D-x/events"):
                answer = await stranger.get(path)
                assert answer.status_code == 401, path

    in_house(tmp_path, scenario)


def test_passwords(tmp_path: Path) -> None:
    entry = bcrypt.hashpw(b"s3cret", bcrypt.gensalt(4)).decode()
    (tmp_path / "htpasswd").write_text(f"alice:{entry}\n")
    authentication = Authentication(http_basic=HttpBasic(dbfile=tmp_path / "htpasswd", realm="Here"))

    async def scenario() -> None:
        async with open_house(tmp_path, authentication) as house, house.client("alice", "192.0.2.1") as client:
            refused = await client.get("/nodes")
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"] == 'Basic realm="Here", charset="UTF-8"'
            for password, status in (("s3cret", 200), ("s3cret\n", 200), ("wrong", 401)):
                shown = base64.b64encode(f"alice:{password}".encode()).decode()
                answer = await client.get("/nodes", headers={"Authorization": f"Basic {shown}"})
                assert answer.status_code == status

    asyncio.run(scenario())


@pytest.mark.parametrize("path", ["/nodes", "/environments", "/deployment", "/reboot", "/power", "/version", "/info"])
def test_both_forms_of_a_path(tmp_path: Path, path: str) -> None:
    async def scenario(house: House) -> None:
        async with house.client() as client:
            for form in (path, f"{path}/", f"{path}?", f"{path}/?"):
                answer = await client.get(form)
                assert answer.status_code == 200, form

    in_house(tmp_path, scenario)


def test_what_is_not_there(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        async with house.client() as client:
            nothing = await client.get("/nothing")
            assert (nothing.status_code, nothing.text, nothing.headers["content-type"]) == (404, "Not Found\n", TEXT)
            for method, path, allowed in (
                ("PATCH", "/deployment/", "GET, POST"),
                ("POST", "/power", "GET, PUT"),
                ("HEAD", "/version", "GET"),
                ("PUT", "/deployment/D-1", "DELETE, GET"),
            ):
                answer = await client.request(method, path)
                assert (answer.status_code, answer.headers["allow"]) == (405, allowed), path

    in_house(tmp_path, scenario)


def test_forms_and_compression(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        async with house.client() as client:
            packed = await client.get("/openapi.json", headers={"Accept-Encoding": "gzip;q=1.0,deflate;q=0.6"})
            assert packed.headers["content-encoding"] == "gzip"
            plain = await client.get("/openapi.json", headers={"Accept-Encoding": "identity"})
            assert "content-encoding" not in plain.headers
            answer = await client.get("/nodes", headers={"Accept": "text/html"})
            assert answer.status_code == 406
            answer = await client.get("/nodes")
            assert answer.headers["cache-control"] == "no-store, no-cache"
            assert answer.headers["pragma"] == "no-cache"
            body = b"nodes: [node-9]\n"
            refused = await client.post("/reboot", content=body, headers={"Content-Type": "application/x-yaml"})
            assert "there is no node node-9" in refused.text

    in_house(tmp_path, scenario)


def test_limits(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        async with house.client() as client:
            big = b'{"x": "' + b"y" * 1024 * 1024 + b'"}'
            answer = await client.post("/reboot", content=big, headers={"Content-Type": "application/json"})
            assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (413, "text/plain")

            async def pieces() -> object:
                for _ in range(20):
                    yield b"y" * 100_000

            answer = await client.post("/reboot", content=pieces(), headers={"Content-Type": "application/json"})  # type: ignore[arg-type]
            assert answer.status_code == 413
            form = await client.post("/reboot", data={"nodes": "node-1"})
            assert form.status_code == 415
            nested = await client.post("/reboot", content=b"[" * 500_000, headers={"Content-Type": "application/json"})
            assert nested.status_code == 400
            lines = await client.post("/reboot", content=b'{"nodes": 7}', headers={"Content-Type": "application/json"})
            assert lines.status_code == 400

    in_house(tmp_path, scenario)


def test_the_openapi_document_knows_every_path(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        async with house.client() as client:
            document = (await client.get("/openapi.json")).json()
        assert "/deployment/{wid}/events" in document["paths"]
        assert "/deployment/" not in document["paths"]
        body = document["paths"]["/deployment"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert "ssh_authorized_keys_content" in body["properties"]

    in_house(tmp_path, scenario)


def test_gzip_is_real(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        async with house.client() as client:
            request = client.build_request("GET", "/openapi.json", headers={"Accept-Encoding": "gzip"})
            answer = await client.send(request, stream=True)
            raw = b"".join([chunk async for chunk in answer.aiter_raw()])
            await answer.aclose()
        assert gzip.decompress(raw).startswith(b'{"openapi"')

    in_house(tmp_path, scenario)
