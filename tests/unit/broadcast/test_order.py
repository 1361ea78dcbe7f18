from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from kadeploy.broadcast.order import Member, chain_of


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


@given(st.lists(st.text("ab.-019\u00b2", max_size=8), unique=True), st.integers())
def test_any_names_have_one_order(some: list[str], seed: int) -> None:
    mixed = members(*some)
    random.Random(seed).shuffle(mixed)
    assert chain_of(mixed) == chain_of(members(*some))
