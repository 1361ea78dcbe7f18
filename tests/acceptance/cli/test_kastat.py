"""`kastat` as a process, every option, against `kadeployd --simulate`."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
import yaml

from tests.acceptance.cli.test_simulation import run, simulation

Environ = dict[str, str]
NODES = "node-[1-20]"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environ]:
    """Deployed twice and rebooted once, three rows a node; node-1 had no time to boot in the end."""
    directory = tmp_path_factory.mktemp("site")
    with simulation(directory, "--simulate-speed", "1000") as environ:
        known = {**environ, "USER": "alice", "COLUMNS": "120"}
        deploy = ("kadeploy", "-e", "simulated", "-m")
        for launch in ((*deploy, NODES), ("kareboot", "-m", NODES), (*deploy, "node-[2-20]")):
            done = run(known, *launch)
            assert done.returncode == 0, done.stdout + done.stderr
        assert run(known, *deploy, "node-1", "--reboot-classical-timeout", "0").returncode == 40
        yield known


def told(site: Environ, *options: str) -> str:
    done = run(site, "kastat", *options)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def rows(site: Environ, *options: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(told(site, *options))))


def refused(site: Environ, *options: str) -> str:
    done = run(site, "kastat", *options)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.timeout(180)
def test_rows_are_csv_in_the_original_form(site: Environ) -> None:
    every = rows(site)
    assert len(every) == 60
    assert {len(row) for row in every} == {20}
    assert rows(site, "--all", "-o", "csv") == every
    wid, user, node, *steps = every[0]
    assert re.fullmatch(r"D-[0-9a-f-]{36}", wid)
    assert (user, node[:5]) == ("alice", "node-")
    assert steps[0].startswith("SetDeploymentEnv")
    assert len(rows(site, "-a", "-w", wid)) == 20


def test_rows_are_chosen(site: Environ, tmp_path: Path) -> None:
    (tmp_path / "nodes").write_text("node-[1-2]\n# a comment\n")
    assert {row[3] for row in rows(site, "--operation", "reboot")} == {"Simple"}
    assert rows(site, "-o", "power") == []
    assert len(rows(site, "-m", "node-3", "-f", str(tmp_path / "nodes"))) == 9
    assert len(rows(site, "-x", "1h", "--max-time", "1d", "--min-time", "0", "-u", "alice", "-c", "sim")) == 60
    assert rows(site, "-y", "2020-01-31 18:00") == []
    assert {row[2] for row in rows(site, "-r", "1", "-s", "1")} == {"node-1"}
    assert len(rows(site, "-o", "deploy", "-e", "simulated@root:1")) == 40
    failed = rows(site, "--failed")
    assert failed
    assert {row[18] for row in failed} == {"false"}
    assert rows(site, "--step", "wait_reboot", "-F", "hostname") == [["node-1"]]


def test_fields_order_and_number_are_chosen(site: Environ) -> None:
    found = rows(site, "-F", "hostname,start,error", "--sort", "-start,hostname", "--limit", "3")
    assert [row[0] for row in found] == ["node-1", "node-10", "node-11"]


def test_forms(site: Environ, tmp_path: Path) -> None:
    as_json = json.loads(told(site, "-o", "json", "--limit", "2"))
    assert as_json == json.loads(told(site, "--json", "--limit", "2"))
    assert yaml.safe_load(told(site, "-o", "yaml", "--limit", "2")) == as_json
    assert {"macro", "instance", "micro", "seconds", "tries"} == as_json[0]["steps"][0].keys()
    table = told(site, "-o", "table", "--limit", "2").splitlines()
    assert (table[0].split()[0], len(table)) == ("hostname", 3)
    file = tmp_path / "rows.parquet"
    assert told(site, "-o", "parquet", "-O", str(file)) == ""
    assert parquet.read_table(file).num_rows == 60
    assert told(site, "--limit", "1", "--output", str(tmp_path / "one.csv")) == ""
    assert (tmp_path / "one.csv").read_text() == told(site, "--limit", "1")


def test_failure_rates(site: Environ) -> None:
    every = dict(line.split(": ") for line in told(site, "-b").splitlines())
    assert len(every) == 20
    half = dict(line.split(": ") for line in told(site, "--failure-rate", "0.5").splitlines())
    assert half == {node: rate for node, rate in every.items() if float(rate) >= 0.5}
    assert "wait_reboot" in told(site, "-b", "0.01", "--by", "step")
    assert told(site, "-b", "--by", "environment", "-o", "csv").startswith(
        "environment,rate,failures,runs\nsimulated@root:1,"
    )


def test_health(site: Environ) -> None:
    found = json.loads(told(site, "--health", "--json"))
    assert len(found) == 20
    assert [each["score"] for each in found] == sorted(each["score"] for each in found)
    sick = found[0]
    assert sick["failures"] > 0
    assert sick["node"] in told(site, "--health", "--limit", "1")
    assert len(told(site, "--health", "--limit", "3").splitlines()) == 4
    assert [each["node"] for each in json.loads(told(site, "--health", "-m", "node-7", "-o", "json"))] == ["node-7"]


@pytest.mark.parametrize("what", ["steps", "failures", "nodes"])
def test_plots(site: Environ, tmp_path: Path, what: str) -> None:
    drawn = told(site, "--plot", what)
    assert "█" in drawn
    picture, drawing = tmp_path / "p.png", tmp_path / "p.svg"
    assert told(site, "--plot", what, "-o", str(picture)) == ""
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert told(site, "--plot", what, "-O", str(drawing), "-o", "deploy") == ""
    assert "<svg" in drawing.read_text()
    assert told(site, "--plot", what, "-x", "2100-01-01") == "no statistics yet: nothing was drawn\n"


def test_slips_are_told_all_at_once(site: Environ) -> None:
    said = refused(site, "-b", "2", "-o", "dance", "-x", "someday", "-r", "x", "-s", "4", "--by", "day", "-w", "Q-1")
    for part in ("-b 2:", "-o dance:", "-x someday:", "-r x:", "-s:", "--by day:", "-w Q-1:"):
        assert part in said, part
    assert "exclude each other" in refused(site, "-a", "--health")
    assert "--plot pies" in refused(site, "--plot", "pies")
    assert "picture" in refused(site, "--plot", "steps", "-o", "steps.doc")
    assert "--plot draws: -o csv" in refused(site, "--plot", "steps", "-o", "csv")
    assert "-O FILE" in refused(site, "-o", "parquet")
    nowhere = ("-o", "parquet", "-O", "/nonexistent/rows")
    assert refused(site, *nowhere) == "kastat: /nonexistent/rows cannot be written: No such file or directory\n"
    assert "-F goes with rows" in refused(site, "--health", "-F", "x")
    done = run(site, "kastat", "-F", "colour")
    assert (done.returncode, done.stdout) == (4, "")
    assert "there is no field colour" in done.stderr


def test_its_other_name_and_the_common_options(site: Environ) -> None:
    assert run(site, "kastat3", "-a").stdout == told(site)
    assert "kastat" in told(site, "-v")
    assert "--health" in told(site, "-h")
    server = site["KADEPLOY_SERVER"]
    elsewhere = {key: value for key, value in site.items() if key != "KADEPLOY_SERVER"}
    assert run(elsewhere, "kastat", "-S", server, "--limit", "1").stdout == told(site, "--limit", "1")


def test_a_dry_run_tells_how_long_it_will_take(site: Environ) -> None:
    launch = ("kadeploy", "-m", NODES, "-e", "simulated", "--dry-run")
    text = run(site, *launch).stdout
    assert re.search(r"Expected time of a node: about \d+ s.* \(from \d+ nodes\)", text)
    assert re.search(r"    BroadcastEnv Chain: about", text)
    whole = json.loads(run(site, *launch, "--json").stdout)["plans"]["sim"]["expected"]["whole"]
    assert whole["slow"] >= whole["median"] > 0


def test_a_missing_library_is_named(site: Environ, tmp_path: Path) -> None:
    (tmp_path / "pyarrow.py").write_text("raise ImportError('not here')\n")
    done = run({**site, "PYTHONPATH": str(tmp_path)}, "kastat", "-o", "parquet", "-O", str(tmp_path / "x"))
    assert done.returncode == 1
    assert "this needs pyarrow" in done.stderr
    assert not os.path.exists(tmp_path / "x")
