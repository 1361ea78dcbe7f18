"""Checksums of files as environments carry them: SHA-256, or what Kadeploy3 had recorded.

Kadeploy3 took the MD5 of a server's file and the HTTP ETag of any other. An MD5 can still be compared; an ETag says
nothing of the content, so a file known by one alone is taken as it is, and known by its SHA-256 from then on.
"""

from __future__ import annotations

import re
from typing import Final

_FORMS: Final = (
    (re.compile(r"(?:sha256:)?([0-9a-f]{64})\Z"), ""),
    (re.compile(r"(?:md5:)?([0-9a-f]{32})\Z"), "md5:"),
)
_ETAG: Final = re.compile(r"etag:(?:W/)?[\"']?([\x21\x23-\x7e]{1,255}?)[\"']?\Z")


def parse_checksum(text: str) -> str:
    """64 digits for a SHA-256, `md5:` and 32 digits, `etag:TEXT`, or empty; raises ValueError."""
    for form, prefix in _FORMS:
        if found := form.match(text.strip().lower()):
            return prefix + found.group(1)
    if found := _ETAG.match(text.strip()):
        return f"etag:{found.group(1)}"
    if text.strip():
        raise ValueError("must be a SHA-256 in hexadecimal: 64 digits (or an older record's md5:… or etag:…)")
    return ""


def is_sha256(checksum: str) -> bool:
    return len(checksum) == 64 and ":" not in checksum


def md5_of(checksum: str) -> str:
    """The MD5 in it, else empty."""
    return checksum.removeprefix("md5:") if checksum.startswith("md5:") else ""
