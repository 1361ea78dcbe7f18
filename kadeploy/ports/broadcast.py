"""Broadcast: one image to many nodes at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from kadeploy.domain.image import Compression, ImageKind, LocalFile
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.domain.spread import Spread
from kadeploy.ports.remote import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """An image, how to unpack it, and where each node puts it: a directory for tar, a device for dd; an fsa image is
    stored there as a file. `spread`: how it gets to all of them; `arity`: how many have it from each one in a tree, 0
    for as many as the server's configuration says."""

    image: LocalFile
    kind: ImageKind
    compression: Compression
    destination: Callable[[str], str]
    spread: Spread = Spread.CHAIN
    arity: int = 0


class Broadcast(Protocol):
    """A node is `ok` only when its last byte was verified and written, and what unpacks it ended well. `outputs` is how
    that went, for people to read."""

    async def send(self, nodes: NodeSet, shipment: Shipment, terms: Terms) -> Result: ...
