"""Agents that speak TLS: with the server whose authority they were told of, and with no other."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from kadeploy.agent.authority import Trust, Untrusted, trusting
from kadeploy.serving import listen, serve
from kadeploy.tls.authority import Authority
from kadeploy.tls.opened import Wanted, open_tls
from tests.integration.agents.world import Agent, KnownTokens, Server, agent, serving, until

DAY = timedelta(days=1)


def made(directory: Path, *, at: datetime | None = None) -> tuple[Authority, ssl.SSLContext]:
    """An authority, and TLS with a certificate of it for loopback."""
    wanted = Wanted(directory=directory, names=("localhost", "127.0.0.1"), lifetime=DAY, api=False)
    tls = open_tls(wanted, at or datetime.now(UTC))
    assert tls.authority is not None
    assert tls.agents is not None
    return tls.authority, tls.agents


@contextlib.asynccontextmanager
async def boot_pages(pem: str) -> AsyncIterator[str]:
    async def authority(request: Request) -> Response:
        return PlainTextResponse(pem)

    async with pages(authority) as url:
        yield url


@contextlib.asynccontextmanager
async def pages(authority: Callable[[Request], Awaitable[Response]]) -> AsyncIterator[str]:
    listening = listen("127.0.0.1", 0)
    task = asyncio.create_task(serve(Starlette(routes=[Route("/boot/ca.pem", authority)]), listening))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def an_agent_told_of(
    authority: Authority, folder: Path, tokens: KnownTokens, *, tls: ssl.SSLContext | None, handed_out: str = ""
) -> AsyncIterator[tuple[Server, Agent]]:
    """It is handed out this authority's certificate, if not another; the server has `tls`."""
    async with (
        boot_pages(handed_out or authority.pem) as url,
        serving(tokens, tls=tls) as server,
        agent(folder, server.port, ca=authority.fingerprint, url=url) as one,
    ):
        yield server, one


def test_an_agent_works_over_tls(tmp_path: Path, tokens: KnownTokens) -> None:
    authority, tls = made(tmp_path / "tls")

    async def go() -> None:
        told = an_agent_told_of(authority, tmp_path / "node", tokens, tls=tls)
        async with told as (server, one):
            await one.heard("connected to")
            result = await server.run("node-1", "sync", key="k1")
            assert result.ok.names == {"node-1"}
            session = server.meeting.session("node-1")
            assert session is not None
            assert session.address == "127.0.0.1"

    asyncio.run(go())


def test_the_clock_of_a_node_may_be_years_off(tmp_path: Path, tokens: KnownTokens) -> None:
    authority, tls = made(tmp_path / "tls", at=datetime.now(UTC) - 4000 * DAY)

    async def go() -> None:
        told = an_agent_told_of(authority, tmp_path / "node", tokens, tls=tls)
        async with told as (_, one):
            await one.heard("connected to")

    asyncio.run(go())


def test_a_server_of_another_authority_is_not_told_anything(tmp_path: Path, tokens: KnownTokens) -> None:
    """Who stands between a node and the server can make up a certificate, but not one of this authority."""
    authority, _ = made(tmp_path / "ours")
    _, other = made(tmp_path / "theirs")

    async def go() -> None:
        told = an_agent_told_of(authority, tmp_path / "node", tokens, tls=other)
        async with told as (server, one):
            await one.heard("CERTIFICATE_VERIFY_FAILED")
            assert server.meeting.session("node-1") is None

    asyncio.run(go())


def test_an_authority_that_was_not_announced_is_refused(tmp_path: Path, tokens: KnownTokens) -> None:
    authority, _ = made(tmp_path / "ours")
    other, tls = made(tmp_path / "theirs")

    async def go() -> None:
        told = an_agent_told_of(authority, tmp_path / "node", tokens, tls=tls, handed_out=other.pem)
        async with told as (server, one):
            await one.heard("is not the one that this node was told of")
            assert server.meeting.session("node-1") is None

    asyncio.run(go())


def test_an_agent_that_was_told_of_tls_never_speaks_plainly(tmp_path: Path, tokens: KnownTokens) -> None:
    authority, _ = made(tmp_path / "tls")

    async def go() -> None:
        told = an_agent_told_of(authority, tmp_path / "node", tokens, tls=None)
        async with told as (server, one):
            await one.heard("no connection to the server")
            assert server.meeting.session("node-1") is None

    asyncio.run(go())


def test_the_port_of_tls_hears_no_plain_agent(tmp_path: Path, tokens: KnownTokens) -> None:
    _, tls = made(tmp_path / "tls")

    async def go() -> None:
        async with serving(tokens, tls=tls) as server, agent(tmp_path / "node", server.port) as one:
            await until(lambda: any("no connection" in line for line in one.said))
            assert server.meeting.session("node-1") is None

    asyncio.run(go())


def test_an_address_that_the_certificate_is_not_for_is_refused(tmp_path: Path) -> None:
    authority, _ = made(tmp_path / "tls")
    context: ssl.SSLContext = trusting(authority.pem, authority.fingerprint)
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    for pem in ("", "nonsense", authority.pem):
        with pytest.raises(Untrusted):
            trusting(pem, "0" * 64)


def test_a_certificate_that_comes_late_is_not_asked_for_again(tmp_path: Path) -> None:
    authority, _ = made(tmp_path / "tls")

    async def go() -> None:
        asked, was_asked, may_answer = 0, asyncio.Event(), asyncio.Event()

        async def late(request: Request) -> Response:
            nonlocal asked
            asked += 1
            was_asked.set()
            await may_answer.wait()
            return PlainTextResponse(authority.pem)

        async with pages(late) as url:
            trust = Trust(url, authority.fingerprint)
            impatient = asyncio.create_task(trust.context())
            await was_asked.wait()
            impatient.cancel()
            await asyncio.gather(impatient, return_exceptions=True)
            may_answer.set()
            assert isinstance(await trust.context(), ssl.SSLContext)
            assert asked == 1

    asyncio.run(go())


def test_a_certificate_that_did_not_come_is_asked_for_again(tmp_path: Path) -> None:
    authority, _ = made(tmp_path / "tls")

    async def go() -> None:
        answers = [Response(status_code=503), PlainTextResponse(authority.pem)]

        async def at_last(request: Request) -> Response:
            return answers.pop(0)

        async with pages(at_last) as url:
            trust = Trust(url, authority.fingerprint)
            with pytest.raises(OSError, match="503"):
                await trust.context()
            assert isinstance(await trust.context(), ssl.SSLContext)

    asyncio.run(go())
