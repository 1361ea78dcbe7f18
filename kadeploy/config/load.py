"""Reads a server's configuration directory and reports everything that is wrong in it, in every file, at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from pydantic import BaseModel

from kadeploy.config import yaml_text
from kadeploy.config.cluster import ClusterFile
from kadeploy.config.clusters import ClustersFile
from kadeploy.config.decode import decode
from kadeploy.config.server import ServerConfig
from kadeploy.config.site import build_cluster, build_site
from kadeploy.domain.node import Cluster, Site
from kadeploy.errors import BadConfiguration, Faults

_OLD_NAMES: Final = {"server.conf": "server_conf.yml", "clusters.conf": "clusters.yml"}
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
    site = _read_site(reader)
    if reader.faults or server is None or site is None:
        told = "".join(f"\n  {fault}" for fault in reader.faults)
        raise BadConfiguration(f"the configuration in {directory} is not valid:{told}") from Faults(reader.faults)
    return Loaded(server, site, tuple(reader.warnings))


@dataclass(slots=True)
class _Reader:
    """Reads files of one directory, and keeps what is wrong with them."""

    directory: Path
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def read(self, name: str, model: type[Model]) -> Model | None:
        path = self._find(name)
        try:
            data = yaml_text.parse(path.read_bytes(), trusted=True)
        except OSError as error:
            self.faults.append(f"{name}: cannot be read: {error.strerror}")
            return None
        except Faults as error:
            self.faults += [f"{path.name}: {fault}" for fault in error.faults]
            return None
        decoded = decode(model, data)
        self.faults += [f"{path.name}: {fault}" for fault in decoded.faults]
        self.warnings += [f"{path.name}: {warning}" for warning in decoded.warnings]
        return decoded.value

    def _find(self, name: str) -> Path:
        path = self.directory / name
        old = self.directory / _OLD_NAMES.get(name, name)
        if not path.exists() and old.exists() and old != path:
            self.warnings.append(f"{old.name}: is an old name, call it {name}")
            return old
        return path


def _read_site(reader: _Reader) -> Site | None:
    listed = reader.read("clusters.conf", ClustersFile)
    if listed is None:
        return None
    clusters: dict[str, Cluster] = {}
    devices: dict[str, str] = {}
    for entry in listed.clusters:
        file = reader.read(entry.conf_file, ClusterFile)
        if file is None:
            continue
        devices[entry.name] = file.partitioning.block_device
        if not file.partitioning.layout:
            reader.warnings.append(f"{entry.conf_file}: partitioning.layout: is not given, a sample layout is used")
        try:
            clusters[entry.name] = build_cluster(entry.name, file)
        except Faults as error:
            reader.faults += [f"{entry.conf_file}: {fault}" for fault in error.faults]
    try:
        # Placeholders let the nodes be checked also when a cluster's file is at fault.
        return build_site(listed, clusters, {entry.name: "/dev/null" for entry in listed.clusters} | devices)
    except Faults as error:
        reader.faults += [f"clusters.conf: {fault}" for fault in error.faults]
        return None


def _missing_files(server: ServerConfig) -> Iterator[str]:
    basic = server.authentication.http_basic
    if basic and not basic.dbfile.is_file():
        yield f"authentication.http_basic.dbfile: there is no file {basic.dbfile}"
    if server.ssh_private_key and not server.ssh_private_key.is_file():
        yield f"ssh_private_key: there is no file {server.ssh_private_key}"
    for index, root in enumerate(server.files.roots):
        if not root.is_dir():
            yield f"files.roots[{index}]: there is no directory {root}"
