"""All of this server's TLS, opened at its start: what the API speaks, what the agents hear, and who vouches for both.

Agents are always shown a certificate of this server's own authority, since they call it by its address; the API may be
given one of the site's.
"""

from __future__ import annotations

import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from kadeploy.errors import BadConfiguration
from kadeploy.tls.authority import Authority, open_authority
from kadeploy.tls.contexts import server_context, show, top_of
from kadeploy.tls.server_certificate import IssuedCertificate

ISSUED: Final = "server.pem"
_RECORD: Final = 16 * 1024  # bytes: the longest record of TLS (RFC 8446, 5.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """`directory` is where the authority lives; `given` is a certificate of the site's and its key.

    `clients` is the authority of clients' certificates and `revoked` what it took back; `names` are those of this
    server.
    """

    directory: Path
    names: Sequence[str]
    lifetime: timedelta
    api: bool = True
    agents: bool = True
    given: tuple[Path, Path] | None = None
    clients: Path | None = None
    revoked: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTls:
    """None where it is plain. `api_authority` (PEM) is what clients may pin; `issued` has to be renewed."""

    api: ssl.SSLContext | None = None
    agents: ssl.SSLContext | None = None
    authority: Authority | None = None
    api_authority: str = ""
    issued: IssuedCertificate | None = None
    renewable: Sequence[ssl.SSLContext] = field(default=())
    is_given: bool = False

    def prepare(self, wanted: Wanted, now: datetime) -> Callable[[], None]:
        """Reads the certificate that is given and what clients' are checked with again, issues the one that is not, and
        answers with what makes new connections use them. Raises BadConfiguration."""
        shown = self._prepare_api(wanted)
        if self.issued is None:
            return shown
        issued, fitting = self.issued, replace(self.issued, names=wanted.names, lifetime=wanted.lifetime)
        fitting.renew(now)

        def turn() -> None:
            shown()
            issued.become(fitting, self.renewable)

        return turn

    def _prepare_api(self, wanted: Wanted) -> Callable[[], None]:
        context = self.api
        if context is None or not wanted.api:
            return lambda: None  # whether TLS is spoken at all is decided at the start
        if (wanted.given is not None) != self.is_given:
            raise BadConfiguration(
                "security.certificate: whether a certificate is given or issued is decided at the start",
                hint="restart the server",
            )
        chain, key = wanted.given or (self.issued.file if self.issued else wanted.directory / ISSUED, None)
        server_context(chain, key, clients=wanted.clients, revoked=wanted.revoked)
        return partial(show, context, chain, key, clients=wanted.clients, revoked=wanted.revoked)


def open_tls(wanted: Wanted, now: datetime) -> ServerTls:
    """Makes what is not there. Raises BadConfiguration."""
    # asyncio's 256 KiB a connection make 10,000 agents 2.8 GB (measured: 280 kB each; with this, 39 kB).
    SSLProtocol.max_size = _RECORD
    given = wanted.given if wanted.api else None
    given_api = None
    if given is not None:
        given_api = server_context(*given, clients=wanted.clients, revoked=wanted.revoked)
    if not wanted.agents and (given is not None or not wanted.api):
        return ServerTls(api=given_api, api_authority=top_of(given[0]) if given else "", is_given=given is not None)
    authority = open_authority(wanted.directory, host=wanted.names[0], now=now)
    issued = IssuedCertificate(
        authority=authority, file=wanted.directory / ISSUED, names=wanted.names, lifetime=wanted.lifetime
    )
    issued.renew(now)
    agents = server_context(issued.file) if wanted.agents else None
    own_api = None
    if wanted.api and given is None:
        own_api = server_context(issued.file, clients=wanted.clients, revoked=wanted.revoked)
    return ServerTls(
        api=given_api or own_api,
        agents=agents,
        authority=authority,
        api_authority=top_of(given[0]) if given else authority.pem if wanted.api else "",
        issued=issued,
        is_given=given is not None,
        renewable=[context for context in (agents, own_api) if context is not None],
    )
