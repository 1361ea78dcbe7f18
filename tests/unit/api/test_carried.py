from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.api import carried

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=3), inner, max_size=3)
    ),
)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"a": "\ud800"}, "a: must be text, without NUL and without halves of characters"),
        ({"a": {"b": ["x", "\0"]}}, "a.b[1]: must be text, without NUL and without halves of characters"),
        ({"a": [2**63]}, "a[0]: must be a number of at most 9223372036854775807"),
        ({"a": -(2**70)}, "a: must be a number of at most 9223372036854775807"),
        ({"a": {"\udfff": 1}}, "'a.\\udfff': is no key: must be text, without NUL and without halves of characters"),
    ],
)
def test_what_cannot_be_carried_is_told_with_its_place(value: object, told: str) -> None:
    assert carried.faults(value) == [told]


def test_depth_and_the_number_of_faults_are_bounded() -> None:
    deep: object = 1
    for _ in range(200):
        deep = [deep]
    (told,) = carried.faults({"a": deep})
    assert told.endswith("nested more than 50 deep")
    assert len(carried.faults({"a": ["\0"] * 1000})) == 5


@given(ANYTHING)
def test_what_is_left_can_be_written(value: object) -> None:
    if not carried.faults([value]):
        assert json.dumps(value, ensure_ascii=False).encode()
