"""Asking the server that runs, through its API, with a token that lives for the moment."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from kadeploy.admin.opened import Administered, SystemClock
from kadeploy.cli.client import Client
from kadeploy.cli.servers import Server
from kadeploy.config.server import ServerConfig
from kadeploy.domain.access import Scope
from kadeploy.errors import BadConfiguration
from kadeploy.operations.tokens import LOCAL, TokenOrder, Tokens
from kadeploy.securing import lifetimes, now, wanted_tls
from kadeploy.store.api_tokens import SqlApiTokens
from kadeploy.tls.authority import open_authority
from kadeploy.tls.contexts import top_of

MOMENT: Final = 60.0  # seconds the token lives
Json = Mapping[str, Any]


def ask(opened: Administered, work: Callable[[Client], object], *, purpose: str) -> Json:
    """The server itself. Its administrators are named in the configuration; who may read that may do as they may."""
    administrators = sorted(opened.config.administrators)
    if not administrators:
        raise BadConfiguration("rights.almighty_users is empty: the running server lets nobody administer it")
    tokens = Tokens(SqlApiTokens(opened.database), SystemClock(), lifetimes(opened.config))
    order = TokenOrder(
        user=administrators[0],
        name=f"kadmin {purpose} of {getpass.getuser()}",
        scope=Scope.OPERATE,
        lifetime=MOMENT,
    )

    async def spent() -> Json:
        made, text = await tokens.make(order)
        try:
            with Client(_server(opened.config, text), administrators[0]) as client:
                return cast(Json, await asyncio.to_thread(work, client))
        finally:
            await tokens.revoke(LOCAL, made.id)

    return asyncio.run(spent())


def _server(config: ServerConfig, token: str) -> Server:
    address = "127.0.0.1" if config.listen_address.is_unspecified else str(config.listen_address)
    host = f"[{address}]" if ":" in address else address
    scheme, authority = "http", ""
    if config.security.secure_server:
        wanted = wanted_tls(config)
        scheme = "https"
        authority = (
            top_of(wanted.given[0])
            if wanted.given is not None
            else open_authority(wanted.directory, host=wanted.names[0], now=now()).pem
        )
    return Server(
        name="this server",
        url=f"{scheme}://{host}:{config.listen.port}",
        origin="server.conf",
        prefix=config.authentication.global_.headers_prefix,
        token=token,
        authority=authority,
    )
