"""Opens heads for whoever knows only plain values: the port `Heads`."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kadeploy.broadcast.account import account
from kadeploy.broadcast.allowance import UNLIMITED, Allowance
from kadeploy.broadcast.bottleneck import bottleneck
from kadeploy.broadcast.digests import KNOWN, best_of
from kadeploy.broadcast.manifest import Manifests
from kadeploy.broadcast.order import Member, Shape, chain_of, chains_by_rack
from kadeploy.broadcast.reception import DEFAULTS, Limits, Outcome, Progress
from kadeploy.broadcast.source import Head
from kadeploy.domain.image import LocalFile
from kadeploy.domain.spread import Spread
from kadeploy.ports.head import Identity, Seat

_REMEMBERED = 16  # images; a manifest is some hundred kilobytes at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How images are sent. `racks`: the rack or switch of each node, as far as they are known; `chains`: so many at
    most are fed at once, a rack each. `arity`: readers of each in a tree, where nothing else is asked. `rate`: bytes a
    second of each head, 0 for no limit; `allowance`: of all."""

    racks: Mapping[str, str] = field(default_factory=dict)
    chains: int = 1
    arity: int = 2
    limits: Limits = DEFAULTS
    rate: int = 0
    allowance: Allowance = UNLIMITED


class ServingHead:
    def __init__(self, head: Head, style: Style, manifests: Manifests) -> None:
        self._head, self._style, self._manifests = head, style, manifests

    @property
    def identity(self) -> Identity:
        return Identity(port=self._head.port, broadcast=self._head.broadcast.hex(), secret=self._head.secret.hex())

    def orders(
        self,
        seats: Sequence[Seat],
        *,
        host: str,
        late: Sequence[Seat] = (),
        spread: Spread = Spread.CHAIN,
        arity: int = 0,
    ) -> Mapping[str, Mapping[str, object]]:
        racks, chain = self._style.racks, chain_of(map(_member, seats), self._style.racks)
        shape = Shape(form=spread, arity=arity or self._style.arity)
        if spread is Spread.CHAIN:
            shape = chains_by_rack(chain, racks, self._style.chains)
        everybody = (*chain, *map(_member, late))
        manifests = {seat.name: self._manifests.by(best_of(seat.digests)) for seat in (*seats, *late)}
        orders = self._head.orders(everybody, host=host, shape=shape, limits=self._style.limits, manifests=manifests)
        return {name: order.to_json() for name, order in orders.items()}

    def bottleneck(self, progress: Mapping[str, Mapping[str, object]]) -> str:
        known = {node: Progress.from_json(said) for node, said in progress.items()}
        return bottleneck(known, self._head.manifest.size)

    def account(self, outcome: Mapping[str, object]) -> str:
        return account(Outcome.from_json(outcome))

    def stop(self) -> None:
        self._head.stop()


class ImageHeads:
    """`host` is the address to listen at, all of them by default. `style` counts for heads that are opened later."""

    def __init__(self, style: Style | None = None, *, host: str = "") -> None:
        self.style = style or Style()
        self._host = host
        self._manifests: dict[tuple[str, str], Manifests] = {}
        self._lock = threading.Lock()

    def open(self, image: LocalFile, identity: Identity | None = None) -> ServingHead:
        manifests = self._manifests_of(image)
        head = Head(
            image.path,
            manifests.by(best_of(KNOWN)),
            host=self._host,
            port=identity.port if identity else 0,
            broadcast=bytes.fromhex(identity.broadcast) if identity else None,
            secret=bytes.fromhex(identity.secret) if identity else None,
            stall=self.style.limits.stall,
            rate=self.style.rate,
            allowance=self.style.allowance,
        )
        head.start()
        return ServingHead(head, self.style, manifests)

    def _manifests_of(self, image: LocalFile) -> Manifests:
        key = (image.path, image.sha256)
        with self._lock:
            if key not in self._manifests:
                while len(self._manifests) >= _REMEMBERED:
                    del self._manifests[next(iter(self._manifests))]
                self._manifests[key] = Manifests(image.path)
            return self._manifests[key]


def _member(seat: Seat) -> Member:
    return Member(name=seat.name, host=seat.host, port=seat.port)
