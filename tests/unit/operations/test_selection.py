"""Which nodes are meant: ranges, short names, ambiguous names, unknown ones, all told at once."""

from __future__ import annotations

import time

import pytest

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
