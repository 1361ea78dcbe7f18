"""Reads a server's configuration directory and reports everything that is wrong in it, in every file, at once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from kadeploy.config.cluster import ClusterFile
from kadeploy.config.clusters import ClustersFile
from kadeploy.config.decode import sound_part
from kadeploy.config.documents import Documents, read_documents, read_server
from kadeploy.config.findings import Findings
from kadeploy.config.power_commands import RemoteOps, build_commands, check_overrides, console_of, overridden
from kadeploy.config.server import External, ServerConfig
from kadeploy.config.site import build_cluster, build_site
from kadeploy.domain.node import Cluster, Node, Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import PowerCommands
from kadeploy.errors import BadConfiguration, Faults


class Loaded(NamedTuple):
    """What the files say; each warning is one line, `file: path.to.key: what`."""

    server: ServerConfig
    site: Site
    warnings: tuple[str, ...]


class Settled(NamedTuple):
    """A cluster's settings, and what begins a line about them."""

    place: str
    file: ClusterFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """All that could be read: `server` and `site` are None where their own faults keep them from being anything.
    `sound` is the server without what has a fault."""

    server: ServerConfig | None
    sound: ServerConfig | None
    site: Site | None
    clusters: Mapping[str, Settled]
    documents: Documents
    findings: Findings


def examine(directory: Path, read: Callable[[Path, Findings], Documents] = read_documents) -> Examined:
    """Everything of the directory, with all that is wrong in it."""
    findings = Findings()
    documents = read(directory, findings)
    server = findings.decode(documents.server, ServerConfig) if documents.server else None
    sound = server
    if documents.server and (sound := server or sound_part(ServerConfig, documents.server.data)):
        findings.faults += [f"{documents.server.place}{fault}" for fault in _missing_files(sound)]
    settled: dict[str, Settled] = {}
    site = _read_site(directory, documents, server.external if server else External(), settled, findings)
    return Examined(
        server=server,
        sound=sound,
        site=site,
        clusters=settled,
        documents=documents,
        findings=findings,
    )


def load_site(directory: Path) -> Loaded:
    """Read the directory; raises BadConfiguration with one line a fault."""
    found = examine(directory)
    if found.findings.faults or found.server is None or found.site is None:
        raise _not_valid(directory, found.findings.faults)
    return Loaded(found.server, found.site, tuple(found.findings.warnings))


def load_server(directory: Path) -> ServerConfig:
    """Read the server's part alone; raises BadConfiguration with one line a fault."""
    return _load_server(directory, Findings())[0]


def load_without_site(directory: Path) -> Loaded:
    """The same with its warnings, and files that it names checked; clusters are not looked for."""
    findings = Findings()
    server, place = _load_server(directory, findings)
    if faults := [f"{place}{fault}" for fault in _missing_files(server)]:
        raise _not_valid(directory, faults)
    return Loaded(server, Site(nodes={}, clusters={}), tuple(findings.warnings))


def _load_server(directory: Path, findings: Findings) -> tuple[ServerConfig, str]:
    """And what begins a line about it."""
    piece = read_server(directory, findings)
    server = findings.decode(piece, ServerConfig) if piece else None
    if server is None or piece is None:
        raise _not_valid(directory, findings.faults)
    return server, piece.place


def _not_valid(directory: Path, faults: Sequence[str]) -> BadConfiguration:
    told = "".join(f"\n  {fault}" for fault in faults)
    error = BadConfiguration(f"the configuration in {directory} is not valid:{told}")
    error.__cause__ = Faults(faults)
    return error


def _read_site(
    directory: Path, documents: Documents, external: External, settled: dict[str, Settled], findings: Findings
) -> Site | None:
    listed = findings.decode(documents.clusters, ClustersFile) if documents.clusters else None
    clusters: dict[str, Cluster] = {}
    names = dict(enumerate(entry.name for entry in listed.clusters)) if listed else {}
    for index, piece in documents.settings.items():
        file = findings.decode(piece, ClusterFile)
        if file is None:
            continue
        name = names.get(index, f"clusters[{index}]")
        settled[name] = Settled(piece.place, file)
        if not file.partitioning.layout:
            findings.warnings.append(f"{piece.place}partitioning.layout: is not given, a sample layout is used")
        with findings.blaming(piece.place):
            clusters[name] = build_cluster(name, file)
    if listed is None or documents.clusters is None:
        if documents.commands is not None:
            with findings.blaming(documents.commands.place):
                check_overrides(documents.commands.data, None)
        return None
    # Placeholders let the nodes be checked also when a cluster's file is at fault.
    devices = {entry.name: "/dev/null" for entry in listed.clusters}
    devices |= {name: one.file.partitioning.block_device for name, one in settled.items()}
    site: Site | None = None
    with findings.blaming(documents.clusters.place):
        site = build_site(listed, clusters, devices)
    commands = _commands(directory, documents, settled, external, listed.names, findings)
    return replace(site, nodes=_with_commands(site, settled, external, commands)) if site else None


class _Commands(NamedTuple):
    """By cluster, and by node as command.conf has them."""

    clusters: Mapping[str, PowerCommands]
    nodes: Mapping[str, Mapping[str, str]]


def _commands(
    directory: Path,
    documents: Documents,
    settled: Mapping[str, Settled],
    external: External,
    names: Collection[str],
    findings: Findings,
) -> _Commands:
    known, connector = NodeSet(names), external.default_connector

    def read(name: str) -> str:
        return (directory / name).read_text()

    commands: dict[str, PowerCommands] = {}
    for cluster, one in settled.items():
        with findings.blaming(one.place):
            commands[cluster] = build_commands(one.file.remoteops, connector=connector, read=read, known=known)
    own: Mapping[str, Mapping[str, str]] = {}
    if documents.commands is not None:
        with findings.blaming(documents.commands.place):
            own = check_overrides(documents.commands.data, known)
    return _Commands(commands, own)


def _with_commands(
    site: Site, settled: Mapping[str, Settled], external: External, commands: _Commands
) -> Mapping[str, Node]:
    """The nodes with their cluster's commands, and their own of command.conf."""
    own, connector = commands.nodes, external.default_connector
    nodes: dict[str, Node] = {}
    for name, node in site.nodes.items():
        of_cluster = commands.clusters.get(node.cluster, PowerCommands())
        its_own = overridden(of_cluster, own[name], connector=connector) if name in own else of_cluster
        remoteops = settled[node.cluster].file.remoteops if node.cluster in settled else RemoteOps()
        console = console_of(remoteops, own.get(name, {}), connector=connector)
        nodes[name] = replace(node, commands=its_own, console=console)
    return nodes


def _missing_files(server: ServerConfig) -> Iterator[str]:
    for place, path in _named_files(server):
        if path is not None and not path.is_file():
            yield f"{place}: there is no file {path}"
        elif path is not None and not os.access(path, os.R_OK):
            yield f"{place}: the file {path} cannot be read by this user"
    for index, root in enumerate(server.files.roots):
        if not root.is_dir():
            yield f"files.roots[{index}]: there is no directory {root}"
    for kind, command in server.hooks.commands.items():
        if command and shutil.which(command[0]) is None:
            yield f"hooks.end_of_{kind}: there is no program {command[0]}"


def _named_files(server: ServerConfig) -> Iterator[tuple[str, Path | None]]:
    schemes = server.authentication
    if schemes.http_basic:
        yield "authentication.http_basic.dbfile", schemes.http_basic.dbfile
    if schemes.certificate:
        yield "authentication.certificate.ca_cert", schemes.certificate.ca_cert
        yield "authentication.certificate.crl", schemes.certificate.crl
    if schemes.oidc:
        yield "authentication.oidc.ca_cert", schemes.oidc.ca_cert
    yield "security.certificate", server.security.certificate
    yield "security.private_key.file", server.security.private_key.file
    yield "ssh_private_key", server.ssh_private_key
