"""The live display on a real pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.cli.debian import DEPLOY, EVENTS, with_events
from tests.acceptance.cli.stub_server import Stream
from tests.acceptance.cli.tools import environment, program
from tests.unit.cli.story import WID

HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
COLOUR = re.compile(r"\x1b\[[0-9;]*[34][0-9][0-9;]*m")


class Terminal:
    """A pseudo-terminal of so many columns, and the tool on it."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self._master = master
        self.shown = ""

    def until(self, part: str) -> None:
        while part not in self.shown:
            assert self._read(), f"{part!r} was never shown, but: {self.shown}"

    def rest(self) -> int:
        while self._read():
            pass
        return self.process.wait(20)

    def _read(self) -> bool:
        try:
            chunk = os.read(self._master, 65536)
        except OSError:  # the tool has closed its side
            return False
        self.shown += chunk.decode()
        return bool(chunk)


@contextmanager
def on_terminal(*arguments: str, env: Mapping[str, str], columns: int = 100) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [program("kadeploy"), *arguments], env=dict(env), stdin=slave, stdout=slave, stderr=slave, cwd=env["HOME"]
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)


@pytest.mark.parametrize("columns", [100, 40])
def test_the_display_is_redrawn_in_place_and_gives_way_to_the_report(tmp_path: Path, columns: int) -> None:
    go_on = threading.Event()
    stream = Stream(events=EVENTS[:-12], wait=go_on, then=EVENTS[-12:])
    with with_events(stream).serving() as server:
        env = environment(tmp_path, server.url, TERM="xterm-256color")
        with on_terminal(*DEPLOY, env=env, columns=columns) as terminal:
            terminal.until("send_environment")
            terminal.until("MB/s")
            assert HIDE_CURSOR in terminal.shown
            assert COLOUR.search(terminal.shown)
            go_on.set()
            assert terminal.rest() == 40
    assert terminal.shown.rfind(SHOW_CURSOR) > terminal.shown.rfind(HIDE_CURSOR)
    report = terminal.shown[terminal.shown.rfind(SHOW_CURSOR) :]
    assert "BroadcastEnvChain  " in report
    assert f"{WID} done: 2 of 3 nodes OK" in report
    assert "[   0:00]" not in terminal.shown


def test_without_colours_when_asked(tmp_path: Path) -> None:
    with with_events(Stream(events=EVENTS)).serving() as server:
        env = environment(tmp_path, server.url, TERM="xterm-256color", NO_COLOR="1")
        with on_terminal(*DEPLOY, env=env) as terminal:
            assert terminal.rest() == 40
    assert not COLOUR.search(terminal.shown)


def test_a_terminal_that_cannot_redraw_gets_lines(tmp_path: Path) -> None:
    with with_events(Stream(events=EVENTS)).serving() as server:
        env = environment(tmp_path, server.url, TERM="dumb")
        with on_terminal(*DEPLOY, env=env) as terminal:
            assert terminal.rest() == 40
    assert "\x1b" not in terminal.shown
    assert "[   0:00] SetDeploymentEnvUntrusted-switch_pxe: node-[1-3]" in terminal.shown


def test_a_terminal_is_left_in_order_when_the_tool_is_ended(tmp_path: Path) -> None:
    never = threading.Event()
    with with_events(Stream(events=EVENTS[:9], wait=never)).serving() as server:
        env = environment(tmp_path, server.url, TERM="xterm")
        with on_terminal(*DEPLOY, "-n", "ko", env=env) as terminal:
            terminal.until("wait_reboot")
            terminal.process.send_signal(signal.SIGTERM)
            assert terminal.rest() == 128 + signal.SIGTERM
        never.set()
        assert not [seen for seen in server.seen if seen.method == "DELETE"]
    assert terminal.shown.rfind(SHOW_CURSOR) > terminal.shown.rfind(HIDE_CURSOR)
    assert (tmp_path / "ko").read_text() == "node-1\nnode-2\nnode-3\n"


def test_an_operation_the_server_no_longer_knows_ends_the_display(tmp_path: Path) -> None:
    server = with_events(Stream(events=EVENTS[:9], wait=threading.Event(), cut=True))
    with server.serving():
        env = environment(tmp_path, server.url, TERM="xterm")
        hold = server.routes[f"GET /deployment/{WID}/events"]
        assert isinstance(hold, Stream)
        assert hold.wait is not None
        with on_terminal(*DEPLOY, env=env, columns=120) as terminal:
            terminal.until("wait_reboot")
            server.routes = {}
            hold.wait.set()
            assert terminal.rest() == 1
    assert "there is no" in terminal.shown


def test_no_line_is_wider_than_the_terminal(tmp_path: Path) -> None:
    with with_events(Stream(events=EVENTS)).serving() as server:
        env = environment(tmp_path, server.url, TERM="xterm")
        with on_terminal(*DEPLOY, env=env, columns=50) as terminal:
            assert terminal.rest() == 40
    live = terminal.shown[terminal.shown.find(HIDE_CURSOR) : terminal.shown.rfind(SHOW_CURSOR)]
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", live)
    assert max(len(line) for part in plain.splitlines() for line in part.split("\r")) <= 50
