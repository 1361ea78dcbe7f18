"""Environments recorded in numbers, and found by name, owner, version and alias."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx2

from kadeploy.domain.environment_name import Architecture
from tests.integration.api.house import House, in_house, launch_body
from tests.integration.api.recorded import CODE, launch


def test_descriptions_are_checked_together_and_none_is_recorded(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.record()
        async with house.client() as client:
            given = [
                house.description(),
                house.description(name="new", bogus=1),
                house.description(name="x", os="bsd", visibility="public", boot={}),
                house.description(name="theirs", user="bob"),
                "no description",
            ]
            answer = await client.post("/environments/check", json={"environments": given})
            known, new, bad, theirs, text = answer.json()
            assert (known["exists"], known["faults"]) == (True, [])
            assert new == {
                "user": "alice",
                "name": "new",
                "version": 1,
                "exists": False,
                "faults": [],
                "warnings": ["bogus: is not a known key"],
            }
            assert bad["faults"] == [
                "visibility: only an administrator makes an environment public",
                "os: must be linux, xen or other, not 'bsd'",
                "boot.kernel: is required for a tar image",
            ]
            assert theirs["faults"] == ["user: only an administrator records environments for others, here for bob"]
            assert text["faults"] == ["must be a mapping of keys to values, not 'no description'"]
            assert len(await house.environments.find()) == 1

    in_house(tmp_path, scenario)


def test_what_exists_is_refused_skipped_or_described_anew(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.record()
        async with house.client() as client:

            async def add(**body: object) -> httpx2.Response:
                changed = house.description(author="somebody else")
                return await client.post("/environments", json={"environment": changed, **body})

            assert (await add(existing="refuse")).headers[CODE] == "10"
            assert (await add(existing="perhaps")).headers[CODE] == "4"
            assert (await add(existing="skip")).json()["done"] == "skipped"
            assert (await add(existing="replace", dry_run=True)).json()["done"] == "replaced"
            assert "author" not in (await house.environments.find())[0].description
            assert (await add(existing="replace")).json()["done"] == "replaced"
            (stored,) = await house.environments.find()
            assert stored.description["author"] == "somebody else"
            new = {"environment": house.description(version=2), "dry_run": True}
            told = (await client.post("/environments", json=new)).json()
            assert (told["version"], told["dry_run"], "done" in told) == (2, True, False)
            assert len(await house.environments.find()) == 1

    in_house(tmp_path, scenario)


def test_a_name_may_say_owner_and_version(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        for version in (1, 2):
            await house.record("bob", version=version, visibility="shared")
        await house.record("alice", name="odd@bob:1")
        async with house.client() as client, house.client("root") as root:

            async def found(text: str) -> list[object]:
                answer = await client.get("/environments", params={"last": "true", "name": text})
                return [one["version"] for one in answer.json()] if answer.status_code == 200 else []

            assert await found("debian12") == []
            assert await found("debian12@bob") == [2]
            assert await found("debian12@bob:1") == [1]
            assert await found("debian12:1") == []
            assert await found("odd@bob:1") == [1]
            assert (await launch(client, "debian12")).headers[CODE] == "7"
            answer = await launch(client, "debian12@bob:1")
            chosen = (await house.operations.get(answer.json()["wid"])).environment
            assert chosen == {"name": "debian12", "version": 1, "user": "bob", "recorded": True}
            path = "/environments/alice/debian12%40bob%3A1"
            assert (await client.request("DELETE", path, json={"last": True})).status_code == 403
            path = path.replace("alice", "root")
            deleted = await root.request("DELETE", path, json={"last": True})
            assert [(one["user"], one["version"]) for one in deleted.json()] == [("bob", 1)]
            assert (await client.request("DELETE", path.replace("root", "alice"), json={})).status_code == 404

    in_house(tmp_path, scenario)


def test_an_alias_is_the_environment_for_the_nodes(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        await house.record(name="deb-x64", alias="deb", arch="amd64")
        await house.record(name="deb-arm", alias="deb", arch="arm64")
        async with house.client() as client:

            async def meant(name: str) -> object:
                answer = await launch(client, name)
                if answer.status_code != 200:
                    return answer.text
                return ((await house.operations.get(answer.json()["wid"])).environment or {})["name"]

            assert "deb is an alias of several environments: deb-arm (aarch64), deb-x64 (x86_64)" in str(
                await meant("deb")
            )
            assert await meant("deb/aarch64") == "deb-arm"
            clusters = house.site.clusters
            assert isinstance(clusters, dict)
            clusters["alpha"] = replace(clusters["alpha"], architecture=Architecture.X86_64)
            assert await meant("deb") == "deb-x64"
            assert await meant("deb@alice") == "deb-x64"
            assert "deb-arm is for aarch64, and cluster alpha has x86_64" in str(await meant("deb-arm"))
            listed = (await client.get("/environments?last=true&name=deb")).json()
            assert [one["name"] for one in listed] == ["deb-arm", "deb-x64"]

    in_house(tmp_path, scenario)


def test_what_is_strange_in_a_description_is_told_with_the_deployment(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        anonymous = {"kind": "anonymous", **house.description(filesytem="ext4")}
        async with house.client() as client:
            answer = await client.post("/deployment", json=launch_body(environment=anonymous))
            said = "environment.filesytem: is not a known key; did you mean filesystem?"
            assert answer.json()["warnings"] == [said]

    in_house(tmp_path, scenario)


def test_the_schema_is_for_everybody(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        async with house.client("", "10.9.9.9") as stranger:
            schema = (await stranger.get("/environments/schema")).json()
            assert schema["required"] == ["name", "os", "image"]
            assert (await stranger.get("/environments")).status_code == 401

    in_house(tmp_path, scenario)


def test_the_audit_log_tells_a_dry_run_from_a_deed(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.record()
        path = "/environments/alice/debian12"
        async with house.client() as client, house.client("root") as root:
            await client.post("/environments/check", json={"environments": [house.description()]})
            await client.request("DELETE", path, json={"last": True, "dry_run": True})
            await client.put(path, json={"toggle_destructive": True, "last": True, "dry_run": True})
            await client.request("DELETE", path, json={"last": True})
            entries = (await root.get("/audit")).json()
            told = sorted((entry["action"], entry["result"]) for entry in entries)
            assert told == [
                (f"DELETE {path}", "dry run"),
                (f"DELETE {path}", "ok"),
                ("POST /environments", "ok"),
                (f"PUT {path}", "dry run"),
            ]

    in_house(tmp_path, scenario)
