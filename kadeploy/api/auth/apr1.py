"""Apache's salted MD5 (`$apr1$`), what `htpasswd` writes when it is not told otherwise.

Weak, and kept because files full of it exist. The algorithm is that of FreeBSD's MD5 crypt with another magic
string: https://httpd.apache.org/docs/2.4/misc/password_encryptions.html.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

MAGIC: Final = "$apr1$"
_DIGITS: Final = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ORDER: Final = ((0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5))
_ROUNDS: Final = 1000


def matches(password: str, entry: str) -> bool:
    """Whether the password is the one behind `$apr1$SALT$DIGEST`."""
    salt, _, digest = entry.removeprefix(MAGIC).partition("$")
    return hmac.compare_digest(_digest(password.encode(), salt[:8].encode()), digest)


def _digest(password: bytes, salt: bytes) -> str:
    final = _md5(_first(password, salt))
    for turn in range(_ROUNDS):
        block = password if turn % 2 else final
        block += salt if turn % 3 else b""
        block += password if turn % 7 else b""
        block += final if turn % 2 else password
        final = _md5(block)
    return _encoded(final)


def _first(password: bytes, salt: bytes) -> bytes:
    mixed = _md5(password + salt + password)
    block = password + MAGIC.encode() + salt
    block += (mixed * (len(password) // 16 + 1))[: len(password)]
    length = len(password)
    while length:
        block += b"\0" if length % 2 else password[:1]
        length //= 2
    return block


def _encoded(digest: bytes) -> str:
    triples = [(digest[a] << 16 | digest[b] << 8 | digest[c], 4) for a, b, c in _ORDER]
    text = ""
    for value, digits in [*triples, (digest[11], 2)]:
        for _ in range(digits):
            text += _DIGITS[value & 63]
            value >>= 6
    return text


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()
