"""Events as lines, where the output is not a terminal."""

from __future__ import annotations

import pytest

from kadeploy.cli.display import Board
from kadeploy.cli.lines import Lines
from kadeploy.domain.event import Decided, Event, NodeProgress, OperationStarted
from tests.unit.cli.story import BEGAN, BROADCAST, DEPLOYMENT, IMAGE, WID, Teller, deployment


def lines(events: list[Event], level: int = 3) -> list[str]:
    board, teller = Board(), Lines(level)
    made: list[str] = []
    for event in events:
        board.apply(event)
        made += teller.of(board, event)
    return made


SILENT = "no answer within 37 s"
USUAL = f"""\
[   0:00] D-6a1f0c52 of alice began on 3 nodes: node-[1-3]
[   0:00] SetDeploymentEnvUntrusted-switch_pxe: node-[1-3]
[   0:00] SetDeploymentEnvUntrusted-switch_pxe took 0.2 s
[   0:00] SetDeploymentEnvUntrusted-reboot: node-[1-3]
[   0:03] SetDeploymentEnvUntrusted-reboot took 2.8 s
[   0:03] SetDeploymentEnvUntrusted-wait_reboot: node-[1-3]
[   0:44] SetDeploymentEnvUntrusted-wait_reboot took 41.0 s; OK node-[1-2]; failed node-3: no answer within 40 s
[   0:44] node-3 apart as set 0.1: retry 1 of Untrusted
[   0:44] set 0.1: SetDeploymentEnvUntrusted-reboot (turn 2): node-3
[   0:44] SetDeploymentEnvUntrusted-create_partition_table: node-[1-2]
[   0:47] SetDeploymentEnvUntrusted-create_partition_table took 3.0 s
[   0:47] set 0.1: SetDeploymentEnvUntrusted-reboot (turn 2) took 3.0 s
[   0:47] set 0.1: SetDeploymentEnvUntrusted-wait_reboot (turn 2): node-3
[   0:47] SetDeploymentEnvUntrusted-format_deploy_part: node-[1-2]
[   0:49] SetDeploymentEnvUntrusted-format_deploy_part took 2.0 s
[   0:49] BroadcastEnvChain-send_environment: node-[1-2]
[   0:52] BroadcastEnvChain-send_environment 25 % of 412 MB at 44 MB/s: node-[1-2]
[   0:54] BroadcastEnvChain-send_environment 50 % of 412 MB at 44 MB/s: node-[1-2]
[   0:58] BroadcastEnvChain-send_environment 100 % of 412 MB at 47 MB/s: node-[1-2]
[   0:58] BroadcastEnvChain-send_environment took 9.0 s
[   0:58] BroadcastEnvChain-install_bootloader: node-[1-2]
[   1:02] BroadcastEnvChain-install_bootloader took 4.0 s
[   1:02] BootNewEnvKexec-kexec: node-[1-2]
[   1:03] BootNewEnvKexec-kexec took 1.0 s
[   1:03] BootNewEnvKexec-wait_reboot: node-[1-2]
[   1:15] BootNewEnvKexec-wait_reboot took 12.0 s
[   1:15] OK node-[1-2]
[   1:24] set 0.1: SetDeploymentEnvUntrusted-wait_reboot (turn 2) took 37.0 s; OK none; failed node-3: {SILENT}
[   1:24] KO node-3: SetDeploymentEnvUntrusted-wait_reboot: no answer within 37 s
[   1:24] D-6a1f0c52 done, 2 OK, 1 KO
"""


def test_the_usual_level_tells_steps_and_what_became_of_nodes() -> None:
    assert "".join(f"{line}\n" for line in lines(deployment())) == USUAL


def test_the_lowest_level_tells_the_ends_only() -> None:
    assert [line[10:] for line in lines(deployment(), level=1)] == [
        "D-6a1f0c52 of alice began on 3 nodes: node-[1-3]",
        "OK node-[1-2]",
        "KO node-3: SetDeploymentEnvUntrusted-wait_reboot: no answer within 37 s",
        "D-6a1f0c52 done, 2 OK, 1 KO",
    ]


def test_the_highest_level_tells_every_report_of_bytes() -> None:
    assert "[   0:50] node-1 send_environment 10 % of 412 MB" in lines(deployment(), level=5)


@pytest.mark.parametrize(("level", "told"), [(3, 0), (4, 1)])
def test_decisions_are_told_from_level_four(level: int, told: int) -> None:
    decided = Decided(operation=WID, at=BEGAN, cluster="alpha", set="0", what="node-9 is late by the fleet's measure")
    assert len(lines([decided], level=level)) == told


def test_the_cluster_is_told_where_there_are_several() -> None:
    from_beta = Teller(cluster="beta")
    both = OperationStarted(
        operation=WID, at=BEGAN, user="u", nodes="a-1,b-1", clusters={"alpha": "a-1", "beta": "b-1"}
    )
    made = lines([both, from_beta.started("0", BROADCAST, "send_environment", "b-1")])
    assert made[-1] == "[   0:00] beta set 0: BroadcastEnvChain-send_environment: b-1"


def test_a_reason_of_several_lines_stays_on_one() -> None:
    teller = Teller()
    ended = teller.ended("0", BROADCAST, "send_environment", 1, "", {"n-1": "tar: short read\nexit 2"})
    (line,) = lines([ended])
    assert line.endswith("failed n-1: tar: short read exit 2")


def test_bytes_are_told_when_the_slowest_node_of_the_set_has_them() -> None:
    teller = Teller()
    events = [teller.started("0", BROADCAST, "send_environment", "n-[1-2]")]
    events += teller.progress("send_environment", n_1=IMAGE)
    assert len(lines(events)) == 1
    events += teller.progress("send_environment", n_2=IMAGE // 2)
    assert lines(events)[-1] == "[   0:00] BroadcastEnvChain-send_environment 50 % of 412 MB: n-[1-2]"


def test_bytes_told_after_their_step_has_ended_are_no_news() -> None:
    teller = Teller()
    events = [*teller.step("0", BROADCAST, "send_environment", "n-1", 9)]
    events += teller.progress("send_environment", n_1=IMAGE)
    assert len(lines(events, level=5)) == 2


def test_a_step_that_waits_counts_nodes_and_not_bytes() -> None:
    teller = Teller()
    came = NodeProgress(operation=WID, at=BEGAN, node="n-1", micro="wait_reboot", done=1, total=1)
    events = [teller.started("0", DEPLOYMENT, "wait_reboot", "n-1"), came]
    assert len(lines(events)) == 1
    assert lines(events, level=5)[-1] == "[   0:00] n-1 wait_reboot 100 %"
