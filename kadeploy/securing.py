"""From the configuration to this server's TLS and tokens, for who serves and for who administers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from kadeploy.config.server import ServerConfig
from kadeploy.operations.tokens import DAY, Lifetimes
from kadeploy.tls.opened import Wanted


def now() -> datetime:
    return datetime.now(UTC)


def lifetimes(config: ServerConfig) -> Lifetimes:
    """Of tokens, in seconds."""
    days = config.authentication.tokens
    return Lifetimes(usual=days.default_days * DAY, longest=days.longest_days * DAY)


def wanted_tls(config: ServerConfig) -> Wanted:
    security, clients = config.security, config.authentication.certificate
    given = None
    if security.certificate is not None and security.private_key.file is not None:
        given = (security.certificate, security.private_key.file)
    return Wanted(
        directory=config.state_directory / "tls",
        names=tuple(dict.fromkeys(_names(config))),
        lifetime=timedelta(days=security.certificate_days),
        api=security.secure_server,
        agents=security.secure_agents,
        given=given,
        clients=clients.ca_cert if clients else None,
        revoked=clients.crl if clients else None,
    )


def _names(config: ServerConfig) -> Iterator[str]:
    """What clients and agents may call this server by; the first names it to people."""
    yield config.network.server_hostname
    yield from ("localhost", "127.0.0.1", "::1")
    if not config.listen_address.is_unspecified:
        yield str(config.listen_address)
    if config.boot is not None:
        yield str(config.boot.address)
    yield from config.security.names
