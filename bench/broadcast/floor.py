"""The least that these links and this machine allow for, measured beside each figure: one plain stream."""

from __future__ import annotations

import os
import socket
import threading
import time

from bench.broadcast.shaped import Links
from kadeploy.broadcast.link import CONGESTION
from kadeploy.testing.namespaces import inside, network

SECONDS = 4.0  # of the stream


def floor_ratio(links: Links) -> float:
    """Time / ideal of a TCP stream over one such link: what the headers of the wire cost."""
    size = int(links.rate * 1e6 / 8 * SECONDS)
    with network(2, rate=f"{links.rate}mbit", mtu=links.mtu) as (near, far):
        with inside(far):
            listener = socket.create_server((far.address, 0))
        with inside(near):
            sender = socket.socket()
        sender.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, CONGESTION)
        sender.connect(listener.getsockname())
        with listener, sender, listener.accept()[0] as receiver:
            giving = threading.Thread(target=sender.sendall, args=(os.urandom(size),))
            began, left, buffer = time.monotonic(), size, bytearray(1 << 20)
            giving.start()
            while left and (count := receiver.recv_into(buffer)):
                left -= count
            took = time.monotonic() - began
            giving.join()
    return took / links.ideal(size)
