"""kadeploy as a process, against a small real server: what it sends, tells and writes."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest

from tests.acceptance.cli.debian import DEPLOY, EVENTS, RESOURCE, all_ok, with_events
from tests.acceptance.cli.stub_server import Answer, Stream, site
from tests.acceptance.cli.tools import environment, run
from tests.unit.cli.story import WID, Teller
from tests.unit.cli.test_inputs import KEY

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


def test_every_node_ok_is_zero(tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text(KEY)
    options = ("-k", "key.pub", "-p", "3", "--no-kexec", "--no-force", "--reboot-kexec-timeout", "60+n", "-V", "3")
    with with_events(Stream(events=all_ok())).serving() as server:
        done = run("kadeploy", *DEPLOY, *options, "-o", "ok", "-n", "ko", env=environment(tmp_path, server.url))
        assert (done.exit, done.stderr) == (0, "")
        (asked,) = server.requests("GET", "/environments")
        (launch,) = server.requests("POST", "/deployment/")
    assert asked.query == {"name": ["debian12"], "last": ["true"]}
    assert launch.headers["x-kadeploy-user"] == "alice"
    assert launch.body == {
        "verbose_level": 3,
        "nodes": ["node-1", "node-2", "node-3"],
        "disable_kexec": True,
        "deploy_partition": "3",
        "ssh_authorized_keys_content": KEY,
        "timeout_reboot_kexec": "60+n",
        "environment": {"kind": "database", "user": "alice", "name": "debian12", "version": 2},
    }
    assert (tmp_path / "ok").read_text() == "node-1\nnode-2\nnode-3\n"
    assert (tmp_path / "ko").read_text() == ""
    assert not CONTROL.search(done.stdout)
    assert done.stdout.startswith(f"{WID} launched\n[   0:00] {WID} of alice began on 3 nodes: node-[1-3]\n")
    assert done.stdout.endswith(f"\n{WID} done: 3 of 3 nodes OK\n")


def test_a_node_that_is_not_ok_is_told_with_its_reason(tmp_path: Path) -> None:
    with with_events(Stream(events=EVENTS)).serving() as server:
        done = run("kadeploy", *DEPLOY, "-o", "ok", "-n", "ko", env=environment(tmp_path, server.url))
    assert done.exit == 40
    assert (tmp_path / "ok").read_text() == "node-1\nnode-2\n"
    assert (tmp_path / "ko").read_text() == "node-3\n"
    assert "KO: 1\n  node-3: SetDeploymentEnvUntrusted-wait_reboot: no answer within 37 s\n" in done.stdout


def test_force_is_sent_only_when_asked(tmp_path: Path) -> None:
    with with_events(Stream(events=all_ok())).serving() as server:
        run("kadeploy", *DEPLOY, "--force", env=environment(tmp_path, server.url))
        run("kadeploy", *DEPLOY, "--no-force", env=environment(tmp_path, server.url))
        first, second = (seen.body for seen in server.requests("POST", "/deployment/"))
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert first["force"] is True
    assert "force" not in second


def test_json_is_one_object_on_standard_output(tmp_path: Path) -> None:
    with with_events(Stream(events=EVENTS)).serving() as server:
        done = run("kadeploy", *DEPLOY, "--json", env=environment(tmp_path, server.url))
    told = json.loads(done.stdout)
    assert (done.exit, told["wid"], told["state"]) == (40, WID, "done")
    assert told["nodes"]["ok"] == ["node-1", "node-2"]
    assert "BroadcastEnvChain-send_environment" in done.stderr


def test_an_application_error_is_the_servers_sentence_and_number(tmp_path: Path) -> None:
    refusal = Answer(status=400, code=6, body="you have no rights on node-3")
    with with_events(Stream(events=()), **{"POST /deployment/": refusal}).serving() as server:
        env = environment(tmp_path, server.url)
        done = run("kadeploy", *DEPLOY, "-o", "ok", "-n", "ko", env=env)
        as_json = run("kadeploy", *DEPLOY, "--json", env=env)
    assert (done.exit, done.stdout) == (6, "")
    assert done.stderr == "kadeploy: you have no rights on node-3 [Kadeploy error 6]\n"
    assert (tmp_path / "ok").read_text() == ""
    assert (tmp_path / "ko").read_text() == "node-1\nnode-2\nnode-3\n"
    assert json.loads(as_json.stdout) == {"error": ["you have no rights on node-3 [Kadeploy error 6]"], "exit": 6}


def test_an_operation_that_failed_as_a_whole_has_its_errors_number(tmp_path: Path) -> None:
    teller = Teller()
    events = [teller.began("node-[1-3]"), teller.over("error", "", "node-[1-3]", "the image is gone")]
    error = Answer(status=400, code=5, body="the image is gone")
    server = with_events(Stream(events=list(enumerate(events, 1))), **{f"GET {RESOURCE}/error": error})
    with server.serving():
        done = run("kadeploy", *DEPLOY, "-n", "ko", env=environment(tmp_path, server.url))
        as_json = run("kadeploy", *DEPLOY, "--json", env=environment(tmp_path, server.url))
    assert done.exit == 5
    assert done.stderr == "kadeploy: the image is gone [Kadeploy error 5]\n"
    assert as_json.exit == 5
    assert json.loads(as_json.stdout)["error"] == "the image is gone [Kadeploy error 5]"
    assert (tmp_path / "ko").read_text() == "node-1\nnode-2\nnode-3\n"


def test_an_unknown_environment(tmp_path: Path) -> None:
    """The server refuses it, with all else that is wrong."""
    refusal = Answer(status=400, code=7, body="there is no environment debian12 of bob")
    with site(
        **{"GET /environments": Answer(status=404, body="none"), "POST /deployment/": refusal}
    ).serving() as server:
        (tmp_path / "ok").write_text("from the last time")
        done = run("kadeploy", *DEPLOY, "-u", "bob", "-o", "ok", "-n", "ko", env=environment(tmp_path, server.url))
        (asked,) = server.requests("POST", "/deployment/")
        assert isinstance(asked.body, dict)
        assert asked.body["environment"] == {"kind": "database", "name": "debian12", "user": "bob"}
    assert done.exit == 1
    assert done.stderr == "kadeploy: there is no environment debian12 of bob\n"
    assert (tmp_path / "ok").read_text() == ""
    assert (tmp_path / "ko").read_text() == "node-1\nnode-2\nnode-3\n"


def test_a_server_that_is_not_running(tmp_path: Path) -> None:
    with site().serving() as server:
        url = server.url
    for tool, arguments in (
        ("kadeploy", DEPLOY),
        ("kapower", ("-m", "n-1", "--on")),
        ("kanodes", ()),
        ("kaenv", ("-l",)),
    ):
        done = run(tool, *arguments, env=environment(tmp_path, url))
        assert (done.exit, done.stdout) == (1, "")
        assert done.stderr.count("\n") == 1
        assert f"{tool}: no Kadeploy server answers at {url}: Connection refused" in done.stderr
        assert "KADEPLOY_SERVER=https://HOST:25300" in done.stderr


def test_no_wait_tells_the_id_and_the_resource(tmp_path: Path) -> None:
    with with_events(Stream(events=())).serving() as server:
        options = ("--no-wait", "--write-workflow-id", "wid")
        done = run("kadeploy", *DEPLOY, *options, env=environment(tmp_path, server.url))
        assert not server.requests("GET", f"{RESOURCE}/events")
    assert (done.exit, done.stdout) == (0, f"{WID} {RESOURCE}/\n")
    assert (tmp_path / "wid").read_text() == WID


def test_a_dry_run_prints_the_plan(tmp_path: Path) -> None:
    plan = "alpha:\nSetDeploymentEnv: Untrusted\n    switch_pxe"
    answer = {"dry_run": True, "nodes": ["node-1"], "text": plan, "plans": {"alpha": {}}}
    with with_events(Stream(events=()), **{"POST /deployment/": Answer(body=answer)}).serving() as server:
        done = run("kadeploy", *DEPLOY, "--dry-run", env=environment(tmp_path, server.url))
        as_json = run("kadeploy", *DEPLOY, "--dry-run", "--json", env=environment(tmp_path, server.url))
        launch = server.requests("POST", "/deployment/")[0]
    assert (done.exit, done.stdout) == (0, f"{plan}\n")
    assert json.loads(as_json.stdout) == answer
    assert isinstance(launch.body, dict)
    assert launch.body["dry_run"] is True


def test_an_anonymous_environment_travels_whole(tmp_path: Path) -> None:
    (tmp_path / "env.yaml").write_text("name: mine\nimage: {file: 'server:///srv/a', kind: tar, compression: zstd}\n")
    with with_events(Stream(events=all_ok())).serving() as server:
        done = run("kadeploy", "-f", "-", "-a", "env.yaml", env=environment(tmp_path, server.url), stdin="node-[1-3]\n")
        (launch,) = server.requests("POST", "/deployment/")
    assert done.exit == 0
    assert isinstance(launch.body, dict)
    image = {"file": "server:///srv/a", "kind": "tar", "compression": "zstd"}
    assert launch.body["environment"] == {"kind": "anonymous", "name": "mine", "image": image}


def test_the_script_runs_when_all_is_over(tmp_path: Path) -> None:
    script = tmp_path / "then"
    script.write_text("#!/bin/sh\necho from the script\nexit 3\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    with with_events(Stream(events=all_ok())).serving() as server:
        done = run("kadeploy", *DEPLOY, "-s", "then", env=environment(tmp_path, server.url))
    assert done.exit == 0
    assert done.stdout.endswith("Running then\nfrom the script\nFail !\n")


@pytest.mark.parametrize(
    ("arguments", "faults"),
    [
        ((), ["no nodes were named: use -m RANGE or -f FILE", "no environment was named: use -e NAME or -a FILE"]),
        (
            ("-m", "node-[3-1]", "-e", "x", "-V", "9", "-p", "x", "-o", "f", "-n", "f", "--reboot-kexec-timeout", "n+"),
            ["-m 'node-[3-1]'", "-V 9", "-p x", "-o and -n name the same file", "--reboot-kexec-timeout"],
        ),
        (("-m", "n", "-e", "x", "-a", "/nowhere"), ["-e and -a exclude each other", "-a /nowhere: cannot be read"]),
        (("-m", "n", "-e", "x", "--no-wait", "-o", "f"), ["-o and -n need --wait"]),
        (
            ("-m", "n", "-e", "x", "--envversion", "1"),
            ["No such option '--envversion'. (Did you mean one of: '--env-version'"],
        ),
        (("--attach", "X-1"), ["--attach X-1: not an operation's id, which begins with D-, R-, P-"]),
    ],
)
def test_every_fault_is_told_before_anything_is_sent(
    tmp_path: Path, arguments: tuple[str, ...], faults: list[str]
) -> None:
    done = run("kadeploy", *arguments, env=environment(tmp_path, "http://127.0.0.1:9"))
    assert (done.exit, done.stdout) == (1, "")
    told = done.stderr.splitlines()
    assert len(told) == len(faults), told
    for fault in faults:
        assert any(line.startswith(f"kadeploy: {fault}") for line in told), (fault, told)


def test_a_stream_that_makes_no_sense_is_told_and_not_waited_for(tmp_path: Path) -> None:
    with with_events(Answer(body="hello")).serving() as server:
        done = run("kadeploy", *DEPLOY, env=environment(tmp_path, server.url))
    assert done.exit == 1
    assert (
        "does not tell events as a Kadeploy server does: Expected response with content type 'text/event-stream'"
        in done.stderr
    )
