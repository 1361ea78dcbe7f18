"""karights as a process, every option, against `kadeployd --simulate`."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import quote

import httpx2
import pytest
import yaml

from tests.acceptance.cli.test_simulation import simulation
from tests.acceptance.cli.tools import Run, lines_until, run, running

HEADINGS = "user  nodes  partitions  from  until\n"
RIGHTS = {"kind": "db", "almighty_users": ["root"], "groups": {"ml": ["carol", "dora"]}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    directory = tmp_path_factory.mktemp("rights")
    with simulation(directory, "--simulate-speed", "100", rights=RIGHTS) as environ:
        yield {**environ, "TZ": "Asia/Kolkata"}


@pytest.fixture
def env(server: dict[str, str]) -> Iterator[dict[str, str]]:
    yield server
    with httpx2.Client(base_url=server["KADEPLOY_SERVER"], headers={"X-Kadeploy-User": "root"}) as root:
        for holder in {one["user"] or f"@{one['group']}" for one in root.get("/rights?detailed=true").json()}:
            assert root.delete(f"/rights/{quote(holder, safe='')}").status_code == 200


def as_(user: str, tool: str, *arguments: str, env: dict[str, str], stdin: str = "") -> Run:
    return run(tool, *arguments, env={**env, "USER": user}, stdin=stdin)


def done(user: str, tool: str, *arguments: str, env: dict[str, str], stdin: str = "") -> str:
    made = as_(user, tool, *arguments, env=env, stdin=stdin)
    assert (made.exit, made.stderr) == (0, ""), made
    return made.stdout


def test_give_list_and_take(env: dict[str, str]) -> None:
    assert done("root", "karights", "-l", env=env) == "no right\n"
    partitions = ("-p", "/dev/vda3", "--part", "/dev/vda4")
    given = done("root", "karights", "--add", "--user", "alice", "-m", "node-[1-2]", *partitions, env=env)
    assert given == "", "as Kadeploy3's tool: nothing is said of what went well"
    done("root", "karights", "-a", "-u", "alice", "-f", "-", env=env, stdin="node-5 # by file\n\nnode-6\n")
    done("root", "karights", "-a", "-u", "bob", "-m", "node-9", "-p", "*", env=env)
    assert done("root", "karights", "--list", env=env).splitlines() == [
        "user   nodes       partitions            from  until",
        "alice  node-[1-2]  /dev/vda3, /dev/vda4  -     -",
        "alice  node-[5-6]  *                     -     -",
        "bob    node-9      *                     -     -",
    ]
    assert "bob" not in done("root", "karights", "-l", "-u", "alice", env=env)
    assert "node-1" not in done("root", "karights", "-l", "-m", "node-5", env=env)
    done("root", "karights", "--delete", "-u", "alice", "-m", "node-1", "-p", "/dev/vda3", env=env)
    done("root", "karights", "-d", "-u", "alice", "-m", "node-[5-6]", env=env)
    held = json.loads(done("root", "karights", "-l", "-u", "alice", "-o", "json", env=env))
    assert [(one["node"], one["partition"]) for one in held] == [
        ("node-1", "/dev/vda4"),
        ("node-2", "/dev/vda3"),
        ("node-2", "/dev/vda4"),
    ]
    assert yaml.safe_load(done("root", "karights", "-l", "-u", "alice", "-o", "yaml", env=env)) == held
    assert json.loads(done("root", "karights", "-l", "-u", "alice", "--json", env=env)) == held


def test_wildcards_conflicts_and_overwriting(env: dict[str, str]) -> None:
    done("root", "karights", "-a", "-u", "alice", "-m", "*", env=env)
    assert as_("root", "karights", "-a", "-u", "alice", "-m", "*", env=env).exit == 14
    refused = as_("root", "karights", "-a", "-u", "bob", "-m", "node-3", env=env)
    assert refused.exit == 11
    assert "alice has every node" in refused.stderr
    assert as_("root", "karights", "-a", "-u", "bob", "-m", "node-3", "-o", env=env).exit == 11
    done("root", "karights", "-a", "-u", "bob", "-m", "*", "-o", env=env)
    assert done("root", "karights", "-l", env=env).splitlines()[1:] == ["bob   *      *           -     -"]
    assert as_("root", "karights", "-a", "-u", "alice", "-m", "node-1", "--dry-run", env=env).exit == 11
    assert as_("root", "karights", "-a", "-u", "bob", "-m", "*", "--dry-run", env=env).exit == 14
    would = done("root", "karights", "-d", "-u", "bob", "-m", "*", "--dry-run", env=env).splitlines()
    assert (would[0], would[2]) == ("would be taken away:", "bob   *      *           -     -")
    done("root", "karights", "-d", "-u", "bob", "-m", "*", env=env)
    assert as_("root", "karights", "-d", "-u", "bob", "-m", "*", env=env).exit == 14


def test_times_are_the_users_own(env: dict[str, str]) -> None:
    window = ("--from", "2037-01-31 8:00", "--until", "2037-01-31 18:30")
    done("root", "karights", "-a", "-u", "alice", "-m", "node-1", *window, "--output", "table", env=env)
    (told,) = json.loads(done("root", "karights", "-l", "-o", "json", env=env))
    assert (told["from"], told["until"]) == ("2037-01-31T02:30:00+00:00", "2037-01-31T13:00:00+00:00")
    assert "2037-01-31 08:00  2037-01-31 18:30" in done("root", "karights", "-l", env=env)
    assert as_("alice", "kapower", "--status", "-m", "node-1", env=env).exit == 6, "it is still to come"
    done("root", "karights", "-a", "-u", "bob", "-m", "node-1", "--until", "2037-01-31 8:00", env=env)
    before = time.time()
    would = done("root", "karights", "-a", "-u", "alice", "-m", "node-2", "--for", "1h30m", "--dry-run", env=env)
    assert would.startswith("would be given:\nuser   nodes   partitions"), would
    assert "node-2" not in done("root", "karights", "-l", env=env)
    done("root", "karights", "-a", "-u", "alice", "-m", "node-2", "--for", "1h30m", env=env)
    (told,) = json.loads(done("root", "karights", "-l", "-m", "node-2", "-o", "json", env=env))
    until = datetime.fromisoformat(told["until"])
    assert told["from"] is None
    assert until.timestamp() >= int(before) + 5400
    local = (until + timedelta(hours=5, minutes=30)).strftime("%Y-%m-%d %H:%M")
    assert local in done("root", "karights", "-l", "-m", "node-2", env=env)


def test_groups_of_the_configuration(env: dict[str, str]) -> None:
    assert as_("carol", "kapower", "--status", "-m", "node-1", env=env).exit == 6
    done("root", "karights", "-a", "-g", "ml", "-m", "node-1", env=env)
    assert done("root", "karights", "-l", env=env).splitlines()[1].startswith("@ml   node-1")
    assert as_("carol", "kapower", "--status", "-m", "node-1", env=env).exit == 0
    assert as_("bob", "kapower", "--status", "-m", "node-1", env=env).exit == 6
    done("root", "karights", "-d", "--group", "@ml", "-m", "node-1", env=env)
    assert as_("carol", "kapower", "--status", "-m", "node-1", env=env).exit == 6


def test_one_sees_ones_own_and_changes_nothing(env: dict[str, str]) -> None:
    done("root", "karights", "-a", "-u", "alice", "-m", "node-1", env=env)
    assert "node-1" in done("alice", "karights", "-l", "-u", "alice", env=env)
    assert as_("alice", "karights", "-l", env=env).exit == 2
    assert as_("bob", "karights", "-l", "-u", "alice", env=env).exit == 2
    for change in ("-a", "-d"):
        assert as_("alice", "karights", change, "-u", "alice", "-m", "node-1", env=env).exit == 2


def test_every_slip_is_told_at_once(env: dict[str, str]) -> None:
    slips = ("--until", "soon", "--for", "4x", "-o", "xml", "-m", "node-[")
    told = as_("root", "karights", "-a", *slips, env=env)
    assert told.exit == 1
    for part in ("-u USER or -g GROUP", "--until soon", "--for 4x", "both say when", "-o xml", "node-["):
        assert part in told.stderr, part
    assert "-o goes with -a" in as_("root", "karights", "-l", "-o", env=env).stderr
    assert "--for goes with -a" in as_("root", "karights", "-l", "--for", "4h", env=env).stderr
    assert "exclude each other" in as_("root", "karights", "-l", "-u", "a", "-g", "b", env=env).stderr
    late = as_("root", "karights", "-a", "-u", "alice", "-m", "node-1", "--until", "2020-01-01", env=env)
    assert (late.exit, "would have ended already" in late.stderr) == (4, True)


def test_an_epilogue_ends_what_runs_on_the_nodes_and_may_be_run_twice(env: dict[str, str]) -> None:
    done("root", "karights", "-a", "-u", "alice", "-m", "node-[1-4]", env=env)
    deploy = ("kadeploy", "-m", "node-[1-4]", "-e", "simulated")
    with running(*deploy, env={**env, "USER": "alice", "PYTHONUNBUFFERED": "1"}) as tool:
        wid = next(word for word in lines_until(tool, "launched")[-1].split() if word.startswith("D-"))
        done("root", "karights", "-d", "-u", "alice", "-m", "node-[3-4]", env=env)
        out, _ = tool.communicate(timeout=60)
        assert tool.returncode == 40, out
    assert "OK: 2" in out
    shown = done("root", "kanodes", "-w", wid, env=env)
    assert "alice has no right on node-[3-4] any more" in shown
    assert as_("root", "karights", "-d", "-u", "alice", "-m", "node-[3-4]", env=env).exit == 14


def test_a_right_that_ends_by_itself_ends_what_runs(env: dict[str, str]) -> None:
    done("root", "karights", "-a", "-u", "alice", "-m", "node-1", "--for", "6s", env=env)
    made = as_("alice", "kadeploy", "-m", "node-1", "-e", "simulated", "--breakpoint", "BootNewEnv", env=env)
    wid = made.stdout.split()[0]
    end = time.monotonic() + 30  # the nodes may be held, and the tool gone, before the right ends
    while "alice has no right on node-1 any more" not in (shown := done("root", "kanodes", "-w", wid, env=env)):
        assert time.monotonic() < end, shown
