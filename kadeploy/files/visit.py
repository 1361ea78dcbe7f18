"""One answer of a web server: redirects followed, each to an address that was judged, and verified there.

A name is looked up once, and the address that was judged is the one that is connected to: who owns a name may let it
lead elsewhere a moment later.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import httpx2

from kadeploy.errors import InvalidFile
from kadeploy.files.reach import Address, Reach, parse_address
from kadeploy.files.source import shown
from kadeploy.files.web import Web

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What is fetched, and how: `verified` is false only for a client's own file server, whose certificate it has just
    made, and which is known by its address."""

    url: str
    web: Web
    reach: Reach
    verified: bool = True
    redirects: int = 0
    stop_at: int | None = None
    """Bytes it may have."""
    tell: Callable[[int, int], None] = lambda _done, _total: None
    """Called with the bytes that have come, of how many; 0 when that is not known."""
    method: str = "GET"

    @property
    def called(self) -> str:
        """What it is in messages."""
        return shown(self.url if self.verified else f"client+{self.url}")


def place_of(url: str) -> httpx2.URL:
    """Raises InvalidFile for a host that is neither a name nor an address."""
    try:
        return httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise InvalidFile(f"{shown(url)} is no URL: {error}") from error


@asynccontextmanager
async def visit(errand: Errand, headers: Mapping[str, str]) -> AsyncIterator[httpx2.Response]:
    """Raises InvalidFile for where it must not go, and the HTTP client's errors."""
    # The client would follow by itself, but reads the redirects' bodies, however long, and takes https to http.
    place = first = place_of(errand.url)
    for _ in range(errand.redirects + 1):
        auth = _own_credentials(first) if _same_server(place, first) else None
        async with _opened(errand, place.copy_with(userinfo=b""), headers, auth) as response:
            if response.status_code not in _REDIRECTS or "location" not in response.headers:
                yield response
                return
            try:
                onward = place.join(response.headers["location"])
            except httpx2.InvalidURL as error:
                raise InvalidFile(f"{errand.called} leads to what is no URL: {error}") from error
        if onward.scheme not in ("http", "https") or (place.scheme, onward.scheme) == ("https", "http"):
            raise InvalidFile(f"{errand.called} leads to {shown(str(onward))}, which is not followed")
        place = onward
    raise InvalidFile(f"{errand.called} leads through more than {errand.redirects} redirects")


@asynccontextmanager
async def _opened(
    errand: Errand, place: httpx2.URL, headers: Mapping[str, str], auth: httpx2.BasicAuth | None
) -> AsyncIterator[httpx2.Response]:
    web, url = errand.web, str(place)
    proxy = web.proxy_for(url)
    addresses = await judged(place, errand.reach, needed=proxy is None, called="" if errand.verified else errand.called)
    shown_credentials = {} if auth else _credentials(web, url)
    verify = _NO_TLS
    if place.scheme == "https" or (proxy or "").startswith("https:"):
        verify = await asyncio.to_thread(_context, _authorities(web, url), errand.verified)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            httpx2.AsyncClient(
                timeout=httpx2.Timeout(web.limits.stall, connect=web.limits.connect),
                verify=verify,
                trust_env=False,
                proxy=proxy,
            )
        )
        sent = {**headers, **shown_credentials}
        if proxy is not None:
            yield await stack.enter_async_context(client.stream(errand.method, place, headers=sent, auth=auth))
            return
        response = await _first_that_answers(stack, client, errand.method, place, addresses, sent, auth)
        yield response


async def _first_that_answers(
    stack: AsyncExitStack,
    client: httpx2.AsyncClient,
    method: str,
    place: httpx2.URL,
    addresses: Sequence[Address],
    headers: Mapping[str, str],
    auth: httpx2.BasicAuth | None,
) -> httpx2.Response:
    """A name may have addresses that cannot be reached from here."""
    for number, address in enumerate(addresses, 1):
        straight = place.copy_with(host=str(address))
        sent = {**headers, "Host": place.netloc.decode("ascii")}
        known = {"sni_hostname": place.raw_host.decode("ascii")}  # what is verified is the name
        try:
            return await stack.enter_async_context(
                client.stream(method, straight, headers=sent, auth=auth, extensions=known)
            )
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            if number == len(addresses):
                raise
    raise AssertionError("judged() gives at least one")


async def judged(place: httpx2.URL, reach: Reach, *, needed: bool = True, called: str = "") -> Sequence[Address]:
    """The addresses of the URL's host that may be connected to. Raises InvalidFile when there are none.

    Not `needed` when a proxy is to look the name up, which may be unknown here.
    """
    called = called or shown(str(place))
    try:
        found = await _addresses(place.host)
    except (OSError, UnicodeError) as error:  # the latter from a name that is too long for the system's resolver
        if not needed:
            return ()
        why = error.strerror if isinstance(error, OSError) else None
        raise InvalidFile(f"{called} cannot be fetched: {place.host}: {why or error}") from error
    allowed = [address for address in found if reach.allows(address)]
    if not allowed or (not needed and len(allowed) < len(found)):
        is_plain = str(found[0]) == place.host and not reach.only_own
        raise InvalidFile(
            f"{called} is not fetched: {place.host} is {'' if is_plain else f'{found[0]}, '}{_refusal(reach)}",
            hint="" if reach.only_own else "the administrators can permit it with files.permitted",
        )
    return allowed


async def _addresses(host: str) -> Sequence[Address]:
    if (plain := parse_address(host)) is not None:
        return (plain,)
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found]


def _refusal(reach: Reach) -> str:
    if reach.only_own:
        return f"and files are fetched from the machine that asked only, {reach.own or 'which is not known'}"
    return "an address that machines keep for themselves"


_NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # believes nobody, and is made in no time


@functools.lru_cache(maxsize=64)
def _context(authorities: tuple[Path, ...], verified: bool) -> ssl.SSLContext:
    """Blocking: loading the system's authorities takes 60 ms. Raises InvalidFile."""
    context = ssl.create_default_context()
    try:
        for each in authorities:
            context.load_verify_locations(cafile=each)
    except (OSError, ssl.SSLError) as error:
        raise InvalidFile(f"the server's list of authorities {authorities[-1]} cannot be used: {error}") from error
    if not verified:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _authorities(web: Web, url: str) -> tuple[Path, ...]:
    depot = web.depot(url)
    return tuple(each for each in (web.ca, depot.ca if depot else None) if each is not None)


def _credentials(web: Web, url: str) -> dict[str, str]:
    depot = web.depot(url)
    if depot is None or not (depot.token or depot.user):
        return {}
    if depot.token:
        return {"Authorization": f"Bearer {depot.token}"}
    basic = httpx2.BasicAuth(depot.user, depot.password)
    return {"Authorization": next(basic.auth_flow(httpx2.Request("GET", url))).headers["Authorization"]}


def _own_credentials(place: httpx2.URL) -> httpx2.BasicAuth | None:
    """Those in the URL; they are shown to the server that it names only."""
    return httpx2.BasicAuth(place.username, place.password) if place.userinfo else None


def _same_server(one: httpx2.URL, other: httpx2.URL) -> bool:
    return (one.scheme, one.netloc.rpartition(b"@")[2]) == (other.scheme, other.netloc.rpartition(b"@")[2])


def for_client(errand: Errand) -> Errand:
    """From the file server of Kadeploy3's tools: at its own address only, no further, and whoever it says it is."""
    if errand.url.startswith("https:"):
        logger.info("%s is known by its address, not by its certificate", errand.called)
    reach = replace(errand.reach, only_own=True, permitted=errand.web.clients)
    return replace(errand, reach=reach, verified=False, redirects=0, web=replace(errand.web, depots=(), proxy=""))
