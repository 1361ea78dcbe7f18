"""The live display drawn on screens of every size, compared as text."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from rich.console import Console

from kadeploy.cli.display import Board
from kadeploy.cli.render import GAP, layout, screen
from tests.unit.cli.story import BEGAN, deployment, half_deployment
from tests.unit.cli.test_display import told
from tests.unit.cli.test_rows import crowd


def drawn(board: Board, width: int, height: int, notice: str = "") -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, color_system=None, force_terminal=False)
    console.print(screen(board, now=BEGAN + 55, width=width, height=height, notice=notice))
    return [line.rstrip() for line in out.getvalue().splitlines()]


WIDE = """\
Deployment D-6a1f0c52  0:55  3 running  0 ok  0 ko
nodes   macro-step                 micro-step              progress          state              time
node-1  BroadcastEnvChain          send_environment        ━━━━━━━━━━        65 % 45 MB/s       0:06
node-2  BroadcastEnvChain          send_environment        ━━━━━━━━━╸        61 % 42 MB/s       0:06
node-3  SetDeploymentEnvUntrusted  wait_reboot                               running            0:08
set 0  0:55  2 nodes in BroadcastEnvChain
set 0.1  0:11  1 node in SetDeploymentEnvUntrusted  (retry 1 of Untrusted)
"""
NARROW = """\
Deployment D-6a1f0c52  0:55  3 running  0…
nodes   micro-step          state
node-1  send_environment    65 % 45 MB/s
node-2  send_environment    61 % 42 MB/s
node-3  wait_reboot         running
set 0  0:55  2 nodes in BroadcastEnvChain
set 0.1  0:11  1 node in SetDeploymentEnv…
"""
SETTLED = """\
Deployment D-6a1f0c52  0:55  0 running  2 ok  1 ko
nodes   macro-step                 micro-step            state              time
node-1                                                   ok
node-2                                                   ok
node-3  SetDeploymentEnvUntrusted  wait_reboot           ko
node-3 SetDeploymentEnvUntrusted-wait_reboot: no answer within 37 s
"""


@pytest.mark.parametrize(("width", "expected"), [(100, WIDE), (42, NARROW)])
def test_a_wide_and_a_narrow_screen(width: int, expected: str) -> None:
    assert drawn(told(half_deployment()), width, 24) == expected.splitlines()


def test_settled_nodes_and_reasons() -> None:
    assert drawn(told(deployment()), 80, 24) == SETTLED.splitlines()


def test_a_notice_is_the_last_line() -> None:
    assert drawn(told(half_deployment()), 80, 24, "Connection lost")[-1] == "Connection lost"


def test_a_low_screen_folds_rows() -> None:
    lines = drawn(told(half_deployment()), 80, 7)
    assert lines[2].startswith("node-[1-2]")
    assert len(lines) < 7


def test_before_any_event_there_is_a_title() -> None:
    assert drawn(Board(), 80, 24)[0].startswith("Operation")


@settings(max_examples=60, deadline=None)
@given(width=some.integers(12, 200), height=some.integers(6, 60), nodes=some.integers(10, 80))
def test_the_drawing_fits_every_screen(width: int, height: int, nodes: int) -> None:
    lines = drawn(crowd(nodes), width, height, "Connection lost; trying again for 9:59.")
    assert len(lines) < height
    assert max(map(len, lines)) <= width


@given(width=some.integers(1, 300), widest=some.integers(1, 500))
def test_columns_fit_the_width(width: int, widest: int) -> None:
    chosen = layout(width, widest)
    assert sum(wide for _, wide in chosen) + GAP * (len(chosen) - 1) <= max(width, 8)


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ((175.0, 200.0), "  about 2:00 left"),
        ((50.0, 75.0), "  at most 0:20 left, usually"),
        ((50.0, 54.0), "  nearly over"),
        ((20.0, 30.0), "  longer than usual"),
        (None, ""),
    ],
)
def test_the_title_tells_how_long_it_will_still_take(expected: tuple[float, float] | None, words: str) -> None:
    board = told(half_deployment())
    board.expected = expected
    assert drawn(board, 120, 24)[0] == f"Deployment D-6a1f0c52  0:55  3 running  0 ok  0 ko{words}"
    over = told(deployment())
    over.expected = expected
    assert drawn(over, 120, 24)[0].endswith("1 ko")
