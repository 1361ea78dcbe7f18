"""`kadmin check`: everything that is wrong in a server's configuration, of all its files, without starting anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kadeploy.api.auth.chain import issued_tokens, other_schemes
from kadeploy.api.auth.failures import FailureLimit
from kadeploy.api.auth.htpasswd import is_known, parse
from kadeploy.cli.servers import FILE, choose_server
from kadeploy.config.load import load_site
from kadeploy.config.server import ServerConfig
from kadeploy.errors import BadConfiguration, Faults, KadeployError
from kadeploy.securing import wanted_tls
from kadeploy.tls.contexts import server_context

_ANY_NUMBER = FailureLimit(per_user=1, per_address=1, within=1.0)  # nobody logs in here


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One line each: `file: path.to.key: what`."""

    faults: Sequence[str] = ()
    warnings: Sequence[str] = ()


def check(directory: Path) -> Verdict:
    """Reads files, and changes none."""
    faults = list(_client_faults(directory))
    try:
        loaded = load_site(directory)
    except BadConfiguration as error:
        cause = error.__cause__
        return Verdict(faults=[*(cause.faults if isinstance(cause, Faults) else [str(error)]), *faults])
    config = loaded.server
    faults = [*(f"server.conf: {fault}" for fault in _deeper_faults(config)), *faults]
    warnings = [*loaded.warnings, *(f"server.conf: {warning}" for warning in _warnings(config))]
    return Verdict(faults=faults, warnings=warnings)


def _deeper_faults(config: ServerConfig) -> Iterator[str]:
    """What only shows when the things that are named are used."""
    yield from _said(lambda: issued_tokens(config.authentication))
    yield from _said(lambda: other_schemes(config.authentication, _ANY_NUMBER))
    wanted = wanted_tls(config)
    if wanted.api and wanted.given is not None:
        chain, key = wanted.given
        yield from _said(lambda: server_context(chain, key, clients=wanted.clients, revoked=wanted.revoked))


def _warnings(config: ServerConfig) -> Iterator[str]:
    schemes = config.authentication
    if schemes.http_basic is not None:
        try:
            entries = parse(schemes.http_basic.dbfile.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            yield f"authentication.http_basic.dbfile: cannot be read: {error}"
        else:
            unknown = sorted(user for user, entry in entries.items() if not is_known(entry))
            if unknown:
                yield (
                    f"authentication.http_basic.dbfile: the passwords of {', '.join(unknown)} are of no known kind "
                    "and never match: make them anew with htpasswd -B"
                )
    reachable = not config.listen_address.is_loopback
    if not config.security.secure_server and reachable:
        yield "security.secure_server: is false: passwords and tokens travel in clear"
    if not config.security.secure_agents:
        yield "security.secure_agents: is false: what nodes are sent can be read on the boot network"


def _client_faults(directory: Path) -> Iterator[str]:
    if (directory / FILE).exists():
        yield from _said(lambda: choose_server(None, {"KADEPLOY_CONFIG_DIR": str(directory)}, directory))


def _said(work: Callable[[], object]) -> Iterator[str]:
    try:
        work()
    except KadeployError as error:
        yield str(error)
