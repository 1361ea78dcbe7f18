"""Head: the server's end of a chain. What the broadcast's driver needs of it, in values that JSON can carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kadeploy.domain.image import LocalFile
from kadeploy.domain.spread import Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a head must be made again with, to go on for nodes that were given their orders by an earlier one.

    `broadcast` and `secret` are hexadecimal.
    """

    port: int
    broadcast: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Where a node listens, and the digests that it says it knows."""

    name: str
    host: str
    port: int
    digests: tuple[str, ...] = ()


class Head(Protocol):
    """Serves from when it is made until `stop`."""

    @property
    def identity(self) -> Identity: ...

    def orders(
        self,
        seats: Sequence[Seat],
        *,
        host: str,
        late: Sequence[Seat] = (),
        spread: Spread = Spread.CHAIN,
        arity: int = 0,
    ) -> Mapping[str, Mapping[str, object]]:
        """For each node what its agent must know; the order of `seats` is chosen here, `late` ones come after them in
        theirs. `host`: this server, as nodes see it; `spread`: who reads from whom; `arity`: how many from each in a
        tree, 0 for as many as usual. Blocks while the image is digested anew, once, for nodes that do not know the
        digest that others do. Raises InvalidFile."""
        ...

    def bottleneck(self, progress: Mapping[str, Mapping[str, object]]) -> str:
        """What it waits for, in words, from what each node's agent last said of itself; empty if nothing."""
        ...

    def account(self, outcome: Mapping[str, object]) -> str:
        """How a node's reception went, in words, from what its agent says of it when it is done: seconds, and the links
        that bytes came bad over."""
        ...

    def stop(self) -> None:
        """Blocks for less than a second."""
        ...


class Heads(Protocol):
    def open(self, image: LocalFile, identity: Identity | None = None) -> Head:
        """Begin to serve an image. Blocks while it is read and digested, which is done once for an image.

        Raises InvalidFile; OSError when it cannot listen (on the port of that identity).
        """
        ...
