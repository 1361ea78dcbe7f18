"""The house's API on a real socket, with real TLS."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx2

from kadeploy.api.app import create_app
from kadeploy.api.auth.chain import chain_of
from kadeploy.api.server import Settings
from kadeploy.config.authentication import Authentication, Roles
from kadeploy.serving import listen, serve
from kadeploy.tls.opened import ServerTls, Wanted, open_tls
from tests.integration.api.house import ADMINISTRATORS, House, open_house
from tests.integration.security.certificates import now


@dataclass
class Served:
    house: House
    url: str
    tls: ServerTls

    def trust(self, *, authority: str | None = None) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=authority or self.tls.api_authority)

    async def get(self, path: str, context: ssl.SSLContext, **headers: str) -> httpx2.Response:
        async with httpx2.AsyncClient(verify=context, headers=headers) as client:
            return await client.get(f"{self.url}{path}")


@contextlib.asynccontextmanager
async def served(
    directory: Path,
    authentication: Authentication,
    *,
    roles: Roles | None = None,
    given: tuple[Path, Path] | None = None,
    secure: bool = True,
    host: str = "127.0.0.1",
) -> AsyncIterator[Served]:
    """With the certificates' part of the authentication in TLS as well, as the daemon has it."""
    certificate = authentication.certificate
    wanted = Wanted(
        directory=directory / "tls",
        names=("kadeploy.test", "localhost", "127.0.0.1"),
        lifetime=timedelta(days=90),
        api=secure,
        agents=False,
        given=given,
        clients=certificate.ca_cert if certificate else None,
        revoked=certificate.crl if certificate else None,
    )
    tls = open_tls(wanted, now())
    async with open_house(directory, authentication, roles=roles or Roles()) as house:
        chain = chain_of(authentication, roles or Roles(), house.use_cases.tokens, administrators=ADMINISTRATORS)
        settings = Settings(version="3.3.0", authority=tls.api_authority)
        app = create_app(house.use_cases, chain, settings, house.console_ports)
        listening = listen(host, 0)
        url = f"{'https' if secure else 'http'}://{host}:{listening.getsockname()[1]}"
        serving = asyncio.create_task(serve(app, listening, tls=tls.api))
        try:
            yield Served(house, url, tls)
        finally:
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving
