"""Units, tables and the final report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kadeploy.cli.columns import columns
from kadeploy.cli.display import Board
from kadeploy.cli.env_answer import table
from kadeploy.cli.report import LeftFiles, lines, settled, to_json
from kadeploy.cli.units import clock, percent, size
from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import Faults
from tests.unit.cli.story import Teller, deployment, half_deployment
from tests.unit.cli.test_display import told

REPORT = """\

macro-step                 micro-step              runs  ok  ko  seconds
SetDeploymentEnvUntrusted  switch_pxe                 1   3   0      0.2
SetDeploymentEnvUntrusted  reboot                     2   4   0      3.0
SetDeploymentEnvUntrusted  wait_reboot                2   2   2     41.0
SetDeploymentEnvUntrusted  create_partition_table     1   2   0      3.0
SetDeploymentEnvUntrusted  format_deploy_part         1   2   0      2.0
BroadcastEnvChain          send_environment           1   2   0      9.0
BroadcastEnvChain          install_bootloader         1   2   0      4.0
BootNewEnvKexec            kexec                      1   2   0      1.0
BootNewEnvKexec            wait_reboot                1   2   0     12.0
Elapsed: 1:24

OK: 2
  node-1
  node-2

KO: 1
  node-3: SetDeploymentEnvUntrusted-wait_reboot: no answer within 37 s
"""


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (59.9, "0:59"), (83, "1:23"), (3723, "1:02:03"), (-2, "0:00")]
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (41_200_000, "41 MB"), (999_999_999, "1.0 GB")]
)
def test_size(count: float, text: str) -> None:
    assert size(count) == text


def test_a_hundred_percent_is_all() -> None:
    assert (percent(999, 1000), percent(1000, 1000), percent(1, 0)) == (99, 100, 0)


def test_columns() -> None:
    made = list(columns(["node", "count"], [("a", 1), ("long-name", None), ("b", "two\nlines")], right=["count"]))
    assert made == ["node           count", "a                  1", "long-name          -", "b          two lines"]


def test_columns_stand_below_each_other_whatever_the_script() -> None:
    assert list(columns(["name", "n"], [("日本", 1), ("e\u0301a", 2), ("é", 3)])) == [
        "name  n",
        "日本  1",
        "e\u0301a    2",
        "é     3",
    ]


def test_descriptions_of_environments_are_cut_in_tables() -> None:
    lines = list(table(["name", "description"], [{"name": "a", "description": "word\n" + "x" * 100}]))
    assert lines[1] == "a     word " + "x" * 74 + "…"


def test_the_report() -> None:
    assert "".join(f"{line}\n" for line in lines(told(deployment()))) == REPORT


def test_what_nodes_said_is_in_the_report() -> None:
    teller = Teller("P-1")
    board = told([teller.began("n-[1-2]"), teller.done("0", "n-[1-2]", {"n-2": "off", "n-1": "on"})])
    assert list(lines(board))[1:4] == ["node  output", "n-1   on", "n-2   off"]


def test_many_nodes_are_folded_in_the_report() -> None:
    teller = Teller()
    board = told([teller.began("n-[1-400]"), teller.done("0", "n-[1-400]")])
    assert list(lines(board))[-2:] == ["OK: 400", "  n-[1-400]"]


def test_an_unsettled_node_is_told_and_counts_as_not_ok() -> None:
    board = told(half_deployment())
    assert list(lines(board))[-4:] == ["Not settled: 3", "  node-1", "  node-2", "  node-3"]
    assert settled(board, NodeSet()) == (NodeSet(), NodeSet.parse("node-[1-3]"))
    assert settled(Board(), NodeSet(["n-1"])) == (NodeSet(), NodeSet(["n-1"]))


def test_the_report_for_programs() -> None:
    made = json.loads(json.dumps(to_json(told(deployment()), "D-1", "deployment")))
    assert made["state"] == "done"
    assert made["nodes"]["ok"] == ["node-1", "node-2"]
    assert list(made["nodes"]["ko"]) == ["node-3"]
    assert made["steps"][0] == {
        "macro": "SetDeploymentEnvUntrusted",
        "micro": "switch_pxe",
        "runs": 1,
        "ok": 3,
        "ko": 0,
        "seconds": 0.2,
    }


def test_files_of_nodes(tmp_path: Path) -> None:
    ok, ko = tmp_path / "ok", tmp_path / "ko"
    ok.write_text("from the last time\n")
    files = LeftFiles(ok=str(ok), ko=str(ko))
    files.prepare()
    assert ok.read_text() == ""
    files.write(NodeSet.parse("n-[9-10]"), NodeSet(["n-1"]))
    assert (ok.read_text(), ko.read_text()) == ("n-9\nn-10\n", "n-1\n")


def test_files_that_cannot_be_written_are_told_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(Faults) as raised:
        LeftFiles(ok="/nowhere/ok", ko=str(tmp_path)).prepare()
    assert len(raised.value.faults) == 2
