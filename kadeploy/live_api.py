"""The API of a running server, which is put together anew when the configuration is read again.

Requests that have begun, and event streams with them, are answered by the application that they began with.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from kadeploy.api.app import create_app
from kadeploy.api.auth.chain import Chain
from kadeploy.api.console_ports import ConsolePorts, PortPolicy
from kadeploy.api.server import Settings
from kadeploy.config.load import Loaded
from kadeploy.config.server import ServerConfig
from kadeploy.domain.access import Access
from kadeploy.operations.assemble import UseCases


class LiveApi:
    """An ASGI application. `authority` is the certificate (PEM) that vouches for the API's own."""

    def __init__(self, use_cases: UseCases, chain: Chain, config: ServerConfig, *, authority: str) -> None:
        self._use_cases = use_cases
        self._chain = chain
        self._authority = authority
        self._ports = ConsolePorts(use_cases.consoles, port_policy_of(config))
        self._application = self._made_for(config)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._application(scope, receive, send)

    def prepare(self, new: Loaded) -> Callable[[], object]:
        application = self._made_for(new.server)

        def turn() -> None:
            self._application, self._ports.policy = application, port_policy_of(new.server)

        return turn

    def _made_for(self, config: ServerConfig) -> ASGIApp:
        return create_app(self._use_cases, self._chain, settings_of(config, self._authority), self._ports)


def settings_of(config: ServerConfig, authority: str) -> Settings:
    return Settings(
        headers_prefix=config.authentication.global_.headers_prefix,
        authority=authority,
        metrics_access=Access(config.metrics.access),
    )


def port_policy_of(config: ServerConfig) -> PortPolicy:
    return PortPolicy(
        is_open=config.console.tcp, address=str(config.listen_address), within=config.console.connect_within
    )
