"""Whatever somebody sends as a description, there is an environment or there are faults, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kadeploy.config.description import describe, describe_text
from kadeploy.config.environment_schema import environment_schema, fields
from kadeploy.domain.environment import Environment
from kadeploy.errors import Faults

TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["tar", "dd", "fsa", "gzip", "none", "linux", "xen", "private", "public", "server:///x", "/vmlinuz", "0x83"]
    ),
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS)
ANYTHING = st.recursive(
    SCALARS | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
KEYS = sorted({part for path in fields(environment_schema()) for part in path.replace("[]", "").split(".")})
SECTIONS = st.recursive(
    ANYTHING,
    lambda inner: st.dictionaries(st.sampled_from(KEYS), inner, max_size=6) | st.lists(inner, max_size=2),
    max_leaves=12,
)
GOOD: dict[str, Any] = {
    "name": "debian12",
    "os": "linux",
    "image": {"file": "server:///x", "kind": "tar", "compression": "gzip"},
    "boot": {"kernel": "/vmlinuz"},
    "filesystem": "ext4",
}


def judged(description: object) -> Environment | None:
    """None when there are faults, each a sentence of one line with something in it."""
    faults: tuple[str, ...] = ()
    try:
        found = describe(description, user="alice")
    except Faults as error:
        faults = error.faults
    if faults:
        assert all(fault.strip() for fault in faults)
        return None
    assert all(": " in warning for warning in found.warnings)
    return found.environment


@given(ANYTHING)
def test_anything(description: object) -> None:
    judged(description)


@settings(max_examples=120)
@given(st.dictionaries(st.sampled_from(KEYS), SECTIONS, max_size=10))
def test_known_keys_with_anything_in_them(changes: dict[str, object]) -> None:
    environment = judged({**GOOD, **changes})
    if environment is not None:
        assert judged(dict(environment.description)) == environment, "what is kept describes the same"


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(sorted(GOOD)), SECTIONS, min_size=1, max_size=3), SECTIONS)
def test_a_good_one_that_was_damaged(changes: dict[str, object], image: object) -> None:
    judged({**GOOD, **changes})
    judged({**GOOD, "image": image})


@given(st.one_of(st.text(), st.binary()))
def test_any_text(text: str | bytes) -> None:
    with pytest.raises(Faults):
        describe_text(text, user="alice")
