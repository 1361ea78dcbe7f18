"""The rule that keeps two users off one node, as a decision."""

from __future__ import annotations

import pytest

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.rights import EVERY, Right, cannot_be_taken, holders, in_the_way, left_before, refused, replaced

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


@pytest.mark.parametrize(
    ("at", "lacking"), [(0.0, "n-[1-2]"), (9.9, "n-[1-2]"), (10.0, "n-2"), (19.9, "n-2"), (20.0, "n-[1-2]")]
)
def test_a_right_counts_from_its_beginning_up_to_its_end(at: float, lacking: str) -> None:
    rights = [Right(user="alice", node="n-1", since=10.0, until=20.0)]
    assert refused(rights, NodeSet.parse("n-[1-2]"), at=at) == NodeSet.parse(lacking)


def test_rights_that_follow_each_other_leave_no_gap() -> None:
    rights = [Right(user="a", node="n-1", until=10.0), Right(user="a", node="n-1", since=10.0, until=20.0)]
    assert not refused(rights, NodeSet(["n-1"]), at=10.0)


@pytest.mark.parametrize(("since", "until", "is_in_the_way"), [(0, 10, False), (20, 30, False), (19, 21, True)])
def test_only_who_has_a_node_at_the_same_time_stands_in_the_way(
    since: float, until: float, is_in_the_way: bool
) -> None:
    alice = Right(user="alice", node="n-1", since=10.0, until=20.0)
    bob = Right(user="bob", node="n-1", since=since, until=until)
    assert in_the_way([alice], [bob], ADMINISTRATORS) == [alice] * is_in_the_way


def test_a_group_and_a_user_are_two() -> None:
    assert in_the_way([Right(user="@ml", node="n-1")], [ALICE_1], ADMINISTRATORS) == [Right(user="@ml", node="n-1")]
    assert holders("alice", {"ml", "bio"}) == ("alice", "@bio", "@ml")


def test_what_is_taken_over_lasts_until_then() -> None:
    begun, coming = Right(user="a", node="n-1"), Right(user="a", node="n-2", since=50.0)
    assert left_before([begun, coming], 20.0) == [Right(user="a", node="n-1", until=20.0)]
    assert left_before([begun], 0.0) == []


def test_a_right_given_again_replaces_what_it_meets() -> None:
    now, later = Right(user="a", node="n-1", until=10.0), Right(user="a", node="n-1", since=20.0)
    other = Right(user="a", node="n-1", partition="/dev/sda3")
    assert replaced([now, later, other], [Right(user="a", node="n-1", until=15.0)]) == [now]
