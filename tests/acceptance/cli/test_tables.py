"""kanodes, kaenv, karights, and what every tool answers to -v, -I and -h."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from tests.acceptance.cli.stub_server import Answer, Route, site
from tests.acceptance.cli.tools import environment, run, running

TOOLS = ("kadeploy", "kareboot", "kapower", "kanodes", "kaenv", "karights", "kaconsole")
STATES = {
    "node-10.site1": None,
    "node-2.site1": {"state": "deploying", "user": "bob", "environment": {"name": "u", "version": 1, "user": "admin"}},
    "node-1.site1": {"state": "aborted", "user": None, "environment": {"name": None, "version": None, "user": None}},
}
ENVIRONMENT = {
    "name": "debian12",
    "version": 2,
    "user": "alice",
    "visibility": "private",
    "description": "Debian 12, minimal",
    "image": {"file": "server:///srv/d.tar.zst"},
}
WID = "D-1"
RUNNING = {
    "wid": WID,
    "user": "alice",
    "done": False,
    "error": False,
    "start_time": 1_800_000_000,
    "time": 83.2,
    "environment": {"id": 1, "user": "alice", "name": "debian12", "version": 2},
    "nodes": {"ok": ["node-1"], "ko": [], "processing": ["node-2", "node-3"]},
}
OTHERS = {"wid": "D-2", "user": "bob", "done": True, "error": False, "start_time": 1_800_000_000, "nodes": ["node-7"]}


def told(tool: str, *arguments: str, home: Path, **routes: Route) -> str:
    with site(**routes).serving() as server:
        done = run(tool, *arguments, env=environment(home, server.url))
    assert (done.exit, done.stderr) == (0, "")
    return done.stdout


def test_states_of_nodes_are_a_table_in_natural_order(tmp_path: Path) -> None:
    made = told("kanodes", home=tmp_path, **{"GET /nodes": Answer(body=STATES)})
    assert made == (
        "node           state      user  environment\n"
        "node-1.site1   aborted    -     -\n"
        "node-2.site1   deploying  bob   u v1\n"
        "node-10.site1  -          -     -\n"
    )


def test_nodes_that_there_are_not_are_told_beside_those_that_there_are(tmp_path: Path) -> None:
    with site(**{"GET /nodes": Answer(body=STATES)}).serving() as server:
        done = run("kanodes", "-m", "node-[1-3]", "-m", "node-10.site1", env=environment(tmp_path, server.url))
    assert (done.exit, done.stderr) == (0, "kanodes: there is no node node-3\n")
    assert "node-1.site1" in done.stdout


def test_states_as_json_and_yaml_are_the_servers_own(tmp_path: Path) -> None:
    route = {"GET /nodes": Answer(body=STATES)}
    assert json.loads(told("kanodes", "--json", home=tmp_path, **route)) == STATES
    made = told("kanodes", "-s", "--yaml", home=tmp_path, **route)
    assert made.startswith("---\nnode-10.site1: null\nnode-2.site1:\n  state: deploying\n")
    assert yaml.safe_load(made) == STATES


def test_nodes_are_asked_as_one_range(tmp_path: Path) -> None:
    with site(**{"GET /nodes": Answer(body=STATES)}).serving() as server:
        run("kanodes", "-m", "node-[1-2]", "-m", "node-10", env=environment(tmp_path, server.url))
        (asked,) = server.requests("GET", "/nodes")
    assert asked.query == {"nodes": ["node-[1-2,10]"]}


def test_running_operations(tmp_path: Path) -> None:
    attended = {"id": "C-1", "user": "bob", "node": "node-9", "error": False, "time": 61.0}
    routes: dict[str, Route] = {
        "GET /deployment": Answer(body=[RUNNING, OTHERS]),
        "GET /reboot": Answer(body=[]),
        "GET /power": Answer(body=[]),
        "GET /console": Answer(body=[attended]),
        "GET /console/C-1": Answer(body=attended),
    }
    for asked in (["-c"], ["-w", "C-1"], ["-a", "-w", "C-1"]):
        assert told("kanodes", *asked, home=tmp_path, **routes) == (
            "id   user  state    time  nodes\nC-1  bob   running  1:01  node-9\n"
        )
    assert told("kanodes", "-d", home=tmp_path, **routes) == (
        "id   user   state    time  nodes\nD-1  alice  running  1:23  node-[1-3]\n"
    )
    assert "D-2  bob    done" in told("kanodes", "-a", "--finished", home=tmp_path, **routes)
    assert told("kanodes", "-r", home=tmp_path, **routes) == "no operation\n"
    assert [one["wid"] for one in json.loads(told("kanodes", "-a", "--json", home=tmp_path, **routes))] == [WID, "C-1"]


def test_one_operation_with_its_nodes(tmp_path: Path) -> None:
    state = {
        "node-1": {"macro": None, "micro": None, "state": "ok", "out": "on"},
        "node-2": {"macro": "BroadcastEnvChain", "micro": "send_environment", "state": "processing"},
    }
    routes: dict[str, Route] = {f"GET /deployment/{WID}": Answer(body=RUNNING)}
    told_state: dict[str, Route] = {f"GET /deployment/{WID}/state": Answer(body=state)}
    made = told("kanodes", "-w", WID, home=tmp_path, **routes, **told_state)
    assert "environment debian12 v2 of alice\n" in made
    assert "node-2  processing  BroadcastEnvChain  send_environment  -\n" in made
    refused: dict[str, Route] = {f"GET /deployment/{WID}/state": Answer(status=403, body="not yours")}
    assert "D-1  alice" in told("kanodes", "-w", WID, home=tmp_path, **routes, **refused)


def test_environments_are_listed_and_printed(tmp_path: Path) -> None:
    with site(**{"GET /environments": Answer(body=[ENVIRONMENT])}).serving() as server:
        env = environment(tmp_path, server.url)
        listed = run("kaenv", "-l", env=env)
        printed = run("kaenv", "-p", "debian12", "--env-version", "2", env=env)
        run("kaenv", "-l", "deb%", "-u", "bob", "-s", env=env)
        queries = [seen.query for seen in server.requests("GET", "/environments")]
    assert listed.stdout == (
        "name      version  user   visibility  description\ndebian12  2        alice  private     Debian 12, minimal\n"
    )
    assert printed.stdout.startswith("---\nname: debian12\nversion: 2\nvisibility: private\n")
    assert queries == [
        {"last": ["true"]},
        {"version": ["2"], "name": ["debian12"]},
        {"username": ["bob"], "name": ["deb%"]},
    ]


def test_environments_are_changed(tmp_path: Path) -> None:
    path = "/environments/alice/my%20env"
    routes: dict[str, Route] = {
        "POST /environments/": Answer(body=ENVIRONMENT),
        f"PUT {path}": Answer(body=ENVIRONMENT),
        f"PUT {path}/3": Answer(body=ENVIRONMENT),
        f"DELETE {path}": Answer(body=[ENVIRONMENT, ENVIRONMENT]),
    }
    (tmp_path / "env.yaml").write_text("name: my env\nimage: {file: 'server:///d'}\n")
    with site(**routes).serving() as server:
        env = environment(tmp_path, server.url)
        runs = [
            run("kaenv", "-a", "env.yaml", env=env),
            run("kaenv", "--set-visibility-tag", "my env", "-t", "shared", env=env),
            run("kaenv", "--toggle-destructive-tag", "my env", "--env-version", "3", env=env),
            run("kaenv", "--update-image-checksum", "my env", env=env),
            run("kaenv", "-d", "my env", "-s", env=env),
        ]
        bodies = [(seen.method, seen.body) for seen in server.seen if seen.method != "GET"]
    assert [done.exit for done in runs] == [0] * 5
    assert runs[0].stdout == "recorded: debian12 version 2 of alice, private\n"
    assert runs[4].stdout == "deleted: debian12 version 2 of alice, private\n" * 2
    assert bodies == [
        ("POST", {"environment": {"name": "my env", "image": {"file": "server:///d"}}, "last": True}),
        ("PUT", {"visibility": "shared", "last": True}),
        ("PUT", {"toggle_destructive": True, "last": True}),
        ("PUT", {"update_image_checksum": True, "last": True}),
        ("DELETE", {}),
    ]


def test_a_description_with_several_faults_is_answered_by_the_server_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "env.yaml").write_text("name: x\nimage: {file: 'server:///d', kind: zip}\n")
    faults = "image.kind: must be tar, dd or fsa\nos: is missing"
    with site(**{"POST /environments/": Answer(status=400, code=7, body=faults)}).serving() as server:
        done = run("kaenv", "-a", "env.yaml", env=environment(tmp_path, server.url))
    assert done.exit == 7
    assert done.stderr == f"kaenv: {faults} [Kadeploy error 7]\n"


def test_rights(tmp_path: Path) -> None:
    plain: dict[str, object] = {"group": None, "from": None, "until": None}
    held = [
        {**plain, "user": "alice", "node": "node-3", "partition": "/dev/vda3"},
        {**plain, "user": "alice", "node": "node-3", "partition": "/dev/vda4"},
        {**plain, "user": "bob", "node": "*", "partition": "*"},
        {**plain, "user": "bob", "node": "node-1", "partition": "/dev/vda3"},
        {**plain, "user": "bob", "node": "node-2", "partition": "/dev/vda3"},
        {
            **plain,
            "user": None,
            "group": "ml",
            "node": "node-9",
            "partition": "*",
            "until": "2037-01-31T17:00:00+00:00",
        },
    ]
    routes: dict[str, Route] = {
        "GET /rights": Answer(body=held),
        "POST /rights/": Answer(),
        "DELETE /rights/bob": Answer(),
    }
    with site(**routes).serving() as server:
        env = environment(tmp_path, server.url, TZ="Etc/GMT-2")
        listed = run("karights", "-l", env=env)
        given = run("karights", "-a", "-u", "alice", "-m", "node-[1-2]", "-p", "/dev/vda3", "-o", env=env)
        every = run("karights", "-a", "-u", "alice", "-m", "*", "-p", "*", env=env)
        taken = run("karights", "-d", "-u", "bob", "-m", "node-1", env=env)
        bodies = [(seen.method, seen.body) for seen in server.seen if seen.method != "GET"]
    assert [done.exit for done in (listed, given, every, taken)] == [0, 0, 0, 0]
    assert listed.stdout == (
        "user   nodes       partitions            from  until\n"
        "alice  node-3      /dev/vda3, /dev/vda4  -     -\n"
        "bob    *           *                     -     -\n"
        "bob    node-[1-2]  /dev/vda3             -     -\n"
        "@ml    node-9      *                     -     2037-01-31 19:00\n"
    )
    nodes = ["node-1", "node-2"]
    assert bodies == [
        ("POST", {"overwrite": True, "username": "alice", "partitions": ["/dev/vda3"], "nodes": nodes}),
        ("POST", {"username": "alice"}),
        ("DELETE", {"nodes": ["node-1"]}),
    ]


@pytest.mark.parametrize(
    ("tool", "arguments", "faults"),
    [
        ("kaenv", (), ["say what to do: one of -l, -p, -a, -d"]),
        ("kaenv", ("-l", "-d", "x"), ["-l and -d exclude each other"]),
        ("kaenv", ("--set-visibility-tag", "x", "-t", "secret"), ["-t secret: must be private, shared, public"]),
        ("kaenv", ("--set-visibility-tag", "x"), ["--set-visibility-tag needs -t TAG"]),
        ("karights", ("-a",), ["-a needs -u USER or -g GROUP", "no nodes were named"]),
        ("karights", ("-a", "-u", "x", "-m", "*", "-m", "n-1"), ["-m '*' is every node"]),
        ("kanodes", ("-d", "-r"), ["-d and -r exclude each other"]),
        ("kanodes", ("-d", "-m", "n-["), ["-m 'n-['"]),
        ("kanodes", ("-w", "X"), ["-w X: an operation's id begins with"]),
        ("kanodes", ("-r", "-w", "D-1"), ["-w D-1 goes with -d, not -r"]),
        ("kanodes", ("-s", "-w", "C-1"), ["-w C-1 goes with -c, not -s"]),
    ],
)
def test_faults(tmp_path: Path, tool: str, arguments: tuple[str, ...], faults: list[str]) -> None:
    done = run(tool, *arguments, env=environment(tmp_path, "http://127.0.0.1:9"))
    told_lines = done.stderr.splitlines()
    assert (done.exit, len(told_lines)) == (1, len(faults)), told_lines
    assert all(line.startswith(f"{tool}: {fault}") for line, fault in zip(told_lines, faults, strict=True)), told_lines


@pytest.mark.parametrize("tool", TOOLS)
def test_every_tool_tells_versions_and_helps(tmp_path: Path, tool: str) -> None:
    with site().serving() as server:
        env = environment(tmp_path, server.url)
        version = run(tool, "-v", env=env)
        info = run(tool, "-I", env=env)
        asked = [seen.path for seen in server.seen]
    usage = run(tool, "-h", env=env)
    assert (version.exit, info.exit, usage.exit) == (0, 0, 0)
    assert version.stdout.startswith(f"{tool} 4.")
    assert version.stdout.endswith(f"server 4.0.0 at {server.url}\n")
    assert yaml.safe_load(info.stdout)["pxe"] == "iPXE"
    assert asked == ["/version", "/info"]
    assert "Examples:" in usage.stdout
    assert "Exit codes:" in usage.stdout
    assert max(map(len, usage.stdout.splitlines())) <= 100


def test_a_reader_that_goes_away_is_no_error_to_talk_about(tmp_path: Path) -> None:
    many = {f"node-{index}": None for index in range(20_000)}
    with ExitStack() as stack:
        server = stack.enter_context(site(**{"GET /nodes": Answer(body=many)}).serving())
        tool = stack.enter_context(running("kanodes", env=environment(tmp_path, server.url)))
        assert tool.stdout is not None
        assert tool.stderr is not None
        assert tool.stdout.readline().split()[0] == "node"
        tool.stdout.close()
        assert tool.stderr.read() == ""
        tool.wait(20)
        tool.stdout = None


def test_a_failing_server_is_told(tmp_path: Path) -> None:
    with site(**{"GET /nodes": Answer(status=500, body="boom")}).serving() as server:
        done = run("kanodes", env=environment(tmp_path, server.url))
    assert (done.exit, done.stderr) == (3, "kanodes: the server failed: boom\n")


def test_the_prefix_of_client_conf_is_used_without_asking(tmp_path: Path) -> None:
    with site(**{"GET /nodes": Answer(body={})}).serving() as server:
        entry = {"name": "s", "hostname": "127.0.0.1", "port": server.port, "secure": False}
        conf = {"default": "s", "servers": [{**entry, "auth_headers_prefix": "X-Site-"}]}
        (tmp_path / "client.conf").write_text(yaml.safe_dump(conf))
        env = environment(tmp_path, "")
        del env["KADEPLOY_SERVER"]
        done = run("kanodes", "--password", "s3cret", env={**env, "KADEPLOY3_CONFIG_DIR": str(tmp_path)})
        (seen,) = server.seen
    assert done.exit == 0
    assert seen.headers["x-site-user"] == "alice"
    assert seen.headers["authorization"] == "Basic YWxpY2U6czNjcmV0"
