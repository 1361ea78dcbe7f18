"""SIGKILL behind every visit of a step that a server has recorded, one after the other; the next server goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from kadeploy.domain.state import OperationState, Progress
from tests.scenario.killed_visit import Lived, deployment
from tests.scenario.mortal import life

SHARDS = 16  # tests, so that they can run beside each other


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """A life that nothing disturbed."""
    lived = life(deployment, tmp_path_factory.mktemp("whole"), 0)
    assert lived is not None
    assert lived.visits > 30
    return lived


def check(lived: Lived, whole: Lived) -> None:
    operation = lived.operation
    assert operation.state is OperationState.DONE
    assert operation.having(Progress.OK) == operation.nodes
    assert lived.ends == ("node-1", "node-2", "node-3"), "each comes to one end, told once"
    assert lived.ran == whole.ran, "no command is run a second time"
    for name, boots in lived.boots.items():
        assert boots <= whole.boots[name] + 1, "killed while it rebooted nodes, it does so again"
    assert not lived.running
    assert not lived.slots


@pytest.mark.parametrize("shard", range(SHARDS))
def test_killed_behind_every_visit(shard: int, whole: Lived, tmp_path: Path) -> None:
    for last in range(1 + shard, whole.visits + 1, SHARDS):
        directory = tmp_path / f"killed behind {last}"
        directory.mkdir()
        assert life(deployment, directory, last) is None, "it was killed"
        lived = life(deployment, directory, 0)
        assert lived is not None
        check(lived, whole)
