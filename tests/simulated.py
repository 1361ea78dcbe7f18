"""`kadeployd --simulate` as a process of its own, in a folder of its own, for tests that want a whole server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from tests.ports import free_port

BIN: Final = Path(sys.executable).parent
LONGEST: Final = 40.0  # seconds for it to start, and to end


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """`folder` has its configuration, its log, and in `tmp` its state."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def state(self) -> Path:
        (found,) = (self.folder / "tmp").glob("kadeploy-simulated-*")
        return found

    def log(self) -> str:
        return (self.folder / "log").read_text()


@contextmanager
def simulated(
    folder: Path, *options: str, nodes: int, settings: Mapping[str, object], programs: Path = BIN
) -> Iterator[Simulated]:
    """Serve until the block ends; `settings` are sections of server.conf, `options` those of the command line."""
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    port = free_port()
    usual = {"listen": {"address": "127.0.0.1", "port": port}, "state_directory": str(folder / "state")}
    (folder / "server.conf").write_text(yaml.safe_dump({**usual, **settings}))
    argv = [str(programs / "kadeployd"), "--config", str(folder), "--simulate", str(nodes), *options]
    environ = {**os.environ, "TMPDIR": str(folder / "tmp")}
    with subprocess.Popen(argv, stderr=subprocess.PIPE, env=environ) as process:
        said = _Said(process, folder / "log")
        server = Simulated(folder=folder, port=port, process=process)
        try:
            assert said.wait_for_start(), server.log()
            yield server
            process.send_signal(signal.SIGTERM)
            assert process.wait(LONGEST) == 0, server.log()
        finally:
            process.kill()
            said.end()


class _Said:
    """What the server says, kept in a file as it comes."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        log.touch()
        self._process, self._log = process, log
        self._news = threading.Event()
        self._is_ready = False
        self._thread = threading.Thread(target=self._keep)
        self._thread.start()

    def wait_for_start(self) -> bool:
        """False when it ends instead, or takes too long."""
        return self._news.wait(LONGEST) and self._is_ready

    def end(self) -> None:
        self._thread.join()

    def _keep(self) -> None:
        assert self._process.stderr is not None
        with self._log.open("ab", buffering=0) as log:
            for line in self._process.stderr:
                log.write(line)
                if b"ready on" in line:
                    self._is_ready = True
                    self._news.set()
        self._news.set()
