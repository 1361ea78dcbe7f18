"""The JSON Schema of descriptions: what checks them and what is published are one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kadeploy.config.description import describe
from kadeploy.config.environment_schema import environment_schema, fields
from kadeploy.errors import Faults

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
SCHEMA = environment_schema()
CHECKER = jsonschema.Draft202012Validator(SCHEMA)
TAR = {"file": "server:///x.tgz", "kind": "tar", "compression": "gzip"}
DESCRIPTIONS: dict[str, dict[str, Any]] = {
    "tar": {"name": "d", "os": "linux", "image": TAR, "boot": {"kernel": "/k"}, "filesystem": "ext4"},
    "xen": {
        "name": "d",
        "os": "xen",
        "image": TAR,
        "boot": {"kernel": "/k", "hypervisor": "/xen"},
        "filesystem": "ext4",
        "partition_type": "0x83",
    },
    "dd": {"name": "w", "os": "other", "image": {"file": "http://x/y", "kind": "dd", "compression": "none"}},
    "fsa": {
        "name": "f",
        "os": "linux",
        "image": {"file": "server:///x", "kind": "fsa", "compression": 3},
        "multipart": True,
        "boot": {"block_device": "sda", "partition": 1},
        "options": {"partitions": [{"id": 0, "device": "sda1"}]},
        "postinstalls": [{"archive": "server:///p", "compression": "xz", "script": "a b"}],
        "preinstall": None,
        "of_another_version": {"a": 1},
    },
}


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


def test_the_published_schema_is_this_one() -> None:
    """`kaenv --schema > docs/reference/environment.schema.json` makes it."""
    assert json.loads((REFERENCE / "environment.schema.json").read_text()) == SCHEMA


def test_every_field_is_in_the_reference() -> None:
    text = (REFERENCE / "environment.md").read_text()
    assert [
        f"| `{path}` | {says} |" for path, says in fields(SCHEMA).items() if f"| `{path}` | {says} |" not in text
    ] == []
    assert all(fields(SCHEMA).values()), "every field says what it is"


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_both_take_what_is_right(name: str) -> None:
    CHECKER.validate(DESCRIPTIONS[name])
    describe(DESCRIPTIONS[name], user="alice")


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("tar", {"name": ""}),
        ("tar", {"os": "bsd"}),
        ("tar", {"version": -1}),
        ("tar", {"image": {**TAR, "kind": "iso"}}),
        ("tar", {"image": {"file": "server:///x", "kind": "tar"}}),
        ("tar", {"image": None}),
        ("tar", {"boot": {}}),
        ("tar", {"boot": {"kernel": ""}}),
        ("tar", {"filesystem": None}),
        ("tar", {"os": "xen"}),
        ("tar", {"multipart": True}),
        ("tar", {"partition_type": "ext4"}),
        ("tar", {"visibility": "secret"}),
        ("tar", {"postinstalls": [{"archive": "server:///x"}]}),
        ("dd", {"image": {"file": "http://x/y", "kind": "dd"}}),
        ("fsa", {"image": {"file": "server:///x", "kind": "fsa", "compression": 12}}),
        ("fsa", {"options": {"partitions": []}}),
        ("fsa", {"options": None}),
        ("fsa", {"boot": {"block_device": "sda"}}),
        ("fsa", {"options": {"partitions": [{"id": 0}]}}),
    ],
)
def test_both_refuse_what_is_wrong(name: str, changes: dict[str, object]) -> None:
    given = {**DESCRIPTIONS[name], **changes}
    plain = {key: value for key, value in given.items() if value is not None}
    assert not CHECKER.is_valid(plain)
    with pytest.raises(Faults):
        describe(plain, user="alice")
