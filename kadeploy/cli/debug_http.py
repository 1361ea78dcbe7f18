"""`--debug-http`: what goes to the server and what it answers, without what is secret of it.

Written to file descriptor 4 where the caller has opened it, as Kadeploy3's tools do, else to standard output.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TextIO

TRACES: Final = 3  # for `--debug-mode`
DESCRIPTOR: Final = 4
HIDDEN: Final = "[hidden]"
LONGEST: Final = 4096  # characters of a body
_HEADERS: Final = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
_WORD: Final = r"[\w.-]*(?:token|passw(?:or)?d|passphrase|secret|signature|credential|api_?key|private_?key)[\w.-]*"
_SECRETS: Final = (
    re.compile(rf'("{_WORD}"\s*:\s*)"(?:[^"\\]|\\.)*"?', re.IGNORECASE),  # in JSON
    re.compile(rf"([?&]{_WORD}=)[^&\s\"]*", re.IGNORECASE),  # in an address
    re.compile(r"(://)[^/\s\"@?#]+@"),  # the user and password of an address
    re.compile(r"()\bkdp_[0-9a-f]{12}_[A-Za-z0-9_-]+"),  # our tokens
    re.compile(r"()\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"),  # JSON Web Tokens (RFC 7519)
)
_ENDS: Final = ('"' + HIDDEN + '"', HIDDEN, HIDDEN + "@", HIDDEN, HIDDEN)


def redacted(text: str) -> str:
    """The text without tokens, passwords, and what is signed."""
    for pattern, instead in zip(_SECRETS, _ENDS, strict=True):
        text = pattern.sub(lambda found, instead=instead: f"{found.group(1)}{instead}", text)  # type: ignore[misc]
    return text


def redacted_headers(headers: Mapping[str, str]) -> Iterator[str]:
    """A line for each; of a credential only its kind is told."""
    for name, value in headers.items():
        if name.lower() in _HEADERS:
            kind, separator, _ = value.partition(" ")
            value = f"{kind} {HIDDEN}" if separator and "=" not in kind else HIDDEN
        yield f"{name}: {redacted(value)}"


class Trace:
    """What is called with every request and every answer of httpx2, as its `event_hooks`."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write

    def asked(self, request: Any) -> None:
        self._tell(">", f"{request.method} {redacted(str(request.url))}", request.headers)
        kind = request.headers.get("content-type", "")
        if "json" in kind:
            self._body(">", request.content.decode("utf-8", "replace"))

    def answered(self, response: Any) -> None:
        self._tell("<", f"{response.status_code} {response.reason_phrase}", response.headers)
        kind = response.headers.get("content-type", "")
        if response.status_code != 101 and "event-stream" not in kind:
            response.read()
            self._body("<", response.text)

    def _tell(self, arrow: str, first: str, headers: Mapping[str, str]) -> None:
        self._write("".join(f"{arrow} {line}\n" for line in (first, *redacted_headers(headers))))

    def _body(self, arrow: str, text: str) -> None:
        shown = redacted(text)
        cut = f"… ({len(shown)} characters)" if len(shown) > LONGEST else ""
        self._write("".join(f"{arrow} {line}\n" for line in (shown[:LONGEST] + cut).splitlines() if line))


def opened_by_caller() -> frozenset[int]:
    """Which of the descriptors that Kadeploy3's tools write to are open: to be asked before we open anything."""
    return frozenset(number for number in (TRACES, DESCRIPTOR) if _is_open(number))


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def descriptor_or(opened: frozenset[int], descriptor: int, stream: TextIO) -> Callable[[str], object]:
    """Writes to the descriptor where the caller has opened it, else to the stream."""

    def to_descriptor(text: str) -> None:
        rest = text.encode()
        while rest:
            rest = rest[os.write(descriptor, rest) :]

    def to_stream(text: str) -> None:
        stream.write(text)
        stream.flush()

    return to_descriptor if descriptor in opened else to_stream
