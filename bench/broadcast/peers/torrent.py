"""BitTorrent by aria2, with a tracker of our own: BEP 3, as little of it as aria2 asks for."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from bench.broadcast.peers.arena import Arena

PORT = 6969
PIECE = 1 << 20
# Everybody is told of everybody that has asked so far; compact form (BEP 23).
_TRACKER = """import http.server, socketserver, sys, urllib.parse, socket
peers = set()
class Tracker(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = urllib.parse.parse_qs(self.path.partition("?")[2], encoding="latin-1")
        peers.add(socket.inet_aton(self.client_address[0]) + int(asked["port"][0]).to_bytes(2, "big"))
        found = b"".join(peers)
        said = b"d8:intervali5e12:min intervali2e5:peers%d:%se" % (len(found), found)
        self.send_response(200); self.send_header("Content-Length", str(len(said))); self.end_headers()
        self.wfile.write(said)
    def log_message(self, *args): pass
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("", int(sys.argv[1])), Tracker).serve_forever()
"""


class Aria2:
    needs = "aria2c"

    def run(self, arena: Arena) -> None:
        torrent = arena.directory / "image.torrent"
        torrent.write_bytes(_torrent(arena.image, f"http://{arena.hosts[0].address}:{PORT}/announce"))
        done = arena.directory / "done"  # says who is: aria2 calls it with (gid, files, path)
        done.write_text('#!/bin/sh\ntouch "$(dirname "$3").done"\n')
        done.chmod(0o755)
        arena.start(0, sys.executable, "-c", _TRACKER, str(PORT))
        arena.wait_port(0, PORT)
        common = (
            "aria2c",
            "-q",
            "--seed-ratio=0",
            "--bt-min-crypto-level=plain",
            "--enable-dht=false",
            "--summary-interval=0",
        )
        arena.begin()
        arena.start(0, *common, "--bt-seed-unverified=true", "-d", str(arena.image.parent), str(torrent))
        for number in arena.receivers:
            (arena.directory / f"d-{number}").mkdir()
            arena.start(
                number,
                *common,
                "--file-allocation=none",
                f"--on-bt-download-complete={done}",
                "-d",
                str(arena.directory / f"d-{number}"),
                str(torrent),
            )
        arena.wait(lambda number: (arena.directory / f"d-{number}.done").exists())
        for number in arena.ended:
            (arena.directory / f"d-{number}" / arena.image.name).rename(arena.copy(number))


def _torrent(image: Path, announce: str) -> bytes:
    data = image.read_bytes()
    pieces = b"".join(hashlib.sha1(data[at : at + PIECE]).digest() for at in range(0, len(data), PIECE))
    info = {b"length": len(data), b"name": image.name.encode(), b"piece length": PIECE, b"pieces": pieces}
    return _bencoded({b"announce": announce.encode(), b"info": info})


def _bencoded(value: object) -> bytes:
    match value:
        case bytes():
            return b"%d:%s" % (len(value), value)
        case int():
            return b"i%de" % value
        case dict():
            return b"d" + b"".join(_bencoded(key) + _bencoded(value[key]) for key in sorted(value)) + b"e"
    raise TypeError(type(value))
