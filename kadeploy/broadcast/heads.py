"""Opens heads for whoever knows only plain values: the port `Heads`."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from kadeploy.broadcast.manifest import Manifest, manifest_of
from kadeploy.broadcast.order import Member, chain_of
from kadeploy.broadcast.source import Head
from kadeploy.domain.image import LocalFile
from kadeploy.ports.head import Identity, Seat

_REMEMBERED = 16  # manifests; one is some hundred kilobytes at most


class ServingHead:
    """A head, its chain in the order of racks."""

    def __init__(self, head: Head, racks: Mapping[str, str]) -> None:
        self._head = head
        self._racks = racks

    @property
    def identity(self) -> Identity:
        return Identity(port=self._head.port, broadcast=self._head.broadcast.hex(), secret=self._head.secret.hex())

    def orders(self, seats: Sequence[Seat], *, host: str) -> Mapping[str, Mapping[str, object]]:
        members = [Member(name=seat.name, host=seat.host, port=seat.port) for seat in seats]
        orders = self._head.orders(chain_of(members, self._racks), host=host)
        return {name: order.to_json() for name, order in orders.items()}

    def stop(self) -> None:
        self._head.stop()


class ImageHeads:
    """`racks` names the rack or switch of each node, as far as they are known; `rate` limits each connection of a
    head, in bytes a second."""

    def __init__(self, racks: Mapping[str, str] | None = None, *, host: str = "", rate: int | None = None) -> None:
        self._racks = racks or {}
        self._host = host
        self._rate = rate
        self._manifests: dict[tuple[str, str], Manifest] = {}
        self._lock = threading.Lock()

    def open(self, image: LocalFile, identity: Identity | None = None) -> ServingHead:
        manifest = self._manifest(image)
        head = Head(
            image.path,
            manifest,
            host=self._host,
            port=identity.port if identity else 0,
            broadcast=bytes.fromhex(identity.broadcast) if identity else None,
            secret=bytes.fromhex(identity.secret) if identity else None,
            rate=self._rate,
        )
        head.start()
        return ServingHead(head, self._racks)

    def _manifest(self, image: LocalFile) -> Manifest:
        key = (image.path, image.sha256)
        with self._lock:  # also keeps two from reading the same image at once
            if key not in self._manifests:
                while len(self._manifests) >= _REMEMBERED:
                    del self._manifests[next(iter(self._manifests))]
                self._manifests[key] = manifest_of(image.path)
            return self._manifests[key]
