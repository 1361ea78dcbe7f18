"""What an agent and the server say to each other: one JSON object a line, over the agent's one connection.

The server speaks first (`Challenge`); each side then proves that it knows the node's token without sending it
(`Hello`, `Welcome`), and from there on commands go down and results go up. Both sides send an empty line now and
then, so that a silent peer is known to be dead. Values and rules only: sockets are elsewhere. Standard library only.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

PROTOCOL: Final = 1
LINE_LIMIT: Final = 4 * 1024 * 1024  # bytes of one message: a long chain's order and the manifest fit
OUTPUT_LIMIT: Final = 32 * 1024  # characters of one result's output, and of its reason: the end is kept
BEAT: Final = b"\n"  # says nothing but "I am here"
BEAT_INTERVAL: Final = 4.0  # seconds between beats
SILENCE_LIMIT: Final = 11.0  # seconds without a byte after which the peer is dead


class BadMessage(ValueError):
    """The peer said something that is no message of this protocol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """Server: prove that you are the node. `nonce` is random text."""

    protocol: int
    nonce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """Agent: who I am, and the proof. `boot` names this boot of the node; a respawned agent keeps it."""

    protocol: int
    node: str
    boot: str
    nonce: str
    proof: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """Server: you are the node, and here is the proof that I am your server."""

    proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Server: go away, because."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce:
    """Agent: the keys I am running or will run next, and those whose result nobody has acknowledged."""

    running: tuple[str, ...] = ()
    unacknowledged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Server: run this once, however often I say it."""

    key: str
    name: str
    args: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Server: end it, and forget that it was asked for."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge:
    """Server: I have the result; do not announce it again, and do what was to follow it."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """Agent: bytes done of bytes in all (0 when not known), at most once a second; `detail` is the command's own."""

    key: str
    done: int
    total: int
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Agent: the result. `reason` says why when it is not `ok`."""

    key: str
    ok: bool
    output: str = ""
    reason: str = ""


Message = Challenge | Hello | Welcome | Refused | Announce | Run | Cancel | Acknowledge | Advance | Ended

_KINDS: Final[Mapping[str, type[Message]]] = {
    "challenge": Challenge,
    "hello": Hello,
    "welcome": Welcome,
    "refused": Refused,
    "announce": Announce,
    "run": Run,
    "cancel": Cancel,
    "acknowledge": Acknowledge,
    "advance": Advance,
    "ended": Ended,
}
_NAMES: Final = {kind: name for name, kind in _KINDS.items()}
_HALF: Final = re.compile(rb"\\u[dD][89a-fA-F]")
# What JSON gives for the annotation of a field.
_SHAPES: Final[Mapping[str, type]] = {
    "str": str,
    "int": int,
    "bool": bool,
    "Mapping[str, object]": dict,
    "tuple[str, ...]": list,
}


def encode(message: Message) -> bytes:
    """The message as a line; raises BadMessage when it is longer than LINE_LIMIT."""
    line = json.dumps({"kind": _NAMES[type(message)], **asdict(message)}, separators=(",", ":")).encode() + b"\n"
    if len(line) > LINE_LIMIT:
        raise BadMessage(f"a {_NAMES[type(message)]} message of {len(line)} bytes is longer than {LINE_LIMIT}")
    return line


def decode(line: bytes) -> Message | None:
    """The message in a line; None for a kind that this version does not know. Raises BadMessage."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadMessage(f"not JSON: {error}") from error
    if not isinstance(data, dict):
        raise BadMessage("not a JSON object")
    if _HALF.search(line) and not _is_text(data):
        raise BadMessage("not text: it has a half of a character in it")
    kind = _KINDS.get(str(data.get("kind")))
    if kind is None:
        return None
    values: dict[str, Any] = {}
    for entry in fields(kind):
        if entry.name not in data:
            continue
        value = data[entry.name]
        if type(value) is not _SHAPES[str(entry.type)]:
            raise BadMessage(f"{data['kind']}: {entry.name} is not {entry.type}")
        values[entry.name] = tuple(map(str, value)) if isinstance(value, list) else value
    try:
        return kind(**values)
    except TypeError as error:
        raise BadMessage(f"{data['kind']}: a field is missing") from error


def _is_text(data: object) -> bool:
    """Whether all of it can be written as UTF-8 again: JSON may have half a character (RFC 8259, 8.2)."""
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def token_hash(token: str) -> str:
    """What the server keeps of a token: its SHA-256 in hexadecimal. Tokens are long and random, so no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def prove(hashed: str, *, role: str, node: str, server_nonce: str, agent_nonce: str) -> str:
    """HMAC-SHA256 (RFC 2104) over both nonces by one who knows the token; `role` is `agent` or `server`, so that
    neither's proof can be played back as the other's."""
    said = json.dumps(["kadeploy", PROTOCOL, role, node, server_nonce, agent_nonce]).encode()
    return hmac.new(hashed.encode(), said, hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Compare proofs in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


def last_part(text: str) -> str:
    """The text, cut to the end that a result may carry."""
    return text if len(text) <= OUTPUT_LIMIT else "…" + text[1 - OUTPUT_LIMIT :]
