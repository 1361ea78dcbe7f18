"""Asking a host who calls from it: a real ident server, also one that is slow, lies or says nothing."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx2
import pytest

from kadeploy.api.auth.credentials import Credentials
from kadeploy.api.auth.ident import Ident, user_in
from kadeploy.api.auth.whitelist import Whitelist
from kadeploy.config.authentication import Authentication
from kadeploy.config.authentication import Ident as IdentSection
from kadeploy.errors import NotAuthenticated
from tests.integration.security.served import served

CALLING = Credentials(address="127.0.0.1", port=4000, server="127.0.0.1", server_port=25300)
Answer = Callable[[str], bytes | None]


@contextlib.asynccontextmanager
async def identd(answer: Answer) -> AsyncIterator[int]:
    """`answer` makes the reply of the ports that were asked about; None is silence."""
    stop = asyncio.Event()

    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = answer((await reader.readline()).decode().strip())
        if said is None:
            await stop.wait()
        else:
            writer.write(said)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(reply, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        stop.set()
        server.close()
        await server.wait_closed()


def is_alice(asked: str) -> bytes:
    return f"{asked} : USERID : UNIX : alice\r\n".encode()


@pytest.mark.parametrize(
    ("answer", "user"),
    [
        ("6193, 23 : USERID : UNIX : stjohns\r\n", "stjohns"),
        ("6193,23:USERID:UNIX,UTF-8:stjohns", "stjohns"),
        ("6193, 23 : userid : OTHER : a:b ", "a:b"),
        ("6193, 23 : ERROR : NO-USER\r\n", None),
        ("6193, 24 : USERID : UNIX : stjohns\r\n", None),
        ("23, 6193 : USERID : UNIX : stjohns\r\n", None),
        ("6193, 23 : USERID : UNIX :\r\n", None),
        ("USERID", None),
        ("", None),
    ],
)
def test_answers_of_rfc_1413(answer: str, user: str | None) -> None:
    assert user_in(answer, 6193, 23) == user


def test_the_host_says_who_calls(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(ports: str) -> bytes:
        asked.append(ports)
        return is_alice(ports)

    async def story() -> None:
        async with identd(answer) as port:
            section = IdentSection(whitelist=("127.0.0.1",), port=port)
            async with (
                served(tmp_path, Authentication(ident=section), secure=False) as server,
                httpx2.AsyncClient() as client,
            ):
                assert (await client.get(f"{server.url}/whoami")).json()["scheme"] == "ident"
                same = await client.get(f"{server.url}/whoami", headers={"X-Kadeploy-User": "alice"})
                assert same.json()["user"] == "alice"
                other = await client.get(f"{server.url}/whoami", headers={"X-Kadeploy-User": "root"})
                assert other.status_code == 401
                port_of_server = server.url.rpartition(":")[2]
                assert all(re.fullmatch(rf"\d+, {port_of_server}", ports) for ports in asked)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda asked: None, "did not say within 0.2 s"),
        (lambda asked: b"", "does not say that you are"),
        (lambda asked: b"\xff\xfe\r\n", "does not say who you are"),
        (lambda asked: b"x" * 5000, "does not say who you are"),
        (lambda asked: f"{asked} : ERROR : HIDDEN-USER\r\n".encode(), "does not say that you are"),
    ],
)
def test_hosts_that_do_not_help(answer: Answer, said: str) -> None:
    async def story() -> None:
        async with identd(answer) as port:
            scheme = Ident(Whitelist(["127.0.0.1"]), timeout=0.2, port=port)
            with pytest.raises(NotAuthenticated, match=said):
                await scheme.identify(
                    Credentials(address="127.0.0.1", port=4000, server="127.0.0.1", server_port=25300)
                )

    asyncio.run(story())


def test_a_host_without_ident_and_one_that_is_not_asked() -> None:
    async def story() -> None:
        async with identd(is_alice) as port:
            pass
        with pytest.raises(NotAuthenticated):
            await Ident(Whitelist(["127.0.0.1"]), timeout=5, port=port).identify(CALLING)
        assert await Ident(Whitelist(["10.0.0.0/8"]), timeout=5, port=port).identify(CALLING) is None

    asyncio.run(story())
