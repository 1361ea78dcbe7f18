"""Groups of nodes: this machine's ClusterShell knows them for the tools, the server's configuration for the API."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.acceptance.cli.test_simulation import simulation
from tests.acceptance.cli.tools import run


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    directory = tmp_path_factory.mktemp("groups")
    (directory / "groups.conf").write_text(
        "[Main]\ndefault: local\n[local]\nmap: sed -n 's/^$GROUP: *//p' groups\nall: cut -d: -f2 groups\n"
        "list: cut -d: -f1 groups\n[racks]\nmap: [ $GROUP = north ] && echo node-[7-8]\n"
    )
    (directory / "groups").write_text("odd: node-[1-9/2]\nfew: node-[2-4]\n")
    with simulation(directory, "--simulate-speed", "300") as environ:
        yield {**environ, "CLUSTERSHELL_CFGDIR": str(directory)}


@pytest.mark.parametrize(
    ("given", "nodes"),
    [
        ("@odd", "node-[1,3,5,7,9]"),
        ("@odd,@few!node-4", "node-[1-3,5,7,9]"),
        ("@odd&@few", "node-3"),
        ("@racks:north", "node-[7-8]"),
    ],
)
def test_a_tool_asks_clustershell(site: dict[str, str], given: str, nodes: str) -> None:
    done = run("kadeploy", "-m", given, "-e", "simulated", "--dry-run", "--json", env=site)
    assert (done.exit, done.stderr) == (0, "")
    wanted = run("kadeploy", "-m", nodes, "-e", "simulated", "--dry-run", "--json", env=site)
    assert json.loads(done.stdout)["nodes"] == json.loads(wanted.stdout)["nodes"]


def test_groups_may_be_in_files_and_nobody_knows_others(site: dict[str, str], tmp_path: Path) -> None:
    listed = tmp_path / "nodes"
    listed.write_text("@few  # three\n\nnode-9\n")
    done = run("kadeploy", "-f", str(listed), "-e", "simulated", "--dry-run", "--json", env=site)
    assert json.loads(done.stdout)["nodes"] == ["node-2", "node-3", "node-4", "node-9"]
    for given in ("@nobody", "@odd,@nobody", "node-1,@nobody", "@few,@racks:north,@nobody", "@sim,@nobody!node-1"):
        done = run("kadeploy", "-m", given, "-e", "simulated", env=site)
        assert done.exit == 2, given
        assert "there is no group @nobody (the groups are sim)" in done.stderr
        assert "Traceback" not in done.stderr
    done = run("kadeploy", "-m", "@odd!@sim", "-e", "simulated", env=site)
    assert (done.exit, done.stderr) == (
        1,
        "kadeploy: -m '@odd!@sim': '@odd!@sim': this machine's ClusterShell knows @odd and not @sim (what the server "
        "knows must be in an expression of its own, as -m @ours -m @theirs)\n",
    )


ONE: Final = "@sim!node-[2-60]"


def test_groups_that_only_the_server_knows_are_its_to_work_out(site: dict[str, str], tmp_path: Path) -> None:
    ok = tmp_path / "ok"
    for tool, given, nodes in (
        (("kadeploy", "-e", "simulated"), ("-m", "@sim&node-[7-9]"), "node-7\nnode-8\nnode-9\n"),
        (("kareboot",), ("-m", ONE, "-m", "@racks:north"), "node-1\nnode-7\nnode-8\n"),
        (("kapower", "--status"), ("-m", "node-5,@sim&node-2"), "node-2\n"),
        (("kapower", "--status"), ("-m", "node-5", "-m", "@sim&node-2"), "node-2\nnode-5\n"),
    ):
        done = run(*tool, *given, "-o", str(ok), env=site)
        assert (done.exit, done.stderr) == (0, ""), given
        assert ok.read_text() == nodes


@pytest.mark.parametrize(
    ("tool", "more", "told"),
    [
        (("kadeploy", "-e", "nothing"), (), "there is no environment nothing"),
        (("kadeploy", "-e", "simulated", "-p", "77"), (), "77"),
        (("kadeploy", "-e", "simulated"), ("-m", "@nobody"), "there is no group @nobody"),
        (("kareboot", "-r", "recorded_env", "-e", "nothing", "-p", "3"), (), "nothing"),
    ],
)
def test_nodes_of_the_servers_groups_are_ko_when_it_refuses(
    site: dict[str, str], tmp_path: Path, tool: tuple[str, ...], more: tuple[str, ...], told: str
) -> None:
    ok, ko = tmp_path / "ok", tmp_path / "ko"
    done = run(*tool, "-m", "node-5,@sim&node-[7-9]", *more, "-o", str(ok), "-n", str(ko), env=site)
    assert done.exit != 0
    assert told in done.stderr
    assert (ok.read_text(), ko.read_text()) == ("", "node-7\nnode-8\nnode-9\n")


def test_the_other_tools_leave_them_to_the_server_too(site: dict[str, str]) -> None:
    few, unknown = ("-m", "@sim&node-[2-4]"), ("-m", "@nobody")
    told = run("kanodes", *few, "--json", env=site)
    assert list(json.loads(told.stdout)) == ["node-2", "node-3", "node-4"]
    assert run("karights", "-a", "-u", "alice", *few, env=site).exit == 0
    rights = run("karights", "-l", *few, "--output", "json", env=site)
    assert [right["node"] for right in json.loads(rights.stdout)] == ["node-2", "node-3", "node-4"]
    assert run("karights", "-d", "-u", "alice", *few, env=site).exit == 0
    assert run("kapower", "--status", *few, env=site).exit == 0
    rows = run("kastat", "-a", *few, "-o", "power", "-o", "json", env=site)
    assert {row["hostname"] for row in json.loads(rows.stdout)} >= {"node-2", "node-3", "node-4"}
    done = run("kaconsole", "-m", ONE, "--dry-run", "--json", env=site)
    assert json.loads(done.stdout)["node"] == "node-1"
    for tool in (("kanodes",), ("karights", "-a", "-u", "alice"), ("kastat", "-a"), ("kaconsole", "--dry-run")):
        done = run(*tool, *unknown, env=site)
        assert done.exit != 0, tool
        assert "there is no group @nobody (the groups are sim)" in done.stderr, tool


@pytest.mark.parametrize(("nodes", "status"), [("@sim", 200), ("@sim!node-[2-60]", 200), ("@nobody", 400)])
def test_the_server_knows_its_clusters(site: dict[str, str], nodes: str, status: int) -> None:
    body = {"nodes": [nodes], "environment": {"kind": "database", "name": "simulated"}, "dry_run": True}
    asked = urllib.request.Request(
        f"{site['KADEPLOY_SERVER']}/deployment",
        method="POST",
        headers={"X-Kadeploy-User": "root", "Content-Type": "application/json"},
        data=json.dumps(body).encode(),
    )
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            told, code = answer.read().decode(), answer.status
    except urllib.error.HTTPError as error:
        with error:
            told, code = error.read().decode(), error.code
    assert code == status, told
    if status == 200:
        assert len(json.loads(told)["nodes"]) == (60 if nodes == "@sim" else 1)
    else:
        assert "the groups are sim" in told
