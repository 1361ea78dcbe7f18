from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from kadeploy.broadcast.order import HEAD_RANK, MOVED, Member, Shape, chain_of, chains_by_rack
from kadeploy.domain.spread import Spread


def members(*names: str) -> list[Member]:
    return [Member(name=name, host=name, port=1) for name in names]


def names(chain: tuple[Member, ...]) -> list[str]:
    return [member.name for member in chain]


def test_numbers_count_as_numbers() -> None:
    assert names(chain_of(members("node-10", "node-9", "node-100"))) == ["node-9", "node-10", "node-100"]


def test_a_site_and_a_cluster_stay_together() -> None:
    chain = chain_of(members("b-1.nancy.fr", "a-2.lyon.fr", "a-1.nancy.fr", "c-1.lyon.fr"))
    assert names(chain) == ["a-2.lyon.fr", "c-1.lyon.fr", "a-1.nancy.fr", "b-1.nancy.fr"]


def test_a_rack_is_crossed_once() -> None:
    racks = {"n1": "rack-10", "n2": "rack-9", "n3": "rack-10", "n4": "rack-9"}
    assert names(chain_of(members("n1", "n2", "n3", "n4"), racks)) == ["n2", "n4", "n1", "n3"]


def test_racks_share_a_chain_where_there_are_more_than_the_server_can_feed() -> None:
    chain = members(*(f"n{number}" for number in range(8)))
    racks = {"n0": "a", "n1": "a", "n2": "b", "n3": "b", "n4": "c", "n5": "c", "n6": "d", "n7": "d"}
    starts = {most: chains_by_rack(chain, racks, most).starts for most in range(1, 6)}
    assert starts == {1: (0,), 2: (0, 4), 3: (0, 2, 6), 4: (0, 2, 4, 6), 5: (0, 2, 4, 6)}
    assert chains_by_rack(chain, {}, 4).starts == (0,)


def test_one_at_the_end_reads_from_the_last_of_the_others() -> None:
    """Not from the server, whose link all the others hang on."""
    assert Shape().before(MOVED + 1, 4) == (3, 2, 0, HEAD_RANK)


@given(st.lists(st.sampled_from("abcd"), max_size=30), st.integers(1, 6))
def test_a_rack_is_never_cut_in_two(places: list[str], most: int) -> None:
    chain = members(*(f"n{number}" for number in range(len(places))))
    racks = dict(zip((member.name for member in chain), sorted(places), strict=True))
    starts = chains_by_rack(chain, racks, most).starts
    assert starts[0] == 0
    assert len(starts) <= most
    assert all(racks[f"n{start}"] != racks[f"n{start - 1}"] for start in starts[1:])


@given(st.lists(st.text("ab.-019\u00b2", max_size=8), unique=True), st.integers())
def test_any_names_have_one_order(some: list[str], seed: int) -> None:
    mixed = members(*some)
    random.Random(seed).shuffle(mixed)
    assert chain_of(mixed) == chain_of(members(*some))


@given(
    form=st.sampled_from(Spread),
    arity=st.integers(1, 5),
    starts=st.sets(st.integers(1, 29), max_size=4),
    count=st.integers(1, 30),
)
def test_those_behind_a_node_are_those_that_read_from_it(
    form: Spread, arity: int, starts: set[int], count: int
) -> None:
    shape = Shape(form=form, arity=arity, starts=(0, *sorted(starts)))
    told = [(rank, line[0]) for rank in range(count) for line in shape.behind(rank, count) if line]
    first = [(shape.before(rank, count)[0], rank) for rank in range(count)]
    assert sorted(told) == sorted((source, rank) for source, rank in first if source != HEAD_RANK)


def test_where_the_next_one_is_dead_the_one_after_it_counts() -> None:
    assert [list(line) for line in Shape(starts=(0, 4)).behind(1, 8)] == [[2, 3]]
