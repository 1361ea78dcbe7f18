"""TakTuk as Kadeploy3's chain used it: a chain of connections, the file through a command's standard input.

It reaches hosts by a command like rsh; here that is a few lines of Python over plain TCP, since SSH would be measured,
too.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.broadcast.peers.arena import Arena

PORT = 5514
_SERVER = """import socket, subprocess, threading, sys
listener = socket.create_server(("", int(sys.argv[1])))
def serve(sock):
    line = b""
    while not line.endswith(b"\\n"):
        got = sock.recv(1)
        if not got:
            return
        line += got
    env = {"COPY": sys.argv[2], "PATH": sys.argv[3]}
    subprocess.Popen(["sh", "-c", line.decode()], stdin=sock, stdout=sock, env=env).wait()
    sock.close()
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""
_CLIENT = """import os, socket, sys, threading
sock = socket.create_connection((sys.argv[1], int({port})))
sock.sendall(" ".join(sys.argv[2:]).encode() + b"\\n")
def up():
    while data := os.read(0, 65536):
        sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := sock.recv(65536):
    os.write(1, data)
"""


class Taktuk:
    needs = "taktuk"

    def run(self, arena: Arena) -> None:
        connector = arena.directory / "connect"
        connector.write_text(f"#!{sys.executable}\n" + _CLIENT.format(port=PORT))
        connector.chmod(0o755)
        for number in arena.receivers:
            arena.start(
                number, sys.executable, "-c", _SERVER, str(PORT), str(arena.copy(number)), "/usr/bin:/bin:/usr/sbin"
            )
        for number in arena.receivers:
            arena.wait_port(number, PORT)
        hosts = [word for number in arena.receivers for word in ("-m", arena.hosts[number].address)]
        arena.begin()
        store = 'cat >"$COPY.part"; mv "$COPY.part" "$COPY"'
        words = ("broadcast", "exec", "[", store, "]", ";", "broadcast", "input", "file", "[", str(arena.image), "]")
        close = (";", "broadcast", "input", "close")
        arena.start(0, "taktuk", "-c", str(connector), "-d", "1", *hosts, *words, *close)
        arena.wait(lambda number: _is_whole(arena.copy(number), arena.image))


def _is_whole(copy: Path, image: Path) -> bool:
    return copy.exists() and copy.stat().st_size == image.stat().st_size
