"""Whatever is in the files of a configuration: it is read, or every fault of it is told in lines. Nothing else."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kadeploy.config.documents import read_originals
from kadeploy.config.load import Examined, examine
from kadeploy.config.migrated import migrated
from kadeploy.config.programs import missing, missing_of_nodes
from kadeploy.config.ranges import expand
from tests.unit.config import files
from tests.unit.config.original_site import FILES

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.dates()
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10) | st.integers(), inner, max_size=4)
    ),
    max_leaves=8,
)
NAMES = ("server.conf", "clusters.conf", "graphene.conf", "griffon.conf", "command.conf", "kadeploy.yaml")


def _places(data: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path] if path else []
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in pairs:
        found += _places(value, (*path, key))
    return found


def _ours() -> dict[str, Any]:
    entry = {**files.clusters()["clusters"][0], **files.cluster()}
    del entry["conf_file"]
    return {**files.server(Path("/nowhere")), "clusters": [entry], "commands": {"node-2": {"console": "conman x"}}}


TEXTS = {name: (FILES / name).read_text().replace("@DIR@", "/nowhere") for name in NAMES[:-1]}
WHOLE = {**{name: yaml.safe_load(text) for name, text in TEXTS.items()}, "kadeploy.yaml": _ours()}


def looked_at(contents: dict[str, str | bytes]) -> Examined:
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        for name, content in contents.items():
            (directory / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        found = examine(directory)
        assert found.findings.faults or (found.server and found.site)
        for line in (*found.findings.faults, *found.findings.warnings):
            assert ": " in line
            assert "Traceback" not in line
        for _, file in found.clusters.values():
            assert all(": " in line for line in missing(file, "ssh"))
        if found.documents.commands:
            list(missing_of_nodes(found.documents.commands.data, "ssh"))
        if "kadeploy.yaml" not in contents and not found.findings.faults:
            migrated(examine(directory, read_originals), directory)
        return found


@settings(max_examples=300)
@given(st.data())
def test_one_value_of_a_good_configuration_is_anything(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES))
    content = yaml.safe_load(yaml.safe_dump(WHOLE[name]))
    path = data.draw(st.sampled_from(_places(content)))
    here = content
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = data.draw(VALUES)
    texts: dict[str, str | bytes] = {} if name == "kadeploy.yaml" else dict(TEXTS)
    looked_at({**texts, name: yaml.safe_dump(content, allow_unicode=True)})


@settings(max_examples=100)
@given(st.sampled_from(NAMES), VALUES)
def test_a_file_holds_anything(name: str, value: object) -> None:
    texts: dict[str, str | bytes] = {} if name == "kadeploy.yaml" else dict(TEXTS)
    looked_at({**texts, name: yaml.safe_dump(value, allow_unicode=True)})


@settings(max_examples=100)
@given(st.sampled_from(NAMES), st.binary(max_size=200) | st.text("{}[]:,&*!|>'\"%@`-? \n\tab0", max_size=60))
def test_a_file_holds_any_bytes(name: str, content: str | bytes) -> None:
    texts: dict[str, str | bytes] = {} if name == "kadeploy.yaml" else dict(TEXTS)
    looked_at({**texts, name: content})


@settings(max_examples=300)
@given(st.text("[]0123456789,-ab ", max_size=30) | st.text(max_size=20))
def test_a_range_unfolds_or_is_refused(text: str) -> None:
    try:
        names = expand(text)
    except ValueError:
        return
    assert 1 <= len(names) <= 100_000
    assert not any(mark in name for name in names for mark in "[]")
