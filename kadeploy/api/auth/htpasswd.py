"""An htpasswd file: who has which password. Read again when it changes.

Understood are bcrypt (`htpasswd -B`), Apache's MD5 (its default) and `{SHA}`; other entries never match. Who is not in
the file costs as much time as who is, so that names cannot be found by asking.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import bcrypt
from passlib.hash import apr_md5_crypt

_REMEMBERED: Final = 1000  # passwords that were right, so that a tool's polls do not each cost a bcrypt
_BCRYPT: Final = ("$2y$", "$2b$", "$2a$")
_APR1: Final = "$apr1$"
_SHA: Final = "{SHA}"
_LONGEST: Final = 4096  # bytes of a password: more is no password, and costs time

log = logging.getLogger(__name__)


class Htpasswd:
    """Blocking: a check may take a tenth of a second of processor time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._entries: Mapping[str, str] = {}
        self._right: set[bytes] = set()
        self._secret = secrets.token_bytes(32)

    def accepts(self, user: str, password: str) -> bool:
        if len(password) > _LONGEST:
            return False
        self._read_if_changed()
        entry = self._entries.get(user)
        if entry is None:
            decoy = next(iter(self._entries.values()), "")
            verified(password, decoy)
            return False
        proof = hmac.digest(self._secret, f"{user}\0{entry}\0{password}".encode(), "sha256")
        if proof in self._right:
            return True
        if not verified(password, entry):
            return False
        if len(self._right) >= _REMEMBERED:
            self._right.clear()
        self._right.add(proof)
        return True

    def _read_if_changed(self) -> None:
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp != self._stamp:
                self._entries, self._stamp = parse(self._path.read_text(encoding="utf-8")), stamp
        except (OSError, UnicodeDecodeError) as error:
            # Passwords must not outlive a file that was taken away.
            log.error("the password file %s cannot be read: %s", self._path, error)
            self._entries, self._stamp = {}, None


def parse(content: str) -> Mapping[str, str]:
    """Each user's entry; comments and lines without a colon say nothing."""
    entries: dict[str, str] = {}
    for line in content.splitlines():
        user, colon, entry = line.strip().partition(":")
        if colon and not user.startswith("#"):
            entries[user] = entry.partition(":")[0]
    return entries


def is_known(entry: str) -> bool:
    """Whether it is of a kind that can match."""
    return entry.startswith((*_BCRYPT, _APR1, _SHA))


def verified(password: str, entry: str) -> bool:
    """Whether the password is the one behind the entry; every comparison takes the same time."""
    try:
        if entry.startswith(_BCRYPT):
            # bcrypt knows 72 bytes of a password, and no NUL.
            return bcrypt.checkpw(password.encode()[:72], entry.encode())
        if entry.startswith(_APR1):
            return bool(apr_md5_crypt.verify(password, entry))
    except ValueError:
        return False
    if entry.startswith(_SHA):
        digest = base64.b64encode(hashlib.sha1(password.encode(), usedforsecurity=False).digest()).decode()
        return hmac.compare_digest(digest.encode(), entry.removeprefix(_SHA).encode())
    return False
