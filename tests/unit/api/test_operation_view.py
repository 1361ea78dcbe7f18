"""Where an operation's nodes are, at every moment of what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from kadeploy.api.operation_view import Unread, is_done, long_view, nodes_at_the_end, nodes_now
from kadeploy.domain.event import Event
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Head, Operation, Outcome
from kadeploy.domain.state import OperationKind, OperationState, Progress
from kadeploy.operations.board import Board, fold
from tests.unit.operations import stories

NAMES = tuple(NodeSet.parse("node-[1-3]"))
HEAD = Head(id="D-1", kind=OperationKind.DEPLOYMENT, user="alice", created=100.0)
HELD_RESUMED_AND_ABORTED = [
    stories.begun(),
    stories.held(110.0, "node-[1-3]"),
    stories.resumed(120.0, "node-[1-3]"),
    stories.aborted(130.0, "node-2"),
    stories.decided(130.0, "go on without it"),
    stories.aborted(140.0, "node-[1,3]"),
    stories.over(140.0, ko="node-[1-3]", state="aborted"),
]
STORIES = [stories.one_node_fails(), HELD_RESUMED_AND_ABORTED]


def test_before_anything_is_told_of_them_all_go_on() -> None:
    assert nodes_now(NAMES, Board()) == {"ok": [], "ko": [], "held": [], "processing": list(NAMES)}


@pytest.mark.parametrize("story", STORIES)
def test_every_node_is_in_one_place_at_every_moment(story: Sequence[Event]) -> None:
    for count in range(len(story) + 1):
        nodes = nodes_now(NAMES, fold(story[:count]))
        assert sorted(name for some in nodes.values() for name in some) == list(NAMES)


@pytest.mark.parametrize("story", STORIES)
def test_nothing_changes_without_the_board_saying_that_it_has(story: Sequence[Event]) -> None:
    board, seen = Board(), set()
    for number, event in enumerate(story, 1):
        board.apply(event, number)
        seen.add((board.settled, str(nodes_now(NAMES, board))))
    assert len(seen) == len({settled for settled, _ in seen})


def test_held_nodes_are_the_end_when_no_other_goes_on() -> None:
    nodes = {"ok": ["node-1"], "ko": [], "held": ["node-2"], "processing": ["node-3"]}
    assert not is_done(HEAD, nodes)
    view = long_view(HEAD, nodes, unread=Unread(), now=105.0)
    assert (view["done"], view["state"], view["nodes"], view["time"]) == (False, "running", nodes, 5.0)
    rest = {**nodes, "processing": []}
    view = long_view(HEAD, rest, unread=Unread(), now=105.0)
    assert (view["done"], view["state"]) == (True, "held")
    assert view["nodes"] == {"ok": ["node-1"], "ko": [], "held": ["node-2"]}


def test_at_the_end_whatever_is_not_installed_has_failed() -> None:
    outcomes = {"node-1": Outcome(progress=Progress.OK), "node-2": Outcome(progress=Progress.ABORTED)}
    operation = Operation(
        id="D-1",
        kind=OperationKind.DEPLOYMENT,
        user="alice",
        created=100.0,
        nodes=NodeSet(NAMES),
        outcomes={**outcomes, "node-3": Outcome()},
    )
    nodes = nodes_at_the_end(operation)
    ended = replace(HEAD, state=OperationState.DONE, ended=130.0)
    view = long_view(ended, nodes, unread=Unread(log=True), now=200.0)
    assert (view["done"], view["state"], view["time"], view["logs"]) == (True, "done", 30.0, True)
    assert view["nodes"] == {"ok": ["node-1"], "ko": ["node-2", "node-3"]}
