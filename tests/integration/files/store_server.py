"""An object store of the tests' own, on loopback: moto's server, in a process of its own, ended with the test.

Not in this one: it changes how this process's own clients of such stores behave.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

KEY, SECRET, BUCKET = "AKIAIMAGES", "sesame-open", "images"


@contextlib.contextmanager
def store_server(directory: Path) -> Iterator[str]:
    """The URL of a store with an empty bucket."""
    port = _free_port()
    program = Path(sys.executable).with_name("moto_server")
    process = subprocess.Popen(
        [str(program), "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "no_proxy": "127.0.0.1", "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    draining = threading.Thread(target=_keep, args=(process.stdout, directory / "store.log"))
    try:
        assert any(b"Running on" in line for line in process.stdout), "the object store did not start"
        draining.start()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
        if draining.ident is not None:
            draining.join()
        process.stdout.close()


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def _keep(said: IO[bytes], log: Path) -> None:
    """Its pipe must not fill."""
    with log.open("wb") as file:
        file.writelines(said)
