"""What the original let anybody do over the API, tried here: each attempt must fail to get in.

The holes of other rooms (formulas, files, the chain) are tried where those rooms are tested; the whole list is in
docs/explanation/security.md.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from pathlib import Path

import bcrypt
import httpx2
import pytest

from kadeploy.config.authentication import Authentication, Failures, HttpBasic
from kadeploy.domain.rights import Right
from tests.integration.api.house import House, in_house
from tests.integration.security.served import served


def passwords(directory: Path) -> HttpBasic:
    path = directory / "htpasswd"
    path.write_text(f"alice:{bcrypt.hashpw(b's3cret', bcrypt.gensalt(4)).decode()}\n")
    return HttpBasic(dbfile=path)


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


@pytest.mark.parametrize("host", ["10.0.0.1", "192.0.2.7", "::1"])
def test_the_name_in_a_header_is_believed_from_configured_hosts_only(tmp_path: Path, host: str) -> None:
    async def story(house: House) -> None:
        headers = {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1", "X-Real-IP": "127.0.0.1"}
        async with house.client("root", address=host, **headers) as client:
            for path in ("/whoami", "/nodes", "/rights", "/deployment"):
                assert (await client.get(path)).status_code == 401

    in_house(tmp_path, story)


def test_a_connection_is_not_made_to_who_cannot_be_verified(tmp_path: Path) -> None:
    async def story() -> None:
        async with served(tmp_path, Authentication(http_basic=passwords(tmp_path))) as server:
            with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await server.get("/version", ssl.create_default_context())
            async with httpx2.AsyncClient() as client:
                with pytest.raises(httpx2.RemoteProtocolError):
                    await client.get(server.url.replace("https", "http"))

    asyncio.run(story())


def test_passwords_cannot_be_guessed_nor_names_found(tmp_path: Path) -> None:
    authentication = Authentication(http_basic=passwords(tmp_path), failures=Failures(per_user=3, per_address=100))

    async def story() -> None:
        async with served(tmp_path, authentication) as server:
            trust = server.trust()

            async def answers(user: str) -> list[tuple[int, str]]:
                told = []
                for number in range(4):
                    answer = await server.get("/whoami", trust, **basic(user, f"guess-{number}"))
                    told.append((answer.status_code, answer.text))
                return told

            of_alice, of_nobody = await answers("alice"), await answers("nobody")
            assert [status for status, _ in of_alice] == [401, 401, 401, 429]
            assert of_alice == of_nobody
            right = await server.get("/whoami", trust, **basic("alice", "s3cret"))
            assert right.status_code == 429
            assert 1 <= int(right.headers["retry-after"]) <= 60
            # What anybody may ask is answered whatever is shown, as the original's tools need it.
            assert (await server.get("/version", trust, **basic("alice", "guess"))).status_code == 200

    asyncio.run(story())


def test_many_guesses_at_once_are_limited_too(tmp_path: Path) -> None:
    authentication = Authentication(http_basic=passwords(tmp_path), failures=Failures(per_user=5, per_address=100))

    async def story() -> None:
        async with served(tmp_path, authentication) as server:
            trust = server.trust()
            asked = [server.get("/whoami", trust, **basic("alice", f"guess-{number}")) for number in range(30)]
            told = [answer.status_code for answer in await asyncio.gather(*asked)]
            assert set(told) == {401, 429}
            assert told.count(401) <= 6

    asyncio.run(story())


def test_a_defect_shows_nothing_of_the_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(house: House) -> None:
        async def broken(*_: object, **__: object) -> list[Right]:
            raise RuntimeError("password=hunter2 in /etc/kadeploy")

        monkeypatch.setattr(house.rights, "of", broken)
        async with house.client("root") as root:
            answer = await root.get("/rights")
        assert answer.status_code == 500
        assert "hunter2" not in answer.text
        assert "Traceback" not in answer.text
        assert ".py" not in answer.text

    in_house(tmp_path, story)


def test_nodes_and_operations_are_for_who_is_known(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        async with house.client("") as nobody:
            for path in ("/nodes", "/deployment", "/environments", "/rights", "/audit", "/tokens", "/whoami"):
                assert (await nobody.get(path)).status_code == 401, path
            assert (await nobody.get("/redoc")).status_code == 404

    in_house(tmp_path, story)


@pytest.mark.parametrize("name", ["a b", "a;b", "../x", "$(id)", "a\tb", "x" * 65, "é", "'"])
def test_names_of_users_are_checked(tmp_path: Path, name: str) -> None:
    async def story(house: House) -> None:
        async with house.client("root") as root:
            answer = await root.post("/rights", json={"username": name})
            assert answer.headers.get("x-application-error-code") == "4", answer.text
        async with house.client("") as client:
            headers = [(b"X-Kadeploy-User", name.encode())]
            assert (await client.get("/nodes", headers=headers)).status_code == 401

    in_house(tmp_path, story)
