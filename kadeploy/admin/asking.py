"""Asking the server that runs, through its API, with a token that lives for the moment."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, cast

from kadeploy.admin.opened import Administered, SystemClock
from kadeploy.cli.client import Client, Unverified
from kadeploy.cli.refused import Refused
from kadeploy.cli.servers import Server
from kadeploy.config.server import ServerConfig
from kadeploy.domain.access import Role, Scope
from kadeploy.errors import BadConfiguration, Forbidden, Unavailable
from kadeploy.operations.tokens import LOCAL, TokenOrder, Tokens
from kadeploy.securing import lifetimes, now, wanted_tls
from kadeploy.store.api_tokens import SqlApiTokens
from kadeploy.tls.authority import is_authority_there, read_authority
from kadeploy.tls.contexts import name_of, top_of

MOMENT: Final = 60.0  # seconds the token lives
SIGNAL: Final = "a SIGHUP has the running server read its configuration again, too"
Json = Mapping[str, Any]


def ask(opened: Administered, work: Callable[[Client], object], *, purpose: str) -> Json:
    """The server itself. Its administrators are named in the configuration; who may read that may do as they may.

    That configuration may be newer than the one that the server goes by: its administrators and its certificate are
    some of these.
    """
    administrators = sorted(opened.config.administrators)
    if not administrators:
        raise BadConfiguration("rights.almighty_users is empty: the running server lets nobody administer it")
    tokens = Tokens(SqlApiTokens(opened.database), SystemClock(), lifetimes(opened.config))
    name = f"kadmin {purpose} of {getpass.getuser()}"

    async def spent() -> Json:
        for user in administrators:
            order = TokenOrder(user=user, name=name, scope=Scope.OPERATE, lifetime=MOMENT)
            made, text = await tokens.make(order)
            try:
                told = await asyncio.to_thread(_told, opened.config, text, user, work)
            finally:
                await tokens.revoke(LOCAL, made.id)
            if told is not None:
                return told
        raise BadConfiguration(
            f"the running server takes none of these for an administrator: {', '.join(administrators)}",
            hint=SIGNAL,
        )

    return asyncio.run(spent())


def _told(config: ServerConfig, token: str, user: str, work: Callable[[Client], object]) -> Json | None:
    """None when the running server does not take this user for an administrator."""
    for server in _servers(config, token):
        try:
            with Client(server, user) as client:
                return cast(Json, work(client)) if _administers(client) else None
        except Unverified:
            pass
    raise Unavailable("what answers shows another certificate than security.certificate tells of", hint=SIGNAL)


def _administers(client: Client) -> bool:
    try:
        return bool(cast(Json, client.get("/whoami"))["role"] == Role.ADMIN)
    except Refused as error:
        if error.status == Forbidden.status:  # no role at all
            return False
        raise


def _servers(config: ServerConfig, token: str) -> list[Server]:
    """This one, with each certificate that it may have: until it is started again, that is its own."""
    address = "127.0.0.1" if config.listen_address.is_unspecified else str(config.listen_address)
    host = f"[{address}]" if ":" in address else address
    plain = Server(
        name="this server",
        url=f"http://{host}:{config.listen.port}",
        origin="server.conf",
        prefix=config.authentication.global_.headers_prefix,
        token=token,
    )
    if not config.security.secure_server:
        return [plain]
    secure, wanted = replace(plain, url=plain.url.replace("http:", "https:", 1)), wanted_tls(config)
    servers = []
    if wanted.given is not None:
        chain = wanted.given[0]
        servers.append(replace(secure, authority=top_of(chain), certified=name_of(chain)))
    if wanted.given is None or is_authority_there(wanted.directory):
        authority = read_authority(wanted.directory, now=now())
        servers.append(replace(secure, authority=authority.pem))
    return servers
