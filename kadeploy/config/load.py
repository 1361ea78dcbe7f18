"""Reads a server's configuration directory and reports everything that is wrong in it, in every file, at once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from pydantic import BaseModel

from kadeploy.config import yaml_text
from kadeploy.config.cluster import ClusterFile
from kadeploy.config.clusters import ClustersFile
from kadeploy.config.decode import decode
from kadeploy.config.power_commands import build_commands, check_overrides, overridden
from kadeploy.config.server import External, ServerConfig
from kadeploy.config.site import build_cluster, build_site
from kadeploy.domain.node import Cluster, Node, Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import PowerCommands
from kadeploy.errors import BadConfiguration, Faults

_OLD_NAMES: Final = {"server.conf": "server_conf.yml", "clusters.conf": "clusters.yml"}
OVERRIDES: Final = "command.conf"
Model = TypeVar("Model", bound=BaseModel)


class Loaded(NamedTuple):
    """What the files say; each warning is one line, `file: path.to.key: what`."""

    server: ServerConfig
    site: Site
    warnings: tuple[str, ...]


def load_site(directory: Path) -> Loaded:
    """Read server.conf, clusters.conf and each cluster's file; raises BadConfiguration with one line a fault."""
    reader = _Reader(directory=directory)
    server = reader.read("server.conf", ServerConfig)
    if server:
        reader.faults += [f"server.conf: {fault}" for fault in _missing_files(server)]
    site = _read_site(reader, server.external if server else External())
    if reader.faults or server is None or site is None:
        raise _not_valid(directory, reader.faults)
    return Loaded(server, site, tuple(reader.warnings))


def load_server(directory: Path) -> ServerConfig:
    """Read server.conf alone; raises BadConfiguration with one line a fault."""
    reader = _Reader(directory=directory)
    server = reader.read("server.conf", ServerConfig)
    if server is None:
        raise _not_valid(directory, reader.faults)
    return server


def _not_valid(directory: Path, faults: Sequence[str]) -> BadConfiguration:
    told = "".join(f"\n  {fault}" for fault in faults)
    error = BadConfiguration(f"the configuration in {directory} is not valid:{told}")
    error.__cause__ = Faults(faults)
    return error


@dataclass(slots=True)
class _Reader:
    """Reads files of one directory, and keeps what is wrong with them."""

    directory: Path
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def read(self, name: str, model: type[Model]) -> Model | None:
        path = self._find(name)
        found: Model | None = None
        with self.blaming(name):
            found = self._decode(path.name, yaml_text.parse(path.read_bytes(), trusted=True), model)
        return found

    @contextmanager
    def blaming(self, name: str) -> Iterator[None]:
        """What goes wrong inside is that file's fault."""
        try:
            yield
        except OSError as error:
            self.faults.append(f"{name}: cannot be read: {error.strerror}")
        except Faults as error:
            self.faults += [f"{name}: {fault}" for fault in error.faults]

    def _decode(self, name: str, data: object, model: type[Model]) -> Model | None:
        decoded = decode(model, data)
        self.faults += [f"{name}: {fault}" for fault in decoded.faults]
        self.warnings += [f"{name}: {warning}" for warning in decoded.warnings]
        return decoded.value

    def _find(self, name: str) -> Path:
        path = self.directory / name
        old = self.directory / _OLD_NAMES.get(name, name)
        if not path.exists() and old.exists() and old != path:
            self.warnings.append(f"{old.name}: is an old name, call it {name}")
            return old
        return path


def _read_site(reader: _Reader, external: External) -> Site | None:
    listed = reader.read("clusters.conf", ClustersFile)
    if listed is None:
        return None
    clusters: dict[str, Cluster] = {}
    files: dict[str, tuple[str, ClusterFile]] = {}
    for entry in listed.clusters:
        file = reader.read(entry.conf_file, ClusterFile)
        if file is None:
            continue
        files[entry.name] = entry.conf_file, file
        if not file.partitioning.layout:
            reader.warnings.append(f"{entry.conf_file}: partitioning.layout: is not given, a sample layout is used")
        with reader.blaming(entry.conf_file):
            clusters[entry.name] = build_cluster(entry.name, file)
    # Placeholders let the nodes be checked also when a cluster's file is at fault.
    devices = {entry.name: "/dev/null" for entry in listed.clusters}
    devices |= {name: file.partitioning.block_device for name, (_, file) in files.items()}
    site: Site | None = None
    with reader.blaming("clusters.conf"):
        built = build_site(listed, clusters, devices)
        site = replace(built, nodes=_with_commands(reader, built, files, external.default_connector))
    return site


def _with_commands(
    reader: _Reader, site: Site, files: Mapping[str, tuple[str, ClusterFile]], connector: str
) -> Mapping[str, Node]:
    """The nodes with their cluster's commands, and their own of command.conf."""
    known = NodeSet(site.nodes)

    def read(name: str) -> str:
        return (reader.directory / name).read_text()

    commands: dict[str, PowerCommands] = {}
    for cluster, (name, file) in files.items():
        with reader.blaming(name):
            commands[cluster] = build_commands(file.remoteops, connector=connector, read=read, known=known)
    own: Mapping[str, Mapping[str, str]] = {}
    if (reader.directory / OVERRIDES).exists():
        with reader.blaming(OVERRIDES):
            own = check_overrides(yaml_text.parse((reader.directory / OVERRIDES).read_bytes(), trusted=True), known)
    nodes: dict[str, Node] = {}
    for name, node in site.nodes.items():
        of_cluster = commands.get(node.cluster, PowerCommands())
        its_own = overridden(of_cluster, own[name], connector=connector) if name in own else of_cluster
        nodes[name] = replace(node, commands=its_own)
    return nodes


def _missing_files(server: ServerConfig) -> Iterator[str]:
    for place, path in _named_files(server):
        if path is not None and not path.is_file():
            yield f"{place}: there is no file {path}"
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
