"""What travels between the server and a node about one broadcast: orders down, progress and outcome up.

Plain values with a JSON form; they go through the agent's authenticated connection, which is what makes
the secret secret and the manifest true.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import inf
from typing import Any

from kadeploy.broadcast.manifest import Manifest
from kadeploy.broadcast.order import CHAIN, Member, Shape

MOST_GRAIN = 256 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Times are seconds: `stall`, silence that means death; `patience`, without a byte from anybody before giving up;
    `linger`, at most how long a node that is done stays for those who still read from it. `delay`: the share of the
    whole time that the last byte may spend on its way through the chain, so that nodes wake up less often.

    Memory for the image: at most `spool_limit` bytes and `spool_share` of what is free, but never less than
    `spool_least` bytes (of an image that large). `rate`: bytes a second that a node sends, 0 for as fast as it goes. A
    node that makes those behind it slower by more than `slow_share` moves to the end; 0: none does.
    """

    stall: float = 2.0
    patience: float = 60.0
    linger: float = 60.0
    delay: float = 0.002
    spool_limit: int = 1 << 40
    spool_share: float = 0.5
    spool_least: int = 256 << 20
    rate: int = 0
    slow_share: float = 0.1

    def spool_bytes(self, free: int) -> int:
        """How much memory the image may have where so many bytes are free."""
        return min(self.spool_limit, max(self.spool_least, int(free * self.spool_share)))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Limits:
        """Raises ValueError, TypeError."""
        kinds = {name: type(value) for name, value in asdict(cls()).items()}
        return cls(**{name: kinds[name](value) for name, value in data.items()})


DEFAULTS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """A node's orders: `order` is all nodes, first ones first, `me` the name of the node among them, `shape` who reads
    from whom."""

    broadcast: bytes  # 16 bytes
    secret: bytes
    me: str
    order: tuple[Member, ...]
    head: Member
    manifest: Manifest
    shape: Shape = CHAIN
    limits: Limits = DEFAULTS

    @property
    def rank(self) -> int:
        return next(rank for rank, member in enumerate(self.order) if member.name == self.me)

    @property
    def most_to_each(self) -> float:
        """Bytes a second that a node may send to one reader, when it feeds as many as it is meant to."""
        return self.limits.rate / self.shape.streams(0) if self.limits.rate else inf

    @property
    def grain(self) -> int:
        """Fewer bytes are not worth waking up for, where as many are still to come.

        Each hop waits for that much, so a long chain, or a small image, allows for little of it.
        """
        return max(1, min(MOST_GRAIN, int(self.manifest.size * self.limits.delay / len(self.order))))

    def to_json(self) -> dict[str, Any]:
        return {
            "broadcast": self.broadcast.hex(),
            "secret": self.secret.hex(),
            "me": self.me,
            "order": [member.to_json() for member in self.order],
            "head": self.head.to_json(),
            "manifest": self.manifest.to_json(),
            "shape": self.shape.to_json(),
            "limits": asdict(self.limits),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Reception:
        """Raises ValueError (BadManifest is one) or KeyError for what no server sends."""
        reception = cls(
            broadcast=bytes.fromhex(data["broadcast"]),
            secret=bytes.fromhex(data["secret"]),
            me=str(data["me"]),
            order=tuple(Member.from_json(member) for member in data["order"]),
            head=Member.from_json(data["head"]),
            manifest=Manifest.from_json(data["manifest"]),
            shape=Shape.from_json(data["shape"]),
            limits=Limits.from_json(data["limits"]),
        )
        if reception.me not in {member.name for member in reception.order}:
            raise ValueError(f"{reception.me} has no place in the chain")
        return reception


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Bytes so far, and the name of the node (or the head) they come from.

    `rate`: bytes a second received of late; `rank`: its place in the order now (beyond `MOVED`: moved to the end);
    `blocked`: the share of its time in which it could take no more, its memory being full.
    """

    received: int
    verified: int
    written: int
    source: str
    rate: float = 0.0
    rank: int = 0
    blocked: float = 0.0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Progress:
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a reception ended: `reason` is None only when the last byte was verified and the sink ended well.

    `repaired` has one line for each bad chunk and the link it came over; `sources` are the names of those read from, in
    order; `moved` says why it moved to the end of the order, if it did. Seconds since the orders: when the last byte
    was received, when the sink was through.
    """

    reason: str | None
    progress: Progress
    repaired: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    moved: str = ""
    received_after: float | None = None
    written_after: float | None = None

    @property
    def ok(self) -> bool:
        return self.reason is None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Outcome:
        return cls(
            **{
                **data,
                "progress": Progress.from_json(data["progress"]),
                "repaired": tuple(data["repaired"]),
                "sources": tuple(data["sources"]),
            }
        )
