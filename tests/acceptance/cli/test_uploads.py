"""Images on the user's machine: sent before they are deployed, and gone on with where a try was interrupted."""

from __future__ import annotations

import gzip
import random
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.acceptance.cli.test_simulation import run, simulation
from tests.simulated import BIN, LONGEST

IMAGE = gzip.compress(random.Random(13).randbytes(6_000_000), mtime=0)
DESCRIPTION = """\
name: mine
os: linux
image: {file: image.tgz, kind: tar, compression: gzip}
boot: {kernel: /vmlinuz, initrd: /initrd.img}
filesystem: ext4
"""


class Line:
    """A connection to the server that carries so many bytes, says so, and then nothing more."""

    def __init__(self, server: str, most: int) -> None:
        self._server = urlsplit(server)
        self._most = most
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.carried = 0
        self.is_full = threading.Event()
        self.ended = threading.Event()

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._carry, args=(client,)).start()

    def _carry(self, client: socket.socket) -> None:
        port = self._server.port or 80
        with client, socket.create_connection((self._server.hostname or "", port)) as server:
            back = threading.Thread(target=self._bring_back, args=(server, client))
            back.start()
            with suppress(OSError):
                while data := client.recv(65536):
                    if self.carried + len(data) > self._most:
                        self.is_full.set()
                        self.ended.wait(LONGEST)
                        break
                    self.carried += len(data)
                    server.sendall(data)
                server.shutdown(socket.SHUT_RDWR)
            back.join()

    def _bring_back(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)

    def end(self) -> None:
        self.ended.set()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@contextmanager
def line(server: str, most: int) -> Iterator[Line]:
    before = set(threading.enumerate())
    one = Line(server, most)
    thread = threading.Thread(target=one.serve)
    thread.start()
    try:
        yield one
    finally:
        one.end()
        for left in set(threading.enumerate()) - before:
            left.join()


def prepare(directory: Path) -> Path:
    (directory / "image.tgz").write_bytes(IMAGE)
    description = directory / "mine.yaml"
    description.write_text(DESCRIPTION.replace("image.tgz", str(directory / "image.tgz")))
    return description


@pytest.mark.timeout(120)
def test_a_local_image_is_sent_and_an_interrupted_try_is_gone_on_with(tmp_path: Path) -> None:
    description = prepare(tmp_path)
    with simulation(tmp_path, "--simulate-speed", "300") as environ:
        words = ["kadeploy", "-m", "node-1", "-a", str(description)]
        with line(environ["KADEPLOY_SERVER"], len(IMAGE) // 2) as half:
            tool = subprocess.Popen(
                [str(BIN / words[0]), *words[1:]],
                env={**environ, "KADEPLOY_SERVER": half.url},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert half.is_full.wait(LONGEST)
            tool.send_signal(signal.SIGINT)
            _, told = tool.communicate(timeout=LONGEST)
        assert tool.returncode == 130
        assert "interrupted; what came of image.tgz is kept, and the next try goes on" in told
        with line(environ["KADEPLOY_SERVER"], 10**9) as whole:
            done = run({**environ, "KADEPLOY_SERVER": whole.url}, *words)
            assert done.returncode == 0, done.stderr
            assert whole.carried < len(IMAGE) * 0.7
        again = run(environ, *words)
        assert "image.tgz: is there already" in again.stderr
        cache = run(environ, "kaenv", "-a", str(description))
        assert cache.returncode == 1
        assert "this server keeps no uploads for recorded environments" in cache.stderr


@pytest.mark.timeout(120)
def test_an_uploaded_image_is_recorded_where_the_site_allows_it(tmp_path: Path) -> None:
    description = prepare(tmp_path)
    allowed = {"uploads": {"for_environments": True}}
    with simulation(tmp_path, "--simulate-speed", "300", files=allowed) as environ:
        done = run(environ, "kaenv", "-a", str(description))
        assert done.returncode == 0, done.stderr
        assert "upload://" in run(environ, "kaenv", "-p", "mine").stdout
        assert run(environ, "kadeploy", "-m", "node-[1-3]", "-e", "mine").returncode == 0


def test_a_file_that_is_not_there_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    description = tmp_path / "mine.yaml"
    description.write_text(DESCRIPTION)
    environ = {"PATH": "/usr/bin", "HOME": str(tmp_path), "KADEPLOY_SERVER": "http://127.0.0.1:1", "USER": "alice"}
    done = run(environ, "kadeploy", "-m", "node-1", "-a", str(description))
    assert done.returncode == 1
    assert "image.tgz: there is no such file on this machine" in done.stderr
