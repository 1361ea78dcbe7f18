"""Log lines have the form that Kadeploy3's tools sort, cut and print."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from kadeploy.domain.event import Event, OperationStarted, StepStarted
from kadeploy.domain.state import OperationKind
from kadeploy.operations.log_lines import LogLines
from tests.unit.operations import stories


def lines_of(
    events: Sequence[Event], verbosity: int = 3, kind: OperationKind = OperationKind.DEPLOYMENT, cluster: str = ""
) -> list[str]:
    lines = LogLines(kind, verbosity, cluster)
    return [line for event in events for line in lines.lines(event)]


def texts_of(events: Sequence[Event], verbosity: int = 3, **more: object) -> list[str]:
    return [line.rstrip("\n").partition("|")[2] for line in lines_of(events, verbosity, **more)]  # type: ignore[arg-type]


def test_a_whole_operation() -> None:
    assert texts_of(stories.one_node_fails()) == [
        "Deployment of node-[1-3] begins",
        "[0] Step SetDeploymentEnvUntrusted begins on node-[1-3]",
        "[0]   reboot on node-[1-3]",
        "[0]   wait_reboot on node-[1-3]",
        "[0]   wait_reboot failed on node-3: no answer",
        "[0] node-3 go on apart as [0.1]: retry 1 of Untrusted",
        "[0]   format_deploy_part on node-[1-2]",
        "[0.1] Step SetDeploymentEnvUntrusted begins on node-3, retry 1",
        "[0.1]   reboot on node-3",
        "[0.1]   wait_reboot on node-3",
        "Deployment of node-[1-2] done (45 s)",
        "[0.1]   wait_reboot failed on node-3: no answer",
        "Deployment of node-3 failed (70 s): SetDeploymentEnvUntrusted-wait_reboot: no answer",
        "Deployment over on cluster alpha (70 s)",
    ]


@pytest.mark.parametrize(("verbosity", "count"), [(0, 4), (1, 7), (2, 9), (3, 14), (4, 19), (5, 19)])
def test_levels(verbosity: int, count: int) -> None:
    assert len(lines_of(stories.one_node_fails(), verbosity)) == count


def test_times_grow_have_five_decimals_and_no_second_bar() -> None:
    lines = lines_of([*stories.one_node_fails(), stories.decided(90.0, "a | b\nsecond | line")], 5)
    times = [line.partition("|")[0] for line in lines]
    assert all(len(time.partition(".")[2]) == 5 for time in times)
    assert all(float(one) < float(next_one) for one, next_one in itertools.pairwise(times))
    assert all(line.count("|") == 1 and line.endswith("\n") and line.count("\n") == 1 for line in lines)
    assert [line.partition("|")[2] for line in lines[-2:]] == ["[0] a ¦ b\n", "second ¦ line\n"]


def test_failures_are_grouped_by_reason() -> None:
    wait = stories.entered(105.0, "wait_reboot", "node-[1-4]")
    ko = {"node-1": "no answer", "node-2": "no answer", "node-4": "wrong password"}
    assert texts_of([stories.begun(nodes="node-[1-4]"), stories.left(wait, 110.0, ok="node-3", ko=ko)])[1:] == [
        "[0]   wait_reboot failed on node-[1-2]: no answer",
        "[0]   wait_reboot failed on node-4: wrong password",
    ]


def test_what_power_status_said_comes_at_the_end() -> None:
    events = [stories.begun(), stories.done(101.0, "node-[1-2]", node_1="on", node_2="off"), stories.over(102.0)]
    assert texts_of(events, 0, kind=OperationKind.POWER) == [
        "Power operation of node-[1-3] begins",
        "Power operation of node-[1-2] done (1 s)",
        "---",
        "node-1: on",
        "node-2: off",
        "---",
        "Power operation over on cluster alpha (2 s)",
    ]


def test_one_cluster_of_two() -> None:
    both = OperationStarted(
        operation="D-1", at=1.0, user="a", nodes="a-1,b-1", clusters={"alpha": "a-1", "beta": "b-1"}
    )
    steps = [
        StepStarted(
            operation="D-1", at=2.0, cluster=name, set="0", macro="M", instance="I", micro="m", turn=0, nodes=node
        )
        for name, node in (("alpha", "a-1"), ("beta", "b-1"))
    ]
    events = [both, *steps, stories.over(3.0)]
    assert texts_of(events, cluster="beta") == [
        "Deployment of b-1 begins",
        "[beta.0] Step MI begins on b-1",
        "[beta.0]   m on b-1",
        "Deployment over on cluster beta (2 s)",
    ]
    assert texts_of(events)[-2:] == [
        "Deployment over on cluster alpha (2 s)",
        "Deployment over on cluster beta (2 s)",
    ]
