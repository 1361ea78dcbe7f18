"""Boards are folded once: what is read of the journal is what is new, however many operations there are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from kadeploy.domain.event import Event
from kadeploy.operations.board import fold
from kadeploy.operations.boards import Boards
from kadeploy.operations.events import EventLog
from tests.unit.operations import stories
from tests.unit.operations.journal import ListJournal

NAMES = [f"D-{number}" for number in range(300)]


def told(name: str, events: Sequence[Event]) -> list[Event]:
    return [replace(event, operation=name) for event in events]


def test_hundreds_of_operations_cost_one_read_for_all_that_is_new() -> None:
    story = stories.one_node_fails()

    async def scenario() -> None:
        journal = ListJournal()
        boards = Boards(journal, EventLog(journal))
        for name in NAMES:
            await journal.append(told(name, story[:4]))
        first = await boards.reaching(journal.numbers())
        assert first[NAMES[7]] == replace(fold(told(NAMES[7], story[:4])), number=first[NAMES[7]].number)

        journal.reads = 0
        assert await boards.reaching(journal.numbers()) == first
        assert journal.reads == 0
        for name in NAMES[::2]:
            await journal.append(told(name, story[4:]))
        again = await boards.reaching(journal.numbers())
        assert journal.reads == 1
        for name, events in ((NAMES[6], story), (NAMES[7], story[:4])):
            assert replace(again[name], number=0, settled=0) == replace(fold(told(name, events)), settled=0)

    asyncio.run(scenario())


def test_those_who_ask_together_fold_nothing_twice() -> None:
    """One visit of a step would be on the board twice."""
    story = stories.one_node_fails()

    async def scenario() -> None:
        journal = ListJournal()
        boards = Boards(journal, EventLog(journal))
        await journal.append(story[:5])
        await boards.of(stories.OPERATION)
        await journal.append(story[5:])
        numbers = journal.numbers()
        await asyncio.gather(
            *(boards.reaching(numbers) for _ in range(3)), *(boards.of(stories.OPERATION) for _ in range(3))
        )
        board = await boards.of(stories.OPERATION)
        assert len(board.steps) == len(fold(story).steps)

    asyncio.run(scenario())
