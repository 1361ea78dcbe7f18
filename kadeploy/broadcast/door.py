"""Where readers come in: the listening socket, and strangers until they have proven who they are.

Anybody can connect. A stranger gets a thread and the detection time, nothing else; of too many, those from the
address that sent the most are shown out first, so that a reader is let in however many there are.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable

from kadeploy.broadcast.heal import Timing
from kadeploy.broadcast.link import Link, LinkLost, greet
from kadeploy.broadcast.wire import Hello

log = logging.getLogger(__name__)
MOST_STRANGERS = 64
BACKLOG = 128


def listening(host: str = "", port: int = 0) -> socket.socket:
    """At an address of this machine, IPv4 or IPv6 (all of them by default), at a free port. Raises OSError."""
    if not host and socket.has_dualstack_ipv6():
        return socket.create_server(("", port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


Welcome = Callable[[Link, Hello], None]


class Door:
    """Owns the socket from `open` to `close`. `welcome` is called in the reader's own thread."""

    def __init__(
        self, listener: socket.socket, broadcast: bytes, secret: bytes, timing: Timing, welcome: Welcome
    ) -> None:
        self._listener, self._broadcast, self._secret, self._timing = listener, broadcast, secret, timing
        self._welcome = welcome
        self._numbers = itertools.count()
        self._strangers: dict[int, tuple[str, socket.socket]] = {}  # by number: where from
        self._threads = threading.Semaphore(2 * MOST_STRANGERS)  # one that is shown out takes a moment to go
        self._lock = threading.Lock()
        self._closing = False
        self._accepting = threading.Thread(target=self._accept, name="door", daemon=True)

    def open(self) -> None:
        self._accepting.start()

    def close(self) -> None:
        self._closing = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes `accept`, which closing would not
        if self._accepting.is_alive():
            self._accepting.join()
        self._listener.close()
        with self._lock:
            for _, sock in self._strangers.values():
                _cut(sock)

    def _accept(self) -> None:
        while True:
            try:
                sock, address = self._listener.accept()
            except OSError as error:
                if self._closing:
                    return
                log.warning("cannot accept a reader: %s", error)
                time.sleep(self._timing.tick)  # out of descriptors: spinning would not help
                continue
            number = next(self._numbers)
            with self._lock:
                self._strangers[number] = (address[0], sock)
                self._make_room()
            self._threads.acquire()
            try:
                threading.Thread(target=self._meet, args=(number, sock), name="reader", daemon=True).start()
            except RuntimeError as error:
                log.warning("no thread for a reader: %s", error)
                self._forget(number)
                self._threads.release()
                sock.close()

    def _make_room(self) -> None:
        if len(self._strangers) > MOST_STRANGERS:
            where, _ = Counter(where for where, _ in self._strangers.values()).most_common(1)[0]
            oldest = next(number for number, one in self._strangers.items() if one[0] == where)
            _cut(self._strangers.pop(oldest)[1])

    def _meet(self, number: int, sock: socket.socket) -> None:
        try:
            link, hello = greet(sock, self._broadcast, self._secret, self._timing)
        except LinkLost as lost:
            log.info("a stranger left: %s", lost)
            sock.close()
            return
        finally:
            self._forget(number)
            self._threads.release()
        self._welcome(link, hello)

    def _forget(self, number: int) -> None:
        with self._lock:
            self._strangers.pop(number, None)


def _cut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
