"""A storm on DBOS, SQLite and the real cache, whose server SIGKILL ends at random moments, again and again."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from kadeploy.testing.sites import site_of
from tests.scenario.durable_world import durable_world
from tests.scenario.larder import Larder
from tests.scenario.mortal import die, life
from tests.scenario.storm import BAD, SLOW, WILD, Storm, Storming

KILLS: Final = 3  # at most
WITHIN: Final = 400.0  # simulated seconds of each life
TURNS: Final = 60  # of the loop, at most: so it strikes not only where everybody waits


def killed_storm(seed: int) -> Storm:
    """Let one rage, and its servers die; the last one tells."""
    chance = random.Random(f"{seed} kills")
    with tempfile.TemporaryDirectory(prefix="storm-") as directory:
        kills = 0
        for _ in range(chance.randint(1, KILLS)):
            told = life(_rage, Path(directory), seed, chance.uniform(0, WITHIN), chance.randint(0, TURNS))
            if told is not None:
                break
            kills += 1
        else:
            told = life(_rage, Path(directory), seed, 0.0, 0)
    assert told is not None
    told.kills = kills
    return told


async def _rage(directory: Path, seed: int, dies_after: float, turns: int) -> Storm:
    """One server's life on this directory, which ends after so many seconds and turns of the loop; 0: when all ends."""
    storming = Storming(seed)
    larder = Larder(directory, seed=seed, slow=SLOW, bad=BAD)
    site = site_of(storming.told.nodes, clusters=storming.clusters)
    try:
        async with durable_world(directory, site, seed=seed, timing=WILD, larder=larder, **storming.weather) as world:
            if dies_after:
                asyncio.get_running_loop().call_later(dies_after, _die, turns, world.freeze)
            return await (storming.rage(world, larder) if world.is_new else storming.go_on(world, larder))
    finally:
        larder.cache.close()


def _die(turns: int, freeze: Callable[[], None]) -> None:
    if turns:
        asyncio.get_running_loop().call_soon(_die, turns - 1, freeze)
        return
    freeze()
    die()
