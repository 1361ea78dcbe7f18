"""What is said on a connection of the broadcast: pure encoding and decoding, no socket.

The one who wants bytes (a *reader*) connects to the one who has them (a *source*): so nothing that
connects to a node can give it anything. Both prove that they know the broadcast's secret:

    reader -> source   hello: broadcast, nonce, who I am, which bytes I want
    source -> reader   nonce, HMAC(secret, "source" + hello + nonce)
    reader -> source   HMAC(secret, "reader" + hello + nonce)
    source -> reader   frames: DATA, ALIVE, PARKED, GONE, END, YIELD
    reader -> source   frames: ALIVE, INSIST, BYE, SLOW

A DATA frame announces only bytes that the source has, so that a source without news can still say it is
alive. All numbers are big-endian.
"""

from __future__ import annotations

import hmac
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

MAGIC = b"KDCHAIN2"
NONCE_SIZE = 16
PROOF_SIZE = 32
CHALLENGE_SIZE = NONCE_SIZE + PROOF_SIZE
MOST_DATA = 1 << 20  # bytes in one DATA frame

_HELLO = struct.Struct("!8s16s16siQQBB")
_FRAME = struct.Struct("!BBxxIQ")
MOST_HOPS = 255  # counted
HELLO_SIZE = _HELLO.size
FRAME_SIZE = _FRAME.size


class BadWire(ValueError):
    """The other side does not speak this protocol."""


class Kind(IntEnum):
    DATA = 1  # `length` bytes of the image follow; `value` is their offset
    ALIVE = 2  # nothing to give now; `value` is how far the sender has come
    PARKED = 3  # the bytes go to another reader first; `value` is its rank
    GONE = 4  # these bytes are no longer in memory; `value` is the first offset that is
    END = 5  # everything wanted has been sent
    INSIST = 6  # a parked reader has nowhere else to go
    BYE = 7  # the reader has all it wanted, verified
    YIELD = 8  # the reader holds back those behind it: it is to read from the end of the chain
    SLOW = 9  # the node of rank `value` holds others back


_KINDS = {int(kind): kind for kind in Kind}
FROM_SOURCE = frozenset({Kind.DATA, Kind.ALIVE, Kind.PARKED, Kind.GONE, Kind.END, Kind.YIELD})
FROM_READER = frozenset({Kind.ALIVE, Kind.INSIST, Kind.BYE, Kind.SLOW})


class Frame(NamedTuple):
    """`hops`: how far the sender is from the head, for DATA and ALIVE; the head itself is 0. (A tuple: one is made for
    every arrival, and costs a fifth of a dataclass.)"""

    kind: Kind
    length: int = 0
    value: int = 0
    hops: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """Bytes `offset` to `end` are wanted; a `ranged` reader wants only verified bytes (to mend a chunk)."""

    broadcast: bytes
    nonce: bytes
    name: str
    rank: int
    offset: int
    end: int
    ranged: bool = False


def encode_frame(frame: Frame) -> bytes:
    return _FRAME.pack(frame.kind, frame.hops, frame.length, frame.value)


def data_head(offset: int, length: int, hops: int) -> bytes:
    """The frame that announces these bytes."""
    return _FRAME.pack(Kind.DATA, hops, length, offset)


def decode_frame(data: bytes | bytearray | memoryview, allowed: frozenset[Kind]) -> Frame:
    """Raises BadWire for anything that the other side may not say."""
    number, hops, length, value = _FRAME.unpack(data)
    if number not in allowed:
        raise BadWire(f"unexpected frame {number}")
    kind = _KINDS[number]
    if length > (MOST_DATA if kind is Kind.DATA else 0) or (kind is Kind.DATA and not length):
        raise BadWire(f"a {kind.name} frame of {length} bytes")
    return Frame(kind=kind, length=length, value=value, hops=hops)


def encode_hello(hello: Hello) -> bytes:
    name = hello.name.encode()[:255]
    numbers = (hello.rank, hello.offset, hello.end, int(hello.ranged), len(name))
    return _HELLO.pack(MAGIC, hello.broadcast, hello.nonce, *numbers) + name


def name_size(head: bytes) -> int:
    """How many bytes of name follow the first HELLO_SIZE bytes of a hello. Raises BadWire."""
    if len(head) != HELLO_SIZE or not head.startswith(MAGIC):
        raise BadWire("not a hello")
    return head[-1]


def decode_hello(data: bytes) -> Hello:
    """Raises BadWire."""
    if len(data) != HELLO_SIZE + name_size(data[:HELLO_SIZE]):
        raise BadWire("a hello of the wrong length")
    _, broadcast, nonce, rank, offset, end, ranged, _ = _HELLO.unpack(data[:HELLO_SIZE])
    if ranged > 1 or offset > end or rank < 0:
        raise BadWire("a hello that asks for nothing sensible")
    try:
        name = data[HELLO_SIZE:].decode()
    except UnicodeDecodeError as error:
        raise BadWire("a hello with an unreadable name") from error
    return Hello(broadcast=broadcast, nonce=nonce, name=name, rank=rank, offset=offset, end=end, ranged=bool(ranged))


def source_proof(secret: bytes, hello: bytes, nonce: bytes) -> bytes:
    return hmac.digest(secret, b"source" + hello + nonce, "sha256")


def reader_proof(secret: bytes, hello: bytes, nonce: bytes) -> bytes:
    return hmac.digest(secret, b"reader" + hello + nonce, "sha256")


def same(one: bytes, other: bytes) -> bool:
    return hmac.compare_digest(one, other)
