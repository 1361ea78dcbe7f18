"""The tools' display, fed with what the engine really reports: it must agree with what the engine recorded."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console

from kadeploy.cli.display import Board
from kadeploy.cli.lines import Lines
from kadeploy.cli.render import screen
from kadeploy.domain.event import Event
from kadeploy.domain.operation import Operation
from kadeploy.domain.state import Progress
from kadeploy.testing.clock import run_jumping
from kadeploy.testing.nodes import draw_faults
from tests.scenario.world import World

NODES = 200


def deployed() -> tuple[Operation, Sequence[Event]]:
    """Two hundred nodes, a tenth of them faulty."""

    async def main() -> tuple[Operation, Sequence[Event]]:
        faults = draw_faults([f"node-{index}" for index in range(1, NODES + 1)], share=0.1, seed=5)
        world = World(NODES, faults=faults)
        return await world.deploy(), world.events.all

    return run_jumping(main())


def test_the_board_ends_where_the_engine_does() -> None:
    operation, events = deployed()
    board = Board()
    for event in events:
        board.apply(event)
    assert board.ok == operation.having(Progress.OK).names
    failed = {name: outcome for name, outcome in operation.outcomes.items() if outcome.progress is Progress.KO}
    assert failed
    assert {name: str(failure) for name, failure in board.ko.items()} == {
        name: f"{outcome.macro}-{outcome.micro}: {outcome.reason} (tried: {outcome.tried})"
        for name, outcome in failed.items()
    }
    assert not board.spots


def test_at_every_moment_all_nodes_are_somewhere_and_the_drawing_fits() -> None:
    _, events = deployed()
    board, lines = Board(), Lines(5)
    for number, event in enumerate(events):
        board.apply(event)
        places = len(board.ok) + len(board.ko) + len(board.spots) + len(board.waiting)
        assert places == NODES, f"after event {number}, {event}"
        assert all("\n" not in line for line in lines.of(board, event))
        out = io.StringIO()
        Console(file=out, width=80, height=24).print(screen(board, now=event.at, width=80, height=24))
        assert len(out.getvalue().splitlines()) < 24
