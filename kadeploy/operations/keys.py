"""Whether text is a list of SSH public keys, before it becomes root's authorized_keys on every node."""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Iterator
from typing import Final

from kadeploy.errors import InvalidFile

LARGEST: Final = 64 * 1024  # bytes
_KEY: Final = re.compile(
    r"(?:^|\s)((?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+|ecdsa-sha2-[a-z0-9]+)\s+([A-Za-z0-9+/]+={0,3})(?:\s|$)"
)


def check_keys(text: str) -> str:
    """The keys, one a line, ending in a newline; raises InvalidFile with every line that is none (sshd(8))."""
    if "PRIVATE KEY" in text:
        raise InvalidFile("the SSH keys hold a private key", hint="give the public one, which ends in .pub")
    if len(text.encode()) > LARGEST:
        raise InvalidFile(f"the SSH keys are longer than {LARGEST} bytes")
    lines = text.replace("\r\n", "\n").split("\n")
    faults = [f"line {number} of the SSH keys is not a public key" for number in _bad_lines(lines)]
    if faults:
        raise InvalidFile("; ".join(faults))
    keys = [line.strip() for line in lines if not _says_nothing(line)]
    if not keys:
        raise InvalidFile("there is no key among the SSH keys")
    return "".join(f"{key}\n" for key in keys)


def _bad_lines(lines: list[str]) -> Iterator[int]:
    for number, line in enumerate(lines, 1):
        if not _says_nothing(line) and not _is_key(line):
            yield number


def _says_nothing(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _is_key(line: str) -> bool:
    """The base64 part begins with the key's type (RFC 4253, 6.6), which a cut or a mangled one does not."""
    if not line.replace("\t", " ").isprintable():
        return False
    for found in _KEY.finditer(line):
        kind = found.group(1).encode()
        try:
            blob = base64.b64decode(found.group(2), validate=True)
        except binascii.Error:
            continue
        if blob.startswith(struct.pack(">I", len(kind)) + kind) and len(blob) > len(kind) + 4:
            return True
    return False
