"""The head of the chain: gives an image file to the first living node, and to whoever has nobody else.

It serves from a file, never from a pipe, so that any byte can be had again at any time. It decides
nothing about the nodes: each finds its own source, and says itself how it ended.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import replace

from kadeploy.broadcast.allowance import UNLIMITED, Allowance
from kadeploy.broadcast.door import listening
from kadeploy.broadcast.feeder import Feeder, Terms
from kadeploy.broadcast.heal import Timing
from kadeploy.broadcast.manifest import Manifest
from kadeploy.broadcast.order import CHAIN, HEAD_RANK, Member, Shape
from kadeploy.broadcast.reception import DEFAULTS, Limits, Reception
from kadeploy.broadcast.standing import Standing
from kadeploy.broadcast.wire import MOST_DATA
from kadeploy.errors import InvalidFile

log = logging.getLogger(__name__)


class Head:
    """Threads inside; `start` and `stop` from any thread, `stop` takes at most a tick of the detection time.

    A head made again with the same `broadcast`, `secret` and `port` goes on where another was ended.
    """

    def __init__(
        self,
        image_path: str | os.PathLike[str],
        manifest: Manifest,
        *,
        host: str = "",
        port: int = 0,
        broadcast: bytes | None = None,
        secret: bytes | None = None,
        stall: float = 2.0,
        rate: int = 0,
        allowance: Allowance = UNLIMITED,
    ) -> None:
        """`rate`: at most so many bytes a second in all, 0 for no limit; `allowance`: of all heads with
        the same one. Raises InvalidFile; OSError when it cannot listen."""
        self.manifest = manifest
        self.broadcast = broadcast or secrets.token_bytes(16)
        self.secret = secret or secrets.token_bytes(32)
        self._stall = stall
        self._shelf = FileShelf(image_path, manifest.size)
        try:
            listener = listening(host, port)
        except OSError:
            self._shelf.close()
            raise
        self.port: int = listener.getsockname()[1]
        terms = Terms(
            broadcast=self.broadcast,
            secret=self.secret,
            timing=Timing(stall=stall),
            rate=rate,
            allowance=allowance,
        )
        self._feeder = Feeder(listener, self._shelf, Standing(HEAD_RANK), terms)

    def start(self) -> None:
        self._feeder.start()

    def stop(self) -> None:
        self._feeder.stop()
        self._shelf.close()

    @property
    def served(self) -> Mapping[str, int]:
        """Bytes given by the head itself, by node."""
        return dict(self._feeder.served)

    def orders(
        self,
        chain: Sequence[Member],
        *,
        host: str,
        name: str = "server",
        shape: Shape = CHAIN,
        limits: Limits = DEFAULTS,
        manifests: Mapping[str, Manifest] | None = None,
    ) -> dict[str, Reception]:
        """Each node's orders. `host` is this head's address as nodes see it; `manifests`, by name, is for those that
        are to check by another digest than the head's own manifest has."""
        self._feeder.streams = shape.streams(HEAD_RANK)
        head = Member(name=name, host=host, port=self.port)
        return {
            member.name: Reception(
                broadcast=self.broadcast,
                secret=self.secret,
                me=member.name,
                order=tuple(chain),
                head=head,
                manifest=(manifests or {}).get(member.name, self.manifest),
                shape=shape,
                limits=replace(limits, stall=self._stall),
            )
            for member in chain
        }


class FileShelf:
    """All of a file, at once. It is what the manifest says, or the nodes find out."""

    def __init__(self, path: str | os.PathLike[str], size: int) -> None:
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise InvalidFile(f"the image {os.fspath(path)} cannot be read: {error.strerror}") from error
        self.size = size

    @property
    def position(self) -> int:
        return self.size

    @property
    def blocked(self) -> float:
        return 0.0

    @property
    def held(self) -> float:
        return 0.0

    @property
    def waited(self) -> float:
        return 0.0

    def wait(self, offset: int, end: int, *, verified: bool, timeout: float) -> int:
        return min(end - offset, MOST_DATA)

    def send(self, sock: socket.socket, head: bytes, offset: int, count: int, flags: int = 0) -> int:
        if head:
            return sock.send(head, flags | socket.MSG_MORE)
        return os.sendfile(sock.fileno(), self._file, offset, count)

    def moved(self) -> None: ...

    def close(self) -> None:
        os.close(self._file)
