"""`kadeployd --simulate` as a process, and the installed tools against it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

BIN = Path(sys.executable).parent
LONGEST = 40.0  # seconds


@contextmanager
def simulation(directory: Path, *options: str, **settings: object) -> Iterator[dict[str, str]]:
    """The environment in which the tools find it; `settings` are sections of server.conf."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (directory / "server.conf").write_text(
        yaml.safe_dump(
            {
                "listen": {"address": "127.0.0.1", "port": port},
                "security": {"secure_server": False},
                "authentication": {"acl": {"whitelist": ["127.0.0.1"]}},
                "rights": {"kind": "dummy"},
                "windows": {"reboot": {"size": 25, "sleep_time": 1}},
                "state_directory": str(directory / "state"),
                **settings,
            }
        )
    )
    (directory / "clusters.conf").write_text(
        "clusters: [{name: real, conf_file: real.conf, nodes: [{name: real-1, address: 10.9.9.9}]}]\n"
    )
    (directory / "real.conf").write_text("partitioning: {block_device: /dev/sda, partitions: {deploy: 2, swap: 1}}\n")
    argv = [str(BIN / "kadeployd"), "--config", str(directory), "--simulate", "60", *options]
    log = (directory / "log").open("wb")
    process = subprocess.Popen(argv, stderr=log)
    try:
        _until_ready(process, port, directory / "log")
        yield {**os.environ, "KADEPLOY_SERVER": f"http://127.0.0.1:{port}", "HOME": str(directory)}
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(20) == 0, (directory / "log").read_text()
        finally:
            process.kill()
            process.wait()
            log.close()


def _until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + LONGEST
    while "ready on" not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, "it did not start"
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.1)


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
