"""What is not an operation is made once, too, however often it is asked for with the same key."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2

from kadeploy.operations.answered import SECRETS_KEPT
from tests.integration.api.house import NAMES, House, in_house

CODE = "x-application-error-code"


async def post(client: httpx2.AsyncClient, path: str, key: str, body: object) -> httpx2.Response:
    return await client.post(path, json=body, headers={"Idempotency-Key": key})


def test_an_environment_is_recorded_once_and_every_time_answered_alike(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        body = {"environment": house.description()}
        async with house.client() as client, house.client("bob") as bob:
            answers = await asyncio.gather(*(post(client, "/environments", "k", body) for _ in range(5)))
            later = await post(client, "/environments/", "k", body)
            assert [one.status_code for one in answers] == [200] * 5, answers[0].text
            assert {one.text for one in (*answers, later)} == {answers[0].text}
            assert (await client.post("/environments", json=body)).headers[CODE] == "10"
            other = await post(client, "/environments", "k", {"environment": house.description(name="other")})
            assert (other.status_code, "belongs to another request" in other.text) == (422, True)
            elsewhere = await post(client, "/rights", "k", {})
            assert elsewhere.status_code in (403, 422)
            assert (await post(bob, "/environments", "k", body)).status_code == 200, "bob has keys of his own"
            assert (await post(client, "/environments", "x" * 256, body)).headers[CODE] == "4"
        assert len(await house.environments.find()) == 2

    in_house(tmp_path, story)


def test_a_refusal_and_a_dry_run_use_no_key_up(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        body = {"environment": house.description()}
        async with house.client() as client:
            assert (await post(client, "/environments", "k", {"environment": {}})).status_code == 400
            assert (await post(client, "/environments", "k", {**body, "dry_run": True})).json()["dry_run"]
            assert (await post(client, "/environments", "k", body)).status_code == 200
        assert len(await house.environments.find()) == 1

    in_house(tmp_path, story)


def test_rights_are_granted_once(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        body = {"username": "carol", "nodes": ["node-1"], "for": "4h"}
        async with house.client("root") as client:
            first = await post(client, "/rights", "k", body)
            assert first.status_code == 200, first.text
            await client.request("DELETE", "/rights/carol", json={})
            assert (await post(client, "/rights", "k", body)).text == first.text
            assert (await client.get("/rights/carol")).status_code == 404, "they were not granted again"

    in_house(tmp_path, story)


def test_a_console_is_opened_once(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        body = {"node": "node-1", "stream": True}
        await house.grant("alice", NAMES[0])
        async with house.client() as client:
            answers = await asyncio.gather(*(post(client, "/console", "k", body) for _ in range(3)))
            assert {one.text for one in answers} == {answers[0].text}, answers[0].text
            assert answers[0].status_code == 200
            other = await post(client, "/console/", "k", {**body, "node": "node-2"})
            assert (other.status_code, "belongs to another request" in other.text) == (422, True)
            assert (await post(client, "/console/", "another", body)).json()["wid"] != answers[0].json()["wid"]
            assert len((await client.get("/console")).json()) == 2

    in_house(tmp_path, story)


def test_a_tokens_text_is_told_again_for_a_while_and_written_nowhere(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.client() as client:
            first = await post(client, "/tokens", "k", {"name": "ci"})
            assert (await post(client, "/tokens", "k", {"name": "ci"})).json() == first.json()
            assert len((await client.get("/tokens")).json()) == 1
            kept = await house.answers.get("alice", "k")
            assert first.json()["token"] not in str(kept)
            house.use_cases.answered._clock.now = lambda: first.json()["created"] + SECRETS_KEPT + 1  # type: ignore[method-assign]
            late = await post(client, "/tokens", "k", {"name": "ci"})
            assert (late.status_code, first.json()["id"] in late.text) == (422, True)
            assert len((await client.get("/tokens")).json()) == 1

    in_house(tmp_path, story)


def test_a_launchs_key_is_no_environments_key(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        await house.grant()
        await house.record()
        body = {"nodes": ["node-1"], "environment": {"kind": "database", "name": "debian12"}}
        async with house.client() as client:
            launched = await post(client, "/deployment", "k", body)
            assert launched.status_code == 200, launched.text
            refused = await post(client, "/environments", "k", {"environment": house.description(name="new")})
            assert (refused.status_code, launched.json()["wid"] in refused.text) == (422, True)

    in_house(tmp_path, story)
