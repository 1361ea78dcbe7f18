"""Fault storms by the thousand: `python -m bench.storms [COUNT]`. Exits with 1 when one of them leaves anything wrong.

Another tenth of so many rages on DBOS, SQLite and the real cache, in processes that SIGKILL ends at random moments; a
tenth of those in memory is killed there; every hundredth goes through the use cases of a whole server.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from bench.jumping_server import USER, JumpingServer, jumping_server
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import OperationKind, Progress
from kadeploy.drivers.window import SlotWindow
from kadeploy.testing.clock import run_jumping
from kadeploy.testing.nodes import draw_faults
from tests.scenario.killed_storm import killed_storm
from tests.scenario.storm import Storm, storm

KILLED = 10
LIVES = 2  # processes at once
DURABLE = 100


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    began = time.monotonic()
    with ThreadPoolExecutor(LIVES) as pool:
        storms = list(pool.map(killed_storm, range(count // KILLED)))
    for seed in range(count):
        storms.append(storm(seed, kills=seed % KILLED == 0))
        if seed % DURABLE == 0:
            storms.append(run_jumping(durable(seed)))
    seen = sum((Counter(one.progress) for one in storms), Counter())
    print(f"{len(storms)} storms in {time.monotonic() - began:.0f} s, {sum(one.kills for one in storms)} kills")
    print(
        f"{sum(one.operations for one in storms)} operations, {sum(one.held for one in storms)} nodes held on their way"
    )
    print(", ".join(f"{number} {progress}" for progress, number in seen.most_common()))
    wrong = {one.seed: one.wrong for one in storms if one.wrong}
    for seed, said in wrong.items():
        print(f"storm {seed}: {'; '.join(said)}")
    sys.exit(1 if wrong else 0)


async def durable(seed: int) -> Storm:
    """Deployments on the whole inside of a server; some are aborted."""
    chance = random.Random(seed)
    told = Storm(seed=seed, nodes=chance.randint(5, 60))
    names = [f"node-{index}" for index in range(1, told.nodes + 1)]
    faults = draw_faults(names, share=chance.random() ** 2, seed=seed)
    window = SlotWindow(chance.randint(1, 20), chance.choice([0.0, 10.0]))
    async with jumping_server(told.nodes, faults=faults, window=window, seed=seed) as server:
        hands = chance.randint(1, 4)
        started = [await server.deploy(str(NodeSet(names[hand::hands]))) for hand in range(hands)]
        told.operations = len(started)
        for operation_id in chance.sample(started, chance.randint(0, len(started) - 1)):
            await asyncio.sleep(chance.uniform(0, 300))
            await server.inside.use_cases.running.delete(USER, OperationKind.DEPLOYMENT, operation_id, cancel=True)
        await server.until_all_have_ended()
        await _check(server, started, told)
    return told


async def _check(server: JumpingServer, started: list[str], told: Storm) -> None:
    for operation_id in started:
        operation = await server.inside.operations.get(operation_id)
        for name, outcome in operation.outcomes.items():
            told.progress[outcome.progress] = told.progress.get(outcome.progress, 0) + 1
            if not outcome.progress.is_final or (outcome.progress is not Progress.OK and not outcome.reason):
                told.wrong.append(f"{name} is {outcome.progress} for {outcome.reason!r} in {operation_id}")
    window = server.side.cluster.window
    await asyncio.sleep(window.pause + 1.0)
    if (window.used, window.resting, window.waiting) != (0, 0, 0):
        told.wrong.append(f"the window has {window.used} used, {window.resting} resting, {window.waiting} waiting")
    if pinned := server.store.files.owners():
        told.wrong.append(f"{', '.join(pinned)} still pins files")
    if server.side.cluster.watched:
        told.wrong.append(f"{NodeSet(server.side.cluster.watched)} is still watched")


if __name__ == "__main__":
    main()
