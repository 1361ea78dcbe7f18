"""Kadeploy3's tools served the user's files to the whole network; ours listen nowhere, and send what is needed."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.integration.security.attacked import PASSWORD, Attacked
from tests.simulated import BIN, LONGEST

LISTENS = "0A"  # TCP_LISTEN in /proc/net/tcp (proc_pid_net_tcp(5))


@dataclass
class Watcher:
    """Carries connections to the server, and looks at each what the tool listens on."""

    port: int
    pid: int = 0
    looked: int = 0
    listening: set[str] = field(default_factory=set)
    started: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        assert self.started.wait(LONGEST)
        mine = set()
        for entry in Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                mine.add(os.readlink(entry))
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/{self.pid}/net/{table}").read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == LISTENS and f"socket:[{words[9]}]" in mine:
                    self.listening.add(words[1])
        self.looked += 1


@contextlib.contextmanager
def watching(server: Attacked) -> Iterator[Watcher]:
    with socket.create_server(("127.0.0.1", 0)) as door:
        watcher = Watcher(port=door.getsockname()[1])
        threads = [threading.Thread(target=_accept, args=(door, server.port, watcher))]
        threads[0].start()
        yield watcher
        with contextlib.suppress(OSError):
            door.shutdown(socket.SHUT_RDWR)
        threads[0].join()


def _accept(door: socket.socket, port: int, watcher: Watcher) -> None:
    carrying: list[threading.Thread] = []
    with contextlib.suppress(OSError):
        while True:
            near, _ = door.accept()
            watcher.look()
            far = socket.create_connection(("127.0.0.1", port))
            for one, other in ((near, far), (far, near)):
                carrying.append(threading.Thread(target=_carry, args=(one, other)))
                carrying[-1].start()
    for thread in carrying:
        thread.join()


def _carry(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    for end in (one, other):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
    one.close()


def test_a_tool_that_has_files_to_give_listens_nowhere(server: Attacked, tmp_path: Path) -> None:
    image, description = tmp_path / "mine.tgz", tmp_path / "mine.yaml"
    image.write_bytes((server.folder / "images" / "a.tgz").read_bytes())
    told = server.user().description("local", image={"file": str(image), "kind": "tar", "compression": "gzip"})
    description.write_text(yaml.safe_dump(told))
    authority = str(server.state / "tls" / "ca.pem")
    with watching(server) as watcher:
        entry = {"name": "x", "hostname": "127.0.0.1", "port": watcher.port, "secure": True, "ca": authority}
        (tmp_path / "client.conf").write_text(yaml.safe_dump({"default": "x", "servers": [entry]}))
        process = subprocess.Popen(
            [str(BIN / "kadeploy"), "-m", "node-4", "-a", str(description), "--no-wait", "--password", PASSWORD],
            env={**os.environ, "HOME": str(tmp_path), "USER": "alice", "KADEPLOY_CONFIG_DIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        watcher.pid = process.pid
        watcher.started.set()
        try:
            out, err = process.communicate(timeout=LONGEST)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 0, out + err
    assert watcher.looked >= 1
    assert server.user().get("/uploads").json()["uploads"], "it was sent"
    assert watcher.listening == set()
