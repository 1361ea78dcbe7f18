"""Environments like the demo's with scripts of their own, and what a board says of the way to them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.vm.served_lab import BUILD, ENVIRONMENT, ServedLab


def with_scripts(served: ServedLab, name: str, *, after: str, before: str = "", **words: object) -> Path:
    """Its description: `before` is its preinstall, `after` its postinstall (told `hello`), each in an archive of its
    own; `words` are further ones of the description."""
    described = yaml.safe_load((BUILD / f"images/{ENVIRONMENT}.yaml").read_text())
    described |= {**words, "name": name, "postinstalls": [archived(f"{name}-after", after)]}
    if before:
        described["preinstall"] = archived(f"{name}-before", before)
    path = served.directory / f"{name}.yaml"
    path.write_text(yaml.safe_dump(described))
    return path


def archived(name: str, script: str) -> Mapping[str, str]:
    archive = BUILD / f"images/vmtest-{name}.tgz"
    data = script.encode()
    with tarfile.open(archive, "w:gz") as packed:
        entry = tarfile.TarInfo("script.sh")
        entry.size, entry.mode = len(data), 0o755
        packed.addfile(entry, io.BytesIO(data))
    return {"archive": f"server://{archive}", "compression": "gzip", "script": "script.sh hello"}


def visits(served: ServedLab, node: str, macro: str) -> list[tuple[str, str]]:
    """The instance and micro-step of each visit of that macro-step, in order, of the newest deployment."""
    return [
        (step["instance"], step["micro"])
        for step in served.board()["steps"]
        if step["macro"] == macro and node in _names(step)
    ]


def _names(step: dict[str, Any]) -> list[str]:
    nodes: str = step["nodes"]
    return ["node-1", "node-2"] if nodes == "node-[1-2]" else nodes.split(",")
