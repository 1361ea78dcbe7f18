"""udpcast: reliable multicast, what Clonezilla and others use."""

from __future__ import annotations

from bench.broadcast.peers.arena import Arena


class Udpcast:
    needs = "udp-sender"

    def run(self, arena: Arena) -> None:
        count = str(len(arena.hosts) - 1)
        common = ("--interface", "eth0", "--nokbd")
        receivers = {
            number: arena.start(number, "udp-receiver", *common, "--file", str(arena.copy(number)))
            for number in arena.receivers
        }
        arena.begin()
        # Multicast has no flow control below it: without a limit it floods the queues, and is slower.
        arena.start(
            0, "udp-sender", *common, "--file", str(arena.image), "--min-receivers", count, "--max-bitrate", "90m"
        )
        arena.wait(lambda number: receivers[number].poll() == 0)
