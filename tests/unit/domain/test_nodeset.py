"""Node sets: what parses, what folds, and the algebra."""

from __future__ import annotations

import pytest
from ClusterShell.NodeSet import NodeSet as Folded
from ClusterShell.NodeSet import NodeSetException
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import InvalidNodes

numbers = st.sets(st.integers(min_value=0, max_value=300), max_size=60)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("node-1", ["node-1"]),
        ("node-[1-3]", ["node-1", "node-2", "node-3"]),
        ("node-[1-3,7,09-11].site", [f"node-{n}.site" for n in ("1", "2", "3", "7", "09", "10", "11")]),
        ("rack1-node-[1-2]", ["rack1-node-1", "rack1-node-2"]),
        ("r[1-2]n[1-2]", ["r1n1", "r1n2", "r2n1", "r2n2"]),
        ("10.0.0.[9-10]", ["10.0.0.9", "10.0.0.10"]),
        ("a,b", ["a", "b"]),
        ("node-[1-10/3]", ["node-1", "node-4", "node-7", "node-10"]),
    ],
)
def test_ranges_unfold_in_natural_order(text: str, names: list[str]) -> None:
    assert list(NodeSet.parse(text)) == names


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "node-[3-1]",
        "node-[",
        "node-[]",
        "@group",
        "a b",
        "x/y",
        "-node",
        "node-[1-99999999]",
        "$(id)",
        "node-*",
        "?",
    ],
)
def test_what_is_no_range_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(InvalidNodes) as raised:
        NodeSet.parse(text)
    assert raised.value.code == 2
    assert len(raised.value.message) > 10


@given(numbers, numbers)
def test_the_algebra_is_that_of_sets(left: set[int], right: set[int]) -> None:
    a, b = (NodeSet(f"n{number}" for number in side) for side in (left, right))
    assert (a | b).names == a.names | b.names
    assert (a & b) | (a - b) == a
    assert (a <= b) == (left <= right)


@given(numbers)
def test_folding_and_unfolding_gives_the_same_set(chosen: set[int]) -> None:
    nodes = NodeSet(f"node-{number}.site" for number in chosen)
    assert not nodes or NodeSet.parse(str(nodes)) == nodes


names_around = st.sampled_from(["node-", "n", "rack1-node-", "griffon-", "a.b-"])
names_after = st.sampled_from(["", ".site", ".nancy.grid5000.fr", "-eth0", ".r2"])


@given(st.lists(st.tuples(names_around, numbers, names_after), max_size=3), st.booleans())
def test_folding_is_the_field_s_whatever_the_names(groups: list[tuple[str, set[int], str]], padded: bool) -> None:
    chosen = {
        f"{before}{number:03d}{after}" if padded and index == 1 else f"{before}{number}{after}"
        for index, (before, some, after) in enumerate(groups)
        for number in some
    }
    folded = str(NodeSet(chosen))
    assert folded == str(Folded.fromlist(sorted(chosen), resolver=False))
    assert not chosen or NodeSet.parse(folded).names == chosen


@given(
    st.from_regex(r"[a-z0-9.-]{0,4}\[[0-9]{1,2}(-[0-9]{1,2})?([,-][0-9]{0,2})?\][a-z0-9.-]{0,4}", fullmatch=True),
)
def test_unfolding_is_the_field_s_or_a_refusal(text: str) -> None:
    try:
        theirs: set[str] | None = set(Folded(text, resolver=False))
    except (NodeSetException, ValueError):
        theirs = None
    try:
        ours = NodeSet.parse(text).names
    except InvalidNodes:
        return
    assert set(ours) == theirs


@pytest.mark.parametrize("text", ["@nobody", "@rack1,@nobody", "node-9,@nobody", "@rack[1-2]", "@rack1!@nobody"])
def test_a_group_that_there_is_none_of_is_a_fault(text: str) -> None:
    assert NodeSet.of_groups("@rack1,@both", {"rack1": "node-[1-3]", "both": "@rack1,node-9"}) == NodeSet.parse(
        "node-[1-3,9]"
    )
    with pytest.raises(InvalidNodes, match=r"there is no group @(nobody|rack2)"):
        NodeSet.of_groups(text, {"rack1": "node-[1-3]"})
