"""The rule that keeps two users off one node, as a decision."""

from __future__ import annotations

import pytest

from kadeploy.domain.rights import EVERY, Right
from kadeploy.store.rights import cannot_be_taken, in_the_way

ADMINISTRATORS = frozenset({"root"})
ALICE_1 = Right(user="alice", node="n-1")
ALICE_2 = Right(user="alice", node="n-2", partition="/dev/sda3")
ALICE_EVERY = Right(user="alice", node=EVERY)
ROOT_EVERY = Right(user="root", node=EVERY)


@pytest.mark.parametrize(
    ("held", "wanted", "expected"),
    [
        ([], [Right(user="bob", node="n-1")], []),
        ([ALICE_1, ALICE_2], [Right(user="bob", node="n-1")], [ALICE_1]),
        ([ALICE_2], [Right(user="bob", node="n-2", partition="/dev/sda5")], [ALICE_2]),
        ([ALICE_1, ALICE_2], [Right(user="bob")], [ALICE_1, ALICE_2]),
        ([ALICE_EVERY], [Right(user="bob", node="n-7")], [ALICE_EVERY]),
        ([ROOT_EVERY, ALICE_1], [Right(user="bob", node="n-2")], []),
        ([ALICE_1], [Right(user="alice", node="n-1", partition="/dev/sda3")], []),
        ([ALICE_EVERY], [ALICE_1], []),
    ],
)
def test_who_stands_in_the_way(held: list[Right], wanted: list[Right], expected: list[Right]) -> None:
    assert in_the_way(held, wanted, ADMINISTRATORS) == expected


def test_one_node_is_not_taken_out_of_every_node() -> None:
    assert cannot_be_taken([ALICE_EVERY, ALICE_1], [Right(user="bob", node="n-1")]) == [ALICE_EVERY]
    assert cannot_be_taken([ALICE_1], [Right(user="bob", node="n-1")]) == []
    assert cannot_be_taken([ALICE_EVERY], [Right(user="bob")]) == []
