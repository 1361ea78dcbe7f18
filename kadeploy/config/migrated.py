"""Kadeploy3's configuration as the text of ours, kadeploy.yaml, with a comment for each thing that was left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from kadeploy.config.cluster import ClusterFile
from kadeploy.config.clusters import ClustersFile
from kadeploy.config.decode import known_part
from kadeploy.config.documents import SINGLE
from kadeploy.config.load import Examined
from kadeploy.config.server import ServerConfig
from kadeploy.domain.disk import MIB, Layout
from kadeploy.domain.node import Site

_HEAD: Final = f"""\
# {SINGLE}: this server, its clusters and its nodes. Every key is in docs/reference/configuration.md;
# kadmin check says what is wrong in it. Made by kadmin migrate from the files of Kadeploy3 in
# {{directory}}
"""
_SAMPLE: Final = (
    "partitioning.layout: the sizes were in the script and could not be read: these are the ones of Kadeploy3's sample "
    "script, behind a boot partition. Make them yours before the first deployment"
)
_MACS: Final = "nodes: Kadeploy3 knows no MAC addresses; with `mac` a node is known before it has its address"
_WIDE: Final = 100_000


def migrated(found: Examined, directory: Path) -> str:
    """The text; of a configuration without faults, read from that directory."""
    documents, site = found.documents, found.site
    if documents.server is None or documents.clusters is None or site is None:
        raise ValueError("only what is whole can be migrated")
    server, dropped = known_part(ServerConfig, _mapping(documents.server.data))
    notes = [
        note.removeprefix(documents.server.place) for note in found.findings.warnings if documents.server.place in note
    ]
    lines = [*_HEAD.format(directory=directory).splitlines(), ""]
    lines += _block(server, [note for note in dict.fromkeys([*notes, *dropped]) if ": " in note], "")
    lines += ["", "clusters:"]
    listed, unlisted = known_part(ClustersFile, _mapping(documents.clusters.data))
    lines += [_comment(note, "  ") for note in (*unlisted, _MACS)]
    for index, entry in enumerate(listed["clusters"]):
        lines += _cluster(entry, found, index, site, directory)
    if documents.commands and documents.commands.data:
        lines += ["", *_dump({"commands": documents.commands.data}, "")]
    return "\n".join(lines) + "\n"


def _cluster(entry: Mapping[str, Any], found: Examined, index: int, site: Site, directory: Path) -> Iterator[str]:
    piece = found.documents.settings[index]
    settings, dropped = known_part(ClusterFile, _mapping(piece.data))
    notes = [note.removeprefix(piece.place) for note in found.findings.warnings if note.startswith(piece.place)]
    notes = [note for note in dict.fromkeys([*notes, *dropped]) if not note.startswith("partitioning.layout:")]
    if not settings["partitioning"].get("layout"):
        settings["partitioning"] = {**settings["partitioning"], "layout": _layout(site.clusters[entry["name"]].layout)}
        notes.append(_SAMPLE)
    _with_absolute_groups(settings, directory)
    own = {key: value for key, value in entry.items() if key != "conf_file"}
    block = [*_dump({"name": own.pop("name")}, "    "), *_block({**own, **settings}, notes, "    ")]
    yield f"  - {block[0].lstrip()}"
    yield from block[1:]


def _block(sections: Mapping[str, Any], notes: Sequence[str], indent: str) -> Iterator[str]:
    """Each section behind the notes on it; at the end those on sections that are gone."""
    gone = [note for note in notes if _section_of(note) not in sections]
    for name, value in sections.items():
        yield from (_comment(note, indent) for note in notes if _section_of(note) == name)
        if value not in ({}, []):
            yield from _dump({name: value}, indent)
    yield from (_comment(note, indent) for note in gone)


def _section_of(note: str) -> str:
    return note.partition(":")[0].partition(".")[0].partition("[")[0]


def _comment(note: str, indent: str) -> str:
    return f"{indent}# {note}"


def _dump(data: Mapping[str, Any], indent: str) -> list[str]:
    text = yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True, width=_WIDE, default_flow_style=False)
    return [f"{indent}{line}" if line else "" for line in text.splitlines()]


def _layout(layout: Layout) -> list[dict[str, Any]]:
    return [
        {
            "role": part.role.value,
            "number": part.number,
            **({"size": f"{part.size // MIB}M"} if part.size else {}),
        }
        for part in layout.partitions
    ]


def _with_absolute_groups(settings: Mapping[str, Any], directory: Path) -> None:
    """Files of groups were looked for beside the old files."""
    for entries in settings.get("remoteops", {}).values():
        for entry in entries:
            if isinstance(entry, dict) and entry.get("group"):
                entry["group"] = str((directory / entry["group"]).absolute())


def _mapping(data: object) -> Mapping[Any, object]:
    return data if isinstance(data, Mapping) else {}
