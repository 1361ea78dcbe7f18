"""Sets that wait for each other at the end of a macro-step, on the in-memory engine and on the durable one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kadeploy.domain.operation import Operation
from kadeploy.domain.state import Progress
from kadeploy.testing.nodes import Fault
from tests.contract.test_engine import deploy, on_dbos, on_memory
from tests.scenario.test_automata import TOGETHER, started, world_of
from tests.scenario.world import World


@pytest.mark.parametrize("engine", [on_memory, on_dbos])
def test_nodes_that_wait_for_each_other_go_on_as_one_set(engine: Callable[..., Operation], tmp_path: Path) -> None:
    made: list[World] = []

    def world() -> World:
        made.append(world_of(4, TOGETHER % "false", {"node-2": Fault.FIRST_BOOT_FAILS, "node-3": Fault.NEVER_BOOTS}))
        return made[-1]

    operation = engine(tmp_path, world, deploy)
    assert str(operation.having(Progress.OK)) == "node-[1-2,4]"
    assert started(made[0], "send_environment") == ["0 node-[1-2,4]"]
