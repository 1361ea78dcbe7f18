"""The tools as somebody uses them who sits at a terminal: typing, Ctrl-C, another size of the window, passwords."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import bcrypt
import pytest
import yaml

from tests.acceptance.cli.terminal import CTRL_C, ENTER, HIDE_CURSOR, SHOW_CURSOR, Terminal, on_terminal
from tests.acceptance.cli.test_simulation import simulation
from tests.acceptance.cli.tools import run

pytestmark = pytest.mark.timeout(120)
SLOW = ("--simulate-speed", "1")  # nobody waits for the end of these
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
DRAWN = "\x1b[?2026l"
ID = re.compile(r"D-[0-9a-f-]{36}")
LAUNCH = ("-m", "node-[1-9]", "-e", "simulated", "--force")


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with simulation(tmp_path_factory.mktemp("slow"), *SLOW) as environ:
        yield {**environ, "TERM": "xterm-256color", "USER": "root"}


def launched(terminal: Terminal) -> str:
    terminal.until("wait_reboot")
    found = ID.search(terminal.shown)
    assert found
    return found.group()


def ended(terminal: Terminal, after: int) -> int:
    """Where what is drawn next is whole."""
    terminal.until(DRAWN, after=after)
    return terminal.shown.index(DRAWN, after) + len(DRAWN)


def in_order(terminal: Terminal) -> bool:
    """The cursor is seen again."""
    return terminal.shown.rfind(SHOW_CURSOR) > terminal.shown.rfind(HIDE_CURSOR)


def test_ctrl_c_aborts_and_a_second_one_leaves(slow: dict[str, str]) -> None:
    with on_terminal("kadeploy", *LAUNCH, env=slow) as terminal:
        wid = launched(terminal)
        terminal.type(CTRL_C)
        assert terminal.rest() == 130
        assert "Aborting the operation; Ctrl-C again leaves at once." in terminal.shown
        assert f"{wid} aborted: 0 of 9 nodes OK" in terminal.shown
        assert in_order(terminal)
    with on_terminal("kadeploy", *LAUNCH, "--on-interrupt", "leave", env=slow) as terminal:
        wid = launched(terminal)
        terminal.type(CTRL_C)
        assert terminal.rest() == 130
        assert f"{wid} goes on at the server: kadeploy --attach {wid} follows it again." in terminal.shown
    assert run("kadeploy", "--cancel", wid, env=slow).exit == 0


def test_what_is_typed_does_not_disturb_what_is_redrawn(slow: dict[str, str]) -> None:
    with on_terminal("kadeploy", *LAUNCH, env=slow) as terminal:
        launched(terminal)
        terminal.type(f"hello{ENTER}{ENTER}")
        before = len(terminal.shown)
        terminal.until("wait_reboot", after=before)
        terminal.type(CTRL_C)
        assert terminal.rest() == 130
        assert "hello" not in terminal.shown


def test_a_narrower_window_gets_narrower_lines(slow: dict[str, str]) -> None:
    with on_terminal("kadeploy", *LAUNCH, env=slow, columns=140) as terminal:
        launched(terminal)
        terminal.resize(40)
        end = len(terminal.shown)
        while True:  # until it is so: those that are under way are as wide as before
            begin, end = end, ended(terminal, end)
            lines = ESCAPES.sub("", terminal.shown[begin:end]).splitlines()
            if len(lines) > 9 and max(map(len, lines)) <= 40:
                break
        terminal.type(CTRL_C)
        assert terminal.rest() == 130


def test_two_follow_it_at_once_and_leave_it_running(slow: dict[str, str]) -> None:
    wid = run("kadeploy", *LAUNCH, "--no-wait", env=slow).stdout.split()[0]
    follow = ("--attach", wid)
    with on_terminal("kadeploy", *follow, env=slow) as one, on_terminal("kadeploy", *follow, env=slow) as other:
        assert {launched(one), launched(other)} == {wid}
        one.type(CTRL_C)
        assert one.rest() == 130
        assert f"{wid} goes on at the server" in one.shown
        assert run("kadeploy", "--cancel", wid, env=slow).exit == 0
        assert other.rest() == 40
        assert f"{wid} aborted: 0 of 9 nodes OK" in other.shown


def test_enter_tells_how_it_stands_at_every_server(slow: dict[str, str], tmp_path: Path) -> None:
    port = urlsplit(slow["KADEPLOY_SERVER"]).port
    servers = [{"name": "one", "hostname": "127.0.0.1", "port": port, "secure": False}]
    (tmp_path / "client.conf").write_text(yaml.safe_dump({"default": "one", "servers": servers}))
    env = {**slow, "KADEPLOY_CONFIG_DIR": str(tmp_path)}
    del env["KADEPLOY_SERVER"]
    with on_terminal("kadeploy", "-M", *LAUNCH, env=env) as terminal:
        launched(terminal)
        terminal.type(ENTER)
        terminal.until("[one]   RUNNING node-9 of sim in SetDeploymentEnvUntrusted-wait_reboot")
        terminal.type(CTRL_C)
        assert terminal.rest() == 130
    assert re.search(r"^\[one\] After \d:\d\d:\r$", terminal.shown, re.MULTILINE)


def test_how_long_it_still_takes_is_told_at_every_server(tmp_path: Path) -> None:
    with simulation(tmp_path, "--simulate-speed", "300") as environ:
        port = urlsplit(environ.pop("KADEPLOY_SERVER")).port
        servers = [{"name": "one", "hostname": "127.0.0.1", "port": port, "secure": False}]
        (tmp_path / "client.conf").write_text(yaml.safe_dump({"default": "one", "servers": servers}))
        env = {**environ, "KADEPLOY_CONFIG_DIR": str(tmp_path), "TERM": "xterm", "USER": "root"}
        assert run("kadeploy", "-m", "node-[1-60]", "-e", "simulated", env=env).exit == 0
        with on_terminal("kadeploy", "-M", *LAUNCH, env=env) as terminal:
            assert terminal.rest() == 0
        assert re.search(r"\[one\] D-\S+ launched, usually over in \d:\d\d, mostly in \d:\d\d\r", terminal.shown)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A server that wants passwords."""
    directory = tmp_path_factory.mktemp("guarded")
    (directory / "htpasswd").write_text(f"alice:{bcrypt.hashpw(b'open sesame', bcrypt.gensalt(4)).decode()}\n")
    wanted = {"http_basic": {"dbfile": str(directory / "htpasswd")}}
    with simulation(directory, authentication=wanted) as environ:
        yield {**environ, "TERM": "xterm", "USER": "alice"}


def test_a_password_is_asked_for_and_not_shown(guarded: dict[str, str]) -> None:
    asks = ("kanodes", "-m", "node-1", "--password")
    with on_terminal(*asks, env=guarded) as terminal:
        terminal.until("Password of alice: ")
        terminal.type(f"open sesame{ENTER}")
        assert terminal.rest() == 0, terminal.shown
    assert "node-1" in terminal.shown
    assert "sesame" not in terminal.shown
    with on_terminal(*asks, env=guarded) as terminal:
        terminal.until("Password of alice: ")
        terminal.type(f"wrong{ENTER}")
        assert terminal.rest() == 2
    assert "Traceback" not in terminal.shown
    with on_terminal(*asks, env=guarded) as terminal:
        terminal.until("Password of alice: ")
        terminal.type(CTRL_C)
        assert terminal.rest() == 130
    assert "Traceback" not in terminal.shown


def test_a_password_may_be_given_and_is_missed_where_nobody_can_be_asked(guarded: dict[str, str]) -> None:
    assert run("kanodes", "-m", "node-1", "--password=open sesame", env=guarded).exit == 0
    refused = run("kanodes", "-m", "node-1", env=guarded)
    assert (refused.exit, "Traceback" in refused.stderr) == (2, False)
    unasked = run("kanodes", "-m", "node-1", "--password", env=guarded)
    assert unasked.exit != 0
    assert "Traceback" not in unasked.stderr
