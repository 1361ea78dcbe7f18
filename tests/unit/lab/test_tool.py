"""What `kalab` says to somebody who asks for what cannot be."""

from __future__ import annotations

import os
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from kadeploy.errors import BadConfiguration, Conflict, NotFound
from kadeploy.lab import tool
from kadeploy.lab.cluster import Lab, State, check_untaken, state_file
from kadeploy.lab.site import SitePaths
from kadeploy.lab.spec import GIB, mixed


def asked(*argv: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        tool.main(argv)
    assert isinstance(stopped.value.code, int)
    return stopped.value.code


def lab(directory: Path) -> Lab:
    paths = SitePaths(state=directory / "kadeployd", minienv=Path("/m"), images=Path("/i"))
    return Lab(directory, State(spec=mixed(), uuids={"node-1": "1"}, site=directory / "site", paths=paths))


@pytest.mark.parametrize("command", ["status", "down"])
def test_a_lab_that_is_not_there(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if os.geteuid() != 0 and command == "down":
        pytest.skip("says first that it wants root")
    assert asked(command, "--state", str(tmp_path / "none")) == 1
    assert capsys.readouterr().err == f"There is no lab in {tmp_path / 'none'} (`kalab up` makes one)\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="says first that it wants root")
def test_every_fault_of_a_new_lab_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked("up", "No Good", "--state", str(tmp_path / "lab"), "--memory", "1M", "--subnet", "8.8.8.0/24") == 1
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in said] == ["name", "subnet", "node-1", "node-2", "node-3"]
    assert not (tmp_path / "lab").exists()


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (("up", "--subnet", "10.214.0.1/24"), "10.214.0.1/24 has host bits set; write it like 10.214.0.0/24"),
        (("up", "--disk-size", "six"), "'six' is not a size; write it like 6G or 512M"),
        (("up", "--disk", "node-1"), "'' is not a size; write it like 6G or 512M"),
        (("up", "--nodes", "0"), "0 is not in the range 1<=x<=200"),
    ],
)
def test_a_bad_option_is_a_sentence(argv: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(*argv) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "different"),
    [
        ({"nodes": 4}, "nodes"),
        ({"subnet": IPv4Network("10.1.0.0/24"), "memory": 2 * GIB}, "subnet, memory"),
        ({"disks": (("node-2", GIB),)}, "disk"),
        ({"images": Path("/elsewhere")}, "images"),
    ],
)
def test_a_lab_that_is_up_keeps_its_shape(given: dict[str, Any], different: str, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match=f"is there already, with another {different} "):
        tool.check_same(lab(tmp_path), "lab", given)


def test_asking_again_for_the_same_is_no_conflict(tmp_path: Path) -> None:
    tool.check_same(lab(tmp_path), "lab", {"nodes": 3, "disks": (("node-2", 6 * GIB),)})


def test_a_lab_moves_into_nobody_elses_directory(tmp_path: Path) -> None:
    (tmp_path / "disks").mkdir()
    check_untaken(tmp_path, tmp_path / "site")
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(Conflict, match=r"is not empty: it has thesis\.tex"):
        check_untaken(tmp_path, tmp_path / "site")


def test_a_lab_writes_over_no_other_configuration(tmp_path: Path) -> None:
    (tmp_path / "server.conf").touch()
    with pytest.raises(Conflict, match=r"has a server\.conf of its own"):
        check_untaken(tmp_path / "lab", tmp_path)


def test_a_broken_state_file_is_a_sentence(tmp_path: Path) -> None:
    state_file(tmp_path).write_text("{}")
    with pytest.raises(BadConfiguration, match="is not a lab's state"):
        Lab.load(tmp_path)


def test_an_unknown_node_is_told_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="The lab lab has no node-9; it has node-1"):
        lab(tmp_path).node("node-9")
