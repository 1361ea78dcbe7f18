"""What travels between the server and a node about one broadcast: orders down, progress and outcome up.

Plain values with a JSON form; they go through the agent's authenticated connection, which is what makes
the secret secret and the manifest true.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from kadeploy.broadcast.manifest import Manifest
from kadeploy.broadcast.order import Member


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """A node's orders.

    `order` is the whole chain, `me` the name of the node in it. Times are seconds: `stall`, silence that
    means death; `patience`, without a byte from anybody before giving up; `linger`, at most how long a
    node that is done stays for those who still read from it. `spool_limit` is bytes of memory.
    """

    broadcast: bytes  # 16 bytes
    secret: bytes
    me: str
    order: tuple[Member, ...]
    head: Member
    manifest: Manifest
    spool_limit: int = 256 << 20
    stall: float = 2.0
    patience: float = 60.0
    linger: float = 60.0

    @property
    def rank(self) -> int:
        return next(rank for rank, member in enumerate(self.order) if member.name == self.me)

    def to_json(self) -> dict[str, Any]:
        return {
            "broadcast": self.broadcast.hex(),
            "secret": self.secret.hex(),
            "me": self.me,
            "order": [member.to_json() for member in self.order],
            "head": self.head.to_json(),
            "manifest": self.manifest.to_json(),
            "spool_limit": self.spool_limit,
            "stall": self.stall,
            "patience": self.patience,
            "linger": self.linger,
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
            spool_limit=int(data["spool_limit"]),
            stall=float(data["stall"]),
            patience=float(data["patience"]),
            linger=float(data["linger"]),
        )
        if reception.me not in {member.name for member in reception.order}:
            raise ValueError(f"{reception.me} has no place in the chain")
        return reception


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Bytes so far, and the name of the node (or the head) they come from."""

    received: int
    verified: int
    written: int
    source: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Progress:
        return cls(**data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a reception ended: `reason` is None only when the last byte was verified and the sink ended well.

    `repaired` has one line for each bad chunk and the link it came over; `sources` are the names of those
    read from, in order. Seconds since the orders: when the last byte was received, when the sink was through.
    """

    reason: str | None
    progress: Progress
    repaired: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
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
