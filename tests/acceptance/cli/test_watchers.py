"""Leaving an operation, and coming back to it: Ctrl-C as it was wished for, and several watchers at once."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

from tests.acceptance.cli.real_server import real_server
from tests.acceptance.cli.test_with_the_real_api import Site
from tests.acceptance.cli.tools import lines_until, program, run, running

LAUNCH = ("kadeploy", "-m", "node-[1-2]", "-e", "debian12")
HALF = "send_environment 50 %"


def test_ctrl_c_leaves_where_that_is_wished_and_several_follow_it_to_its_end(tmp_path: Path) -> None:
    with real_server(tmp_path, 2) as server:
        site = Site(tmp_path, server.url)
        with running(*LAUNCH, "--on-interrupt", "leave", "-n", "ko", env=site.env) as tool:
            wid = lines_until(tool, HALF)[0].split()[0]
            tool.send_signal(signal.SIGINT)
            left, errors = tool.communicate(timeout=20)
        with ExitStack() as stack:
            watchers = [stack.enter_context(running("kadeploy", "--attach", wid, env=site.env)) for _ in range(3)]
            for watcher in watchers:
                lines_until(watcher, "is followed; Ctrl-C leaves it running")
            lines_until(watchers[0], "send_environment")
            watchers[0].send_signal(signal.SIGINT)
            told = watchers[0].communicate(timeout=20)[0]
            server.go.set()
            ends = [watcher.communicate(timeout=20)[0] for watcher in watchers[1:]]
        codes = [watcher.returncode for watcher in watchers]
    assert (tool.returncode, errors) == (130, "")
    assert f"{wid} goes on at the server: kadeploy --attach {wid} follows it again." in left
    assert (tmp_path / "ko").read_text() == "node-1\nnode-2\n", "of which nothing more is known is not OK"
    assert f"{wid} goes on at the server" in told
    assert codes == [130, 0, 0]
    assert all(f"{wid} done: 2 of 2 nodes OK" in end for end in ends)


def test_the_wish_may_be_set_once_for_all(tmp_path: Path) -> None:
    with real_server(tmp_path, 2) as server:
        site = Site(tmp_path, server.url)
        with running(*LAUNCH, env={**site.env, "KADEPLOY_ON_INTERRUPT": "leave"}) as tool:
            lines_until(tool, HALF)
            tool.send_signal(signal.SIGINT)
            stdout, _ = tool.communicate(timeout=20)
        state = json.loads(site.run("kanodes", "-d", "--json").stdout)
    assert tool.returncode == 130
    assert "goes on at the server" in stdout
    assert [one["done"] for one in state] == [False]


def test_failed_nodes_are_no_failure_in_the_old_way(tmp_path: Path) -> None:
    with real_server(tmp_path, 2) as server:
        site = Site(tmp_path, server.url)
        with running(*LAUNCH, env=site.env) as tool:
            wid = lines_until(tool, HALF)[0].split()[0]
            assert run("kadeploy", "--cancel", wid, "-m", "node-2", env=site.env).exit == 0
            server.go.set()
            tool.communicate(timeout=20)
        again = [site.run("kadeploy", "--attach", wid, *old).exit for old in ((), ("--exit-zero",))]
    assert (tool.returncode, again) == (40, [40, 0])


def test_enter_tells_how_it_stands(tmp_path: Path) -> None:
    """The tool is the foreground of a terminal of its own, on which somebody types; what it tells goes elsewhere."""
    with real_server(tmp_path, 2) as server:
        site = Site(tmp_path, server.url)
        ours, theirs = os.openpty()
        try:
            told = tmp_path / "told"
            argv = [program(LAUNCH[0]), *LAUNCH[1:]]
            words = [sys.executable, "-c", FOREGROUND, str(told), *argv]
            tool = subprocess.Popen(words, env=site.env, stdin=theirs, start_new_session=True, cwd=tmp_path)
            try:
                until(tool, told, HALF)
                os.write(ours, b"\n")
                until(tool, told, "RUNNING node-1")
                server.go.set()
                assert tool.wait(20) == 0
            finally:
                tool.kill()
                tool.wait()
        finally:
            os.close(ours)
            os.close(theirs)
    assert re.search(
        r"After \d+:\d\d:\n  RUNNING node-1 of sim in BroadcastEnvChain-send_environment", told.read_text()
    )


FOREGROUND = """\
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.dup2(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT), 1)
os.execv(sys.argv[2], sys.argv[2:])
"""


def until(tool: subprocess.Popen[bytes], told: Path, part: str) -> None:
    while not told.exists() or part not in told.read_text():
        with suppress(subprocess.TimeoutExpired):
            tool.wait(0.1)
        assert tool.returncode is None, told.read_text()
