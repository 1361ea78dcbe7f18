"""Holding, resuming, cancelling, waiting and taking over with the installed tools, against the real API and engine."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from tests.acceptance.cli.real_server import real_server
from tests.acceptance.cli.test_with_the_real_api import Site
from tests.acceptance.cli.tools import lines_until, running

HELD = 41
DEPLOY = ("kadeploy", "-e", "debian12")


def wid_in(path: Path) -> str:
    return (path / "wid").read_text()


def test_a_breakpoint_holds_and_resume_goes_on_also_when_the_server_was_started_again(tmp_path: Path) -> None:
    with real_server(tmp_path, 3) as server:
        site = Site(tmp_path, server.url)
        held = site.run(
            *DEPLOY, "-m", "node-[1-3]", "--breakpoint", "SetDeploymentEnv", "--write-workflow-id", "wid", "-n", "ko"
        )
        wid = wid_in(tmp_path)
        states = json.loads(site.run("kanodes", "--json").stdout)
        listed = site.run("kanodes", "-d").stdout
        busy = site.run(*DEPLOY, "-m", "node-2")
        attached = site.run("kadeploy", "--attach", wid, "--json")
    assert held.exit == HELD, held
    assert "HELD before SetDeploymentEnvUntrusted-switch_pxe: node-[1-3]" in held.stdout
    assert f"{wid} is held: kadeploy --resume {wid} goes on, kadeploy --cancel {wid} ends it." in held.stdout
    assert "Held: 3\n  node-1\n" in held.stdout
    assert (tmp_path / "ko").read_text() == "node-1\nnode-2\nnode-3\n"
    assert states["node-1"]["state"] == "held"
    assert re.search(rf"^{wid} +alice +held ", listed, re.MULTILINE), listed
    assert (busy.exit, wid in busy.stderr) == (11, True)
    assert attached.exit == HELD
    assert json.loads(attached.stdout)["nodes"]["held"] == ["node-1", "node-2", "node-3"]

    with real_server(tmp_path, 3) as server:
        server.go.set()
        env = {**site.env, "KADEPLOY_SERVER": server.url}
        site.env = env
        again = site.run("kadeploy", "--attach", wid)
        resumed = site.run("kadeploy", "--resume", wid, "-o", "ok")
        too_late = site.run("kadeploy", "--resume", wid)
        states = json.loads(site.run("kanodes", "--json").stdout)
    assert again.exit == HELD
    assert resumed.exit == 0, resumed
    assert resumed.stdout.startswith(f"node-[1-3] of {wid} goes on\n")
    assert f"{wid} done: 3 of 3 nodes OK" in resumed.stdout
    assert (tmp_path / "ok").read_text() == "node-1\nnode-2\nnode-3\n"
    assert too_late.exit == 14
    assert states["node-1"]["state"] == "deployed"


def test_what_cannot_be_followed_is_only_refused(tmp_path: Path) -> None:
    with real_server(tmp_path, 1) as server:
        site = Site(tmp_path, server.url)
        held = site.run(*DEPLOY, "-m", "node-1", "--breakpoint", "SetDeploymentEnv", "--write-workflow-id", "wid")
        unknown = [site.run("kadeploy", "--attach", f"{kind}-1", "-n", "ko") for kind in ("D", "R", "P")]
        site.env = {**site.env, "USER": "bob"}
        not_his = site.run("kadeploy", "--attach", wid_in(tmp_path))
        programs = site.run("kadeploy", "--attach", "D-1", "--json")
    assert held.exit == HELD
    for kind, refused in zip(("D", "R", "P"), unknown, strict=True):
        told = f"kadeploy: There is no such operation -- there is no operation '{kind}-1' [Kadeploy error 1]\n"
        assert (refused.exit, refused.stdout, refused.stderr) == (1, "", told)
    assert (not_his.exit, not_his.stdout, not_his.stderr.count("\n")) == (2, "", 1), not_his
    assert json.loads(programs.stdout)["exit"] == 1
    assert "is followed" not in programs.stderr


def test_an_operation_and_a_node_of_it_are_cancelled(tmp_path: Path) -> None:
    with real_server(tmp_path, 3) as server:
        site = Site(tmp_path, server.url)
        with running(*DEPLOY, "-m", "node-[1-3]", "--write-workflow-id", "wid", env=site.env) as tool:
            lines_until(tool, "send_environment 50 %")
            wid = wid_in(tmp_path)
            stranger = site.run("kadeploy", "--cancel", wid, "-m", "node-9")
            one = site.run("kadeploy", "--cancel", wid, "-m", "node-2")
            lines_until(tool, "KO node-2: ")
            free = site.run("kapower", "-m", "node-2", "--status")
            ended = free.stdout.split()[0]
            late = site.run("kadeploy", "--cancel", ended)
            rest = site.run("kadeploy", "--cancel", wid)
            told, _ = tool.communicate(timeout=20)
            nobody = site.run("kadeploy", "--cancel", "D-nothing")
    assert stranger.exit == 2
    assert (one.exit, one.stdout) == (0, f"{wid} is cancelled for node-2\n")
    assert free.exit == 0, free
    assert (late.exit, f"{ended} had ended already: it is done" in late.stderr) == (14, True), late
    assert (rest.exit, rest.stdout) == (0, f"{wid} is cancelled\n")
    assert tool.returncode == 40
    assert f"{wid} aborted: 0 of 3 nodes OK: aborted by alice" in told
    assert nobody.exit == 1


def test_force_takes_nodes_over(tmp_path: Path) -> None:
    with real_server(tmp_path, 3) as server:
        site = Site(tmp_path, server.url)
        with running(*DEPLOY, "-m", "node-[1-3]", "--write-workflow-id", "wid", env=site.env) as first:
            lines_until(first, "send_environment 50 %")
            second = site.run("kareboot", "-m", "node-3", "-r", "deploy_env", "--force")
            server.go.set()
            told, _ = first.communicate(timeout=20)
    assert second.exit == 0, second
    assert first.returncode == 40
    assert "KO node-3: aborted by alice: taken over by R-" in told
    assert "OK: 2\n" in told


def test_wait_nodes_waits_its_turn_and_ctrl_c_gives_up(tmp_path: Path) -> None:
    with real_server(tmp_path, 2) as server:
        site = Site(tmp_path, server.url)
        arguments = (*DEPLOY, "-m", "node-[1-2]")
        with running(*arguments, env=site.env) as first:
            lines_until(first, "send_environment 50 %")
            with running(*arguments, "--wait-nodes", env={**site.env, "HOME": str(tmp_path)}) as second:
                waiting = lines_until(second, "Waiting for")
                with running(*arguments, "--wait-nodes", env=site.env) as third:
                    lines_until(third, "Waiting for")
                    third.send_signal(signal.SIGINT)
                    gave_up, _ = third.communicate(timeout=20)
                server.go.set()
                assert first.wait(20) == 0
                assert second.wait(20) == 0
    assert "Waiting for node-[1-2], in D-" in waiting[-1]
    assert third.returncode == 130
    assert "aborted: 0 of 2 nodes OK" in gave_up


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--resume", "X-1"), "--resume X-1: not an operation's id"),
        (("--attach", "D-1", "-m", "node-1"), "-m does not go with --attach"),
        (("--resume", "D-1", "--cancel", "D-1"), "--resume, --cancel exclude each other"),
    ],
)
def test_slips_are_told_before_anything_is_sent(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    with real_server(tmp_path, 1) as server:
        slip = Site(tmp_path, server.url).run("kadeploy", *arguments)
    assert slip.exit == 1
    assert said in slip.stderr
