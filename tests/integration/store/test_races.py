"""Who comes second does not get the node: threads with a connection each, and whole processes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from kadeploy.errors import Conflict
from kadeploy.ports.store import Created
from kadeploy.store.database import Database
from kadeploy.store.operations import SqlOperations
from tests.integration.store.examples import an_operation

RACERS = 4


def _race(url: str, barrier: Barrier, number: int) -> str:
    database = Database.open(url)
    try:
        barrier.wait()
        asyncio.run(SqlOperations(database).create(an_operation(f"D-{number}", f"n-[{number}-50]")))
    except Conflict as conflict:
        return conflict.message
    finally:
        database.close()
    return "won"


def test_of_servers_that_start_and_submit_at_once_one_wins(url: str) -> None:
    barrier = Barrier(RACERS)
    with ThreadPoolExecutor(RACERS) as pool:
        answers = list(pool.map(lambda number: _race(url, barrier, number), range(1, RACERS + 1)))
    assert answers.count("won") == 1
    winner = answers.index("won") + 1
    assert all(f"by D-{winner} of alice" in answer for answer in answers if answer != "won")


def test_many_submissions_to_one_server_at_once_have_one_winner(url: str) -> None:
    async def story() -> list[BaseException | Created]:
        database = Database.open(url)
        operations = SqlOperations(database)
        creations = (operations.create(an_operation(f"D-{number}", "n-[1-20]")) for number in range(30))
        answers = await asyncio.gather(*creations, return_exceptions=True)
        database.close()
        return answers

    answers = asyncio.run(story())
    assert answers.count(Created()) == 1
    assert sum(isinstance(answer, Conflict) for answer in answers) == 29


def test_of_processes_that_submit_at_once_one_wins(url: str) -> None:
    argv = [sys.executable, "-m", "tests.integration.store.submitter", url]
    racers = [
        subprocess.Popen([*argv, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for number in range(RACERS)
    ]
    try:
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        answers = [racer.communicate(timeout=30)[0].strip() for racer in racers]
    finally:
        for racer in racers:
            racer.kill()
            racer.communicate()
    assert sorted(answer.split()[0] for answer in answers) == ["conflict"] * (RACERS - 1) + ["won"]
