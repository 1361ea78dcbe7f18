"""`kadmin check`: everything that is wrong in a server's configuration, of all its files, without starting anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kadeploy.api.auth.chain import issued_tokens, other_schemes
from kadeploy.api.auth.failures import FailureLimit
from kadeploy.api.auth.htpasswd import is_known, parse
from kadeploy.config.client import ClientFile, names_that_do_not_fit
from kadeploy.config.documents import CLIENT, located, read_piece
from kadeploy.config.findings import Findings
from kadeploy.config.load import examine
from kadeploy.config.programs import missing, missing_of_nodes
from kadeploy.config.server import External, ServerConfig
from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import KadeployError
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
    found = examine(directory)
    findings = found.findings
    connector = (found.sound.external if found.sound else External()).default_connector
    if found.sound is not None and found.documents.server is not None:
        place = found.documents.server.place
        missed = [fault for fault in findings.faults if " file " in fault]
        findings.faults += [f"{place}{fault}" for fault in _deeper_faults(found.sound) if not _is_told(fault, missed)]
        findings.warnings += [f"{place}{said}" for said in _warnings(found.sound) if not _is_told(said, missed)]
    if found.site is not None and found.documents.clusters is not None:
        findings.warnings += [f"{found.documents.clusters.place}{said}" for said in _unrecognised(found.site)]
    for place, file in found.clusters.values():
        findings.faults += [f"{place}{fault}" for fault in missing(file, connector)]
    if commands := found.documents.commands:
        findings.faults += [f"{commands.place}{fault}" for fault in missing_of_nodes(commands.data, connector)]
    _client(directory, findings)
    return Verdict(faults=findings.faults, warnings=findings.warnings)


def _client(directory: Path, findings: Findings) -> None:
    path = located(directory, CLIENT, findings)
    if path.exists() and (piece := read_piece(path, findings)):
        findings.decode(piece, ClientFile)
        findings.faults += [f"{piece.place}{fault}" for fault in names_that_do_not_fit(piece.data)]


def _unrecognised(site: Site) -> Iterator[str]:
    """Kadeploy3 knew no MACs, so a site that comes from it has none."""
    if bare := NodeSet(name for name, node in site.nodes.items() if not node.mac):
        yield f"no mac is given for {bare}: a node without one is not recognised when it boots, and cannot be deployed"


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
            why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
            yield f"authentication.http_basic.dbfile: cannot be read: {why}"
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


def _is_told(said: str, missed: Sequence[str]) -> bool:
    """Whether a file of its section is told already: what is not there cannot be read either."""
    section = said.partition(":")[0]
    return any(section in fault for fault in missed)


def _said(work: Callable[[], object]) -> Iterator[str]:
    try:
        work()
    except KadeployError as error:
        yield str(error)
