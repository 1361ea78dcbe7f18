"""The other ways to send a file to many, by name. Each runs on the same hosts with the same links as ours."""

from __future__ import annotations

from collections.abc import Mapping

from bench.broadcast.peers.arena import Peer
from bench.broadcast.peers.chain import OurChain
from bench.broadcast.peers.taktuk import Taktuk
from bench.broadcast.peers.torrent import Aria2
from bench.broadcast.peers.udpcast import Udpcast
from bench.broadcast.peers.unicast import HttpUnicast

PEERS: Mapping[str, Peer] = {
    "kadeploy": OurChain(),
    "udpcast": Udpcast(),
    "taktuk": Taktuk(),
    "aria2": Aria2(),
    "http": HttpUnicast(),
}
