"""kaconsole on a real pseudo-terminal, every option, against `kadeployd --simulate`."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.acceptance.cli.test_simulation import simulation
from tests.acceptance.cli.tools import program, run

KILL = b"\x1b\x1b\x1b\x1b"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("consoles")


@pytest.fixture(scope="module")
def env(directory: Path) -> Iterator[dict[str, str]]:
    """alice may use node-1 to node-5, bob node-9."""
    console = {"log_directory": str(directory / "logs")}
    rights = {"kind": "db", "almighty_users": ["root"]}
    with simulation(directory, "--simulate-speed", "100", rights=rights, console=console) as environ:
        with as_user("root", environ) as root:
            for user, nodes in (("alice", "node-[1-5]"), ("bob", "node-9")):
                assert root.post("/rights", json={"username": user, "nodes": [nodes]}).status_code == 200
        yield {**environ, "USER": "alice"}


def as_user(user: str, environ: dict[str, str]) -> httpx2.Client:
    return httpx2.Client(base_url=environ["KADEPLOY_SERVER"], headers={"X-Kadeploy-User": user})


class Terminal:
    """The tool on a terminal of its own, and the other end of that."""

    def __init__(self, process: subprocess.Popen[bytes], master: int, slave: int) -> None:
        self.process = process
        self._master = master
        self._slave = slave
        self.shown = b""

    @property
    def settings(self) -> list[object]:
        return list(termios.tcgetattr(self._slave))

    def until(self, part: bytes) -> None:
        while part not in self.shown:
            self.shown += os.read(self._master, 65536)

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)


@contextmanager
def console(*arguments: str, env: dict[str, str], tool: str = "kaconsole") -> Iterator[Terminal]:
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    process = subprocess.Popen([program(tool), *arguments], env=env, stdin=slave, stdout=slave, stderr=slave)
    try:
        yield Terminal(process, master, slave)
        process.wait(30)
        assert termios.tcgetattr(slave) == before, "the terminal is as it was"
    finally:
        process.kill()
        process.wait()
        os.close(master)
        os.close(slave)


def listed(env: dict[str, str]) -> list[str]:
    with as_user("alice", env) as alice:
        return [one["node"] for one in alice.get("/console").json()]


@pytest.mark.parametrize("tool", ["kaconsole", "kaconsole3"])
def test_attend_type_and_leave(tool: str, env: dict[str, str]) -> None:
    with console("-m", "node-1", env=env, tool=tool) as terminal:
        before = terminal.settings
        terminal.until(b"kill sequence: ^[^[^[^[")
        terminal.until(b"node-1 login: ")
        assert terminal.settings != before, "keys go to the node, not to the terminal"
        terminal.type(b"root\r")
        terminal.until(b"Welcome to node-1")
        terminal.type(b"\x03\x1b\x1b\x1bx")  # Ctrl-C is the node's, and three are not four
        terminal.until(b"# x")
        terminal.type(KILL)
    assert terminal.process.returncode == 0
    assert listed(env) == [], "nothing is left behind"
    with console("--machine", "node-1", env=env) as terminal:
        terminal.until(b"# x")
        terminal.type(b"\rexit\r")
        terminal.until(b"logout")
        terminal.type(KILL)


def test_a_boot_is_watched_by_many_and_kept(env: dict[str, str], directory: Path) -> None:
    reading = subprocess.Popen(
        [program("kaconsole"), "-m", "node-2", "--watch"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    assert reading.stdout is not None
    try:
        with console("-m", "node-2", "-w", env=env) as terminal:
            terminal.until(b"login: ")
            rebooted = run("kareboot", "-r", "simple", "-m", "node-2", env=env)
            assert rebooted.exit == 0, rebooted
            terminal.until(b"Simulated firmware")
            terminal.until(b"Booting the installed system")
            terminal.type(b"what a watcher types goes nowhere\r" + KILL)
        assert b"goes nowhere" not in terminal.shown
        said = b""
        while b"Booting the installed system" not in said:
            said += os.read(reading.stdout.fileno(), 65536)
        reading.send_signal(signal.SIGINT)
        assert reading.wait(30) == 130
    finally:
        reading.kill()
        reading.wait()
        reading.stdout.close()
    assert b"Booting the installed system" in (directory / "logs" / "node-2.log").read_bytes()


def test_one_types_until_another_takes_over(env: dict[str, str]) -> None:
    with console("-m", "node-3", env=env) as first:
        first.until(b"login: ")
        with console("-m", "node-3", env=env) as refused:
            refused.until(b"alice is at the console of node-3")
        assert refused.process.returncode == 11
        with console("-m", "node-3", "--take", env=env) as second:
            second.until(b"login: ")
            first.until(b"alice has taken the console of node-3 over")
            second.type(KILL)
    assert first.process.returncode == 11
    assert second.process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_in_order_and_the_console_ended(number: int, env: dict[str, str]) -> None:
    with console("-m", "node-4", env=env) as terminal:
        terminal.until(b"login: ")
        terminal.process.send_signal(number)
    assert terminal.process.returncode == 128 + number
    assert "node-4" not in listed(env)


def test_whoever_loses_the_right_is_out(env: dict[str, str]) -> None:
    with console("-m", "node-5", env=env) as terminal:
        terminal.until(b"login: ")
        with as_user("root", env) as root:
            assert root.delete("/rights/alice/node-5").status_code == 200
        terminal.until(b"alice has no right on node-5 any more")
    assert terminal.process.returncode == 6


def test_what_cannot_be_attended(env: dict[str, str]) -> None:
    assert run("kaconsole", "-m", "node-1", "--dry-run", env=env).exit == 0
    assert run("kaconsole", "-m", "node-9", "--dry-run", env=env).exit == 6
    assert run("kaconsole", "-m", "node-77", "--watch", env=env).exit == 2
    assert run("kaconsole", "-m", "node-[1-2]", "--watch", env=env).exit == 2
    blind = run("kaconsole", "-m", "node-1", env=env)
    assert (blind.exit, "standard input is not a terminal" in blind.stderr) == (1, True)
    slips = run("kaconsole", "--watch", "--take", env=env)
    assert "no node was named" in slips.stderr
    assert "exclude each other" in slips.stderr
    assert listed(env) == []
    shown = run("kaconsole", "-h", env=env).stdout
    for option in ("--machine", "--watch", "--take", "--dry-run", "--server", "--password", "--version"):
        assert option in shown
    assert run("kaconsole", "-v", env=env).stdout.startswith("kaconsole ")
    assert "automata" in run("kaconsole", "-I", env=env).stdout
