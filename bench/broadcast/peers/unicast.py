"""Every node fetches the file from the server by HTTP: what a site without any broadcast does."""

from __future__ import annotations

import sys

from bench.broadcast.peers.arena import Arena

PORT = "8080"


class HttpUnicast:
    needs = "curl"

    def run(self, arena: Arena) -> None:
        arena.start(0, sys.executable, "-m", "http.server", PORT, directory=arena.image.parent)
        arena.wait_port(0, int(PORT))
        arena.begin()
        url = f"http://{arena.hosts[0].address}:{PORT}/{arena.image.name}"
        curls = {
            number: arena.start(number, "curl", "-sf", "-o", str(arena.copy(number)), url) for number in arena.receivers
        }
        arena.wait(lambda number: curls[number].poll() == 0)
