"""Which nodes are meant: ranges, short names, ambiguous names, unknown ones, all told at once."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.domain.disk import Layout
from kadeploy.domain.node import Cluster, Node, Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import InvalidNodes
from kadeploy.operations.selection import Selection


def selection_of(*names: str) -> Selection:
    nodes = {name: Node(name=name, cluster="c", address="10.0.0.1", block_device="/dev/vda") for name in names}
    return Selection(Site(nodes=nodes, clusters={"c": Cluster(name="c", layout=Layout(partitions=()))}))


TEN = selection_of(*(f"node-{number}.site1.example.org" for number in range(1, 11)))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["node-2.site1.example.org"], "node-2.site1.example.org"),
        (["node-1"], "node-1.site1.example.org"),
        (["node-[1-3]"], "node-[1-3].site1.example.org"),
        (["node-1", "node-[1-2]", "node-2.site1.example.org"], "node-[1-2].site1.example.org"),
        (["ode-2.site"], "node-2.site1.example.org"),
    ],
)
def test_names_are_completed_and_doubles_merged(texts: list[str], expected: str) -> None:
    assert str(TEN.resolve(texts)) == expected


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "the node list is empty"),
        ([""], "the node list is empty"),
        (["node-99"], "there is no node node-99 here"),
        (["node-[98-99]", "other"], "there is no node node-[98-99],other here"),
        (["ode-1"], "ode-1 could be node-1.site1.example.org, node-10.site1.example.org: write more of its name"),
        (["node-[3-1]"], "'node-[3-1]' is not a node range"),
        (["node-[1-60000]", "node-[1-60001]"], "the node list names more than 100000 nodes"),
        (["site1"], "site1 could be node-1.site1"),
    ],
)
def test_what_is_meant_by_no_name(texts: list[str], message: str) -> None:
    with pytest.raises(InvalidNodes) as caught:
        TEN.resolve(texts)
    assert message in str(caught.value)


def test_every_fault_is_told() -> None:
    with pytest.raises(InvalidNodes) as caught:
        TEN.resolve(["node-[", "node-77", "ode-1", "node-3"])
    told = str(caught.value)
    assert "'node-['" in told
    assert "there is no node node-77" in told
    assert "ode-1 could be" in told


def test_a_full_name_wins_over_names_that_hold_it() -> None:
    assert selection_of("node-1", "node-10", "node-1.b").resolve(["node-1"]) == NodeSet(["node-1"])


def test_known_leaves_out_what_nobody_knows() -> None:
    assert TEN.known(["node-1", "nothing"]) == NodeSet(["node-1.site1.example.org"])


def test_ten_thousand_unknown_names_do_not_take_long() -> None:
    many = selection_of(*(f"node-{number}.site" for number in range(10_000)))
    begin = time.process_time()
    with pytest.raises(InvalidNodes):
        many.resolve(["machine-[1-10000]"])
    assert time.process_time() - begin < 2.0


def grouped() -> Selection:
    nodes = {
        name: Node(name=name, cluster=name[0], address="10.0.0.1", block_device="/dev/vda")
        for name in (*(f"a-{number}.site" for number in range(1, 5)), "b-1.site")
    }
    clusters = {name: Cluster(name=name, layout=Layout(partitions=())) for name in "ab"}
    return Selection(Site(nodes=nodes, clusters=clusters, groups={"rack1": "a-[1-2].site,b-1.site"}))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["@rack1"], "a-[1-2].site,b-1.site"),
        (["@a"], "a-[1-4].site"),
        (["@a!a-2.site"], "a-[1,3-4].site"),
        (["@a&@rack1"], "a-[1-2].site"),
        (["@b,a-3"], "a-3.site,b-1.site"),
        (["@*"], "a-[1-4].site,b-1.site"),
        (["@a!a-2"], "a-[1,3-4].site"),
        (["a-[1-3].site!a-2"], "a-[1,3].site"),
        (["@a&a-[2-3],b-1"], "a-[2-3].site,b-1.site"),
        (["@a^@rack1"], "a-[3-4].site,b-1.site"),
    ],
)
def test_groups_and_clusters_have_names(texts: list[str], expected: str) -> None:
    assert grouped().resolve(texts) == NodeSet.parse(expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@nobody", "there is no group @nobody"),
        ("@other:rack1", "'@other:rack1' is not a node range"),
        ("@rack1!@rack1", "names no node"),
        ("@a!c-2", "there is no node c-2"),
        ("@a!", "is missing beside an operator"),
        ("&@a", "is missing beside an operator"),
        ("@rack[1-99999999]", "more than 100000"),
        ("@", "'@' is not a node range"),
        ("@a,$(id)", "'$(id)' is not a node name"),
    ],
)
def test_what_is_no_group_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidNodes) as refused:
        grouped().resolve([text])
    assert message in str(refused.value)


def test_groups_are_told_to_who_misses_one() -> None:
    with pytest.raises(InvalidNodes, match="the groups are a, b, rack1"):
        grouped().resolve(["@nobody"])


@given(st.text(alphabet="@ab[]-*?!&^,:1 .", max_size=20))
def test_no_expression_does_more_than_be_refused(text: str) -> None:
    with contextlib.suppress(InvalidNodes):
        assert grouped().resolve([f"@{text}"])
