"""What a node says of its place in a broadcast, when it is not what its agent says."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.drivers.agents.seating import read_place

GOOD = {"port": 4000, "echo": {"made": 1.0, "head": {"port": 1, "broadcast": "ab" * 16, "secret": "cd" * 32}}}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(st.text(max_size=30))
def test_any_text_is_no_place(text: str) -> None:
    assert read_place(text) is None


@given(
    st.fixed_dictionaries({"port": VALUES, "echo": VALUES | st.fixed_dictionaries({"made": VALUES, "head": VALUES})})
)
def test_what_looks_like_one_is_one_or_none(said: dict[str, object]) -> None:
    found = read_place(json.dumps(said))
    assert found is None or 0 < found.port < 65536


@pytest.mark.parametrize("port", [0, -1, 65536, True, "22", 22.0, None])
def test_a_port_is_a_port(port: object) -> None:
    assert read_place(json.dumps(GOOD)) is not None
    assert read_place(json.dumps({**GOOD, "port": port})) is None
