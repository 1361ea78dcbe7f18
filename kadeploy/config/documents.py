"""The files of a configuration directory, taken apart: what is said of the server, of its clusters, of single nodes.

Ours is one file, kadeploy.yaml: the keys of server.conf, `clusters` as in clusters.conf with the keys of each cluster's
file in its entry, and `commands` as in command.conf. Without it Kadeploy3's files are read, each by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kadeploy.config.findings import Findings, Piece
from kadeploy.config.original import cluster_as_ours, server_as_ours, written
from kadeploy.domain import yaml_text
from kadeploy.errors import Faults

SINGLE: Final = "kadeploy.yaml"
SERVER, CLUSTERS, COMMANDS, CLIENT = "server.conf", "clusters.conf", "command.conf", "client.conf"
OLD_NAMES: Final = {
    SERVER: "server_conf.yml",
    CLUSTERS: "clusters.yml",
    COMMANDS: "cmd.yml",
    CLIENT: "client_conf.yml",
}
_LISTED: Final = ("name", "prefix", "nodes", "conf_file")


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """`settings` are those of each cluster, by its index in `clusters`; None and missing is what cannot be read."""

    server: Piece | None = None
    clusters: Piece | None = None
    settings: Mapping[int, Piece] = field(default_factory=dict)
    commands: Piece | None = None


def read_documents(directory: Path, findings: Findings) -> Documents:
    """What goes wrong is among the findings."""
    if not (directory / SINGLE).exists():
        return read_originals(directory, findings)
    for name in (SERVER, CLUSTERS, COMMANDS):
        if (directory / name).exists():
            findings.warnings.append(f"{name}: is not read, since there is {SINGLE}")
    documents = Documents()
    with findings.blaming(f"{SINGLE}: "):
        documents = _taken_apart(directory, _mapping(_load(directory / SINGLE)), findings)
    return documents


def read_server(directory: Path, findings: Findings) -> Piece | None:
    """The server's part alone."""
    if (directory / SINGLE).exists():
        return read_documents(directory, findings).server
    return _server(directory, findings)


def located(directory: Path, name: str, findings: Findings) -> Path:
    """The file of that name, or the one that has Kadeploy3's old name for it."""
    path, old = directory / name, directory / OLD_NAMES.get(name, name)
    if not path.exists() and old.exists() and old != path:
        findings.warnings.append(f"{old.name}: is an old name, call it {name}")
        return old
    return path


def read_piece(path: Path, findings: Findings, place: str = "") -> Piece | None:
    """A file as it is."""
    place = place or f"{path.name}: "
    found: Piece | None = None
    with findings.blaming(place):
        found = Piece(place=place, data=_load(path))
    return found


def _taken_apart(directory: Path, data: dict[str, Any], findings: Findings) -> Documents:
    commands, entries = data.pop("commands", {}), data.pop("clusters", None)
    groups = {"groups": data.pop("groups")} if "groups" in data else {}
    listed: list[object] = []
    settings: dict[int, Piece] = {}
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict) and "conf_file" not in entry:
            own = {key: value for key, value in entry.items() if key not in _LISTED}
            settings[index] = Piece(place=f"{SINGLE}: clusters[{index}].", data=own)
            entry = {**{key: value for key, value in entry.items() if key in _LISTED}, "conf_file": SINGLE}
        elif piece := _cluster_file(directory, entry, findings, ""):
            settings[index] = piece
        listed.append(entry)
    clusters = {} if entries is None else {"clusters": listed if isinstance(entries, list) else entries, **groups}
    return Documents(
        server=Piece(place=f"{SINGLE}: ", data=data),
        clusters=Piece(place=f"{SINGLE}: ", data=clusters),
        settings=settings,
        commands=Piece(place=f"{SINGLE}: commands.", data=commands),
    )


def read_originals(directory: Path, findings: Findings) -> Documents:
    """Kadeploy3's files, whether there is one of ours or not."""
    raw = read_piece(located(directory, SERVER, Findings()), Findings())
    server = _server(directory, findings)
    clusters = read_piece(located(directory, CLUSTERS, findings), findings)
    entries = clusters.data.get("clusters") if clusters and isinstance(clusters.data, Mapping) else ()
    settings: dict[int, Piece] = {}
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if piece := _cluster_file(directory, entry, findings, raw.data if raw else {}):
            settings[index] = piece
    path = located(directory, COMMANDS, findings)
    commands = read_piece(path, findings) if path.exists() else None
    return Documents(server=server, clusters=clusters, settings=settings, commands=commands)


def _server(directory: Path, findings: Findings) -> Piece | None:
    piece = read_piece(located(directory, SERVER, findings), findings)
    if piece is None:
        return None
    ours = server_as_ours(piece.data, directory)
    findings.warnings += [f"{piece.place}{note}" for note in ours.notes]
    return Piece(place=piece.place, data=ours.data)


def _cluster_file(directory: Path, entry: object, findings: Findings, server: object) -> Piece | None:
    name = entry.get("conf_file") if isinstance(entry, Mapping) else None
    if not isinstance(name, str) or not name:
        return None  # which is told where clusters.conf is decoded
    piece = read_piece(directory / name, findings, f"{name}: ")
    if piece is None:
        return None
    ours = cluster_as_ours(piece.data, server)
    findings.warnings += [f"{piece.place}{note}" for note in ours.notes]
    return Piece(place=piece.place, data=ours.data)


def _load(path: Path) -> object:
    """Raises OSError and Faults."""
    return written(yaml_text.parse(path.read_bytes(), trusted=True))


def _mapping(data: object) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise Faults([f"must be a mapping of keys to values, not {type(data).__name__}"])
    return dict(data)
