"""`kadeployd --simulate` as a process, and the installed tools against it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.simulated import BIN, LONGEST, simulated


@contextmanager
def simulation(directory: Path, *options: str, **settings: object) -> Iterator[dict[str, str]]:
    """The environment in which the tools find it; `settings` are sections of server.conf."""
    usual = {
        "security": {"secure_server": False},
        "authentication": {"acl": {"whitelist": ["127.0.0.1"]}},
        "rights": {"kind": "dummy"},
        "windows": {"reboot": {"size": 25, "sleep_time": 1}},
    }
    with simulated(directory, *options, nodes=60, settings={**usual, **settings}) as server:
        yield {**os.environ, "KADEPLOY_SERVER": f"http://127.0.0.1:{server.port}", "HOME": str(directory)}


def run(environ: dict[str, str], *argv: str) -> subprocess.CompletedProcess[str]:
    tool, *rest = argv
    return subprocess.run(
        [str(BIN / tool), *rest], env=environ, capture_output=True, text=True, timeout=LONGEST, check=False
    )


@pytest.mark.timeout(120)
def test_a_simulated_cluster_is_deployed_with_the_installed_tools(tmp_path: Path) -> None:
    with simulation(tmp_path, "--simulate-speed", "300") as environ:
        done = run(environ, "kadeploy", "-m", "node-[1-60]", "-e", "simulated")
        assert done.returncode == 0, done.stdout + done.stderr
        shown = run(environ, "kanodes", "-m", "node-[1-60]")
        assert shown.stdout.count("deployed") == 60, shown.stdout + shown.stderr
    assert not (tmp_path / "state").exists(), "a simulation keeps nothing, and touches nothing that is real"


def test_a_reload_leaves_the_simulation_what_is_its_own(tmp_path: Path) -> None:
    wish = ("kadeploy", "-m", "node-[1-60]", "-e", "simulated", "--dry-run")
    with simulation(tmp_path, rights={"kind": "dummy", "almighty_users": "root"}) as environ:
        asked = urllib.request.Request(
            f"{environ['KADEPLOY_SERVER']}/reload", method="POST", headers={"X-Kadeploy-User": "root"}
        )
        with urllib.request.urlopen(asked, timeout=LONGEST) as answer:
            assert json.load(answer)["changed"] == []
        done = run(environ, *wish)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_daemon_that_is_still_being_loaded_stops_when_it_is_told_to(tmp_path: Path, number: int) -> None:
    argv = [str(BIN / "kadeployd"), "--simulate", "2", "-p", str(tmp_path / "pid")]
    environ = {**os.environ, "PYTHONPROFILEIMPORTTIME": "1"}  # a line on standard error as each module is loaded
    with subprocess.Popen(argv, env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            assert any("starlette" in line for line in process.stderr), "the server itself is loaded"
            process.send_signal(signal.SIGHUP)
            process.send_signal(number)
            said = process.stderr.read()
            assert (process.wait(LONGEST), "Traceback" in said) == (0, False), said
        finally:
            process.kill()
    assert not (tmp_path / "pid").exists()


def test_the_daemons_options_of_kadeploy3(tmp_path: Path) -> None:
    """-d leaves the terminal and logs into files, -S is passed over, the others are refused where they mean nothing."""
    port, log = free_port(), tmp_path / "log"
    (tmp_path / "server.conf").write_text(f"listen: {{address: 127.0.0.1, port: {port}}}\n")
    environ = {**os.environ, "KADEPLOY3_LOG_DIR": str(log)}
    fixed = ("kadeployd", "--config", str(tmp_path), "--simulate", "2", "-p", str(tmp_path / "pid"))
    done = run(environ, *fixed, "-d", "-S")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "kadeployd: --no-dh-seeds has no meaning: keys are agreed on elliptic curves\n"
    said = subprocess.Popen(["tail", "-n", "+1", "-F", str(log / "error.log")], stdout=subprocess.PIPE, text=True)
    try:
        assert said.stdout is not None
        assert any("ready on" in line for line in said.stdout)
    finally:
        said.kill()
        said.communicate()
    pid = int((tmp_path / "pid").read_text())
    assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
    assert os.readlink(f"/proc/{pid}/fd/1") == str(log / "output.log")
    assert os.getsid(pid) != os.getsid(0)
    leaving = os.pidfd_open(pid)
    try:
        os.kill(pid, signal.SIGTERM)
        assert select.select([leaving], [], [], LONGEST)[0], "it does not end"
    finally:
        os.close(leaving)
    assert not (tmp_path / "pid").exists()
    for wrong, words in ((("-O",), "they need -d"), (("--ruby-debug",), "there is no Ruby here; -v logs more")):
        refused = run(environ, *fixed, *wrong)
        assert refused.returncode == 2
        assert words in refused.stderr
    refused = run({**environ, "KADEPLOY_LOG_DIR": "/proc/nowhere"}, *fixed, "-d")
    assert refused.returncode == 1
    assert "--detach: /proc/nowhere/output.log cannot be written" in refused.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--simulate-speed", "0"), "0 is not in the range"),
        (("--simulate-faults", "2"), "is not in the range 0<=x<=1"),
        (("--simulate-domain", "a b"), "'a b' is not a domain"),
        (("--simulate-domain", ".x"), "'.x' is not a domain"),
    ],
)
def test_what_no_simulation_can_be_is_refused(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    done = run(dict(os.environ), "kadeployd", "--simulate", "5", "--config", str(tmp_path), *words)
    assert done.returncode == 2
    assert said in done.stderr
