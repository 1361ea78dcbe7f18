"""An object store of the tests' own, on loopback: moto's server, in a process of its own, ended with the test.

Not in this one: it changes how this process's own clients of such stores behave.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

KEY, SECRET, BUCKET = "AKIAIMAGES", "sesame-open", "images"


@contextlib.contextmanager
def store_server(directory: Path) -> Iterator[str]:
    """The URL of a store with an empty bucket."""
    port = _free_port()
    program = Path(sys.executable).with_name("moto_server")
    with (directory / "store.log").open("wb") as log:
        process = subprocess.Popen(
            [str(program), "-H", "127.0.0.1", "-p", str(port)],
            stdout=log,
            stderr=log,
            env={**os.environ, "no_proxy": "127.0.0.1"},
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _await(url, process)
            yield url
        finally:
            process.terminate()
            process.wait()


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 40
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{url}/moto-api/", timeout=5).close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)  # until it listens
        else:
            return
    raise AssertionError("the object store did not start")
