"""What goes when there is no room, and what survives in JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.files.fetch import Validators
from kadeploy.files.index import Index, Origin


def an_index(**sizes: int) -> Index:
    """The first was used longest ago."""
    index = Index()
    for at, (name, size) in enumerate(sizes.items()):
        index.add(name, size=size, at=float(at))
    return index


@pytest.mark.parametrize(
    ("space", "expected"),
    [(9, []), (6, ["a"]), (5, ["a", "c"]), (2, ["a", "c"]), (1, None), (-1, None)],
)
def test_the_least_recently_used_go_first_and_what_is_pinned_never(space: int, expected: list[str] | None) -> None:
    index = an_index(a=3, b=2, c=4)
    index.pin("b", "D-1", at=1.0)
    assert index.victims(space) == expected


@given(
    st.lists(st.tuples(st.integers(1, 50), st.booleans()), max_size=12),
    st.integers(-10, 300),
)
def test_what_is_left_fits_and_nothing_in_use_is_chosen(contents: list[tuple[int, bool]], space: int) -> None:
    index = an_index(**{f"c{number}": size for number, (size, _) in enumerate(contents)})
    for number, (_, pinned) in enumerate(contents):
        if pinned:
            index.pin(f"c{number}", f"D-{number % 3}", at=float(number))
    in_use = sum(index.contents[name].size for name in index.in_use())
    victims = index.victims(space)
    if victims is None:
        assert in_use > space
    else:
        assert not set(victims) & index.in_use()
        assert sum(content.size for name, content in index.contents.items() if name not in victims) <= space


def test_a_content_stays_until_the_last_owner_releases_it() -> None:
    index = an_index(a=3)
    assert index.pin("a", "D-1", at=2.0)
    assert not index.pin("a", "D-1", at=3.0)
    assert index.pin("a", "D-2", at=4.0)
    assert index.release("D-1")
    assert not index.release("D-1")
    assert index.victims(0) is None
    index.unpin("a", "D-2")
    assert index.victims(0) == ["a"]
    assert index.pins == {}


def test_it_survives_in_json() -> None:
    index = an_index(a=3, b=4)
    index.pin("b", "D-1", at=9.5)
    index.origins["http://x/b"] = Origin(sha256="b", validators=Validators(etag='"1"', modified="then"))
    again = Index.from_json(json.loads(json.dumps(index.to_json())), {"a": 3, "b": 4}, at=0.0)
    assert (again.contents, again.origins, again.pins) == (index.contents, index.origins, index.pins)


def test_what_is_no_longer_there_is_forgotten_and_what_is_unknown_is_kept() -> None:
    index = an_index(a=3, b=4)
    index.pin("b", "D-1", at=9.5)
    index.origins["http://x/b"] = Origin(sha256="b", validators=Validators())
    again = Index.from_json(json.loads(json.dumps(index.to_json())), {"a": 3, "new": 7}, at=50.0)
    assert again.contents["new"].size == 7
    assert again.contents["new"].used == 50.0
    assert (set(again.contents), again.origins, again.pins) == ({"a", "new"}, {}, {})
