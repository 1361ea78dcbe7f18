"""Whether there is a file at all, and how large it is, before it is fetched: asked with HEAD, and not for long.

Only what is sure is told: a server that is slow, or knows no HEAD (RFC 9110, section 9.3.2), says more when the file is
fetched.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from http import HTTPStatus
from typing import Final

import httpx2

from kadeploy.errors import InvalidFile
from kadeploy.files.fetch import too_large
from kadeploy.files.visit import Errand, visit

_GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_HEADERS: Final = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "kadeploy"}


async def glance(errand: Errand) -> int:
    """The file's size, 0 when nothing says. Raises InvalidFile for one that cannot be had."""
    limits = errand.web.limits
    try:
        async with asyncio.timeout(limits.glance), visit(replace(errand, method="HEAD"), _HEADERS) as response:
            if response.status_code in _GONE:
                answer = f"{response.status_code} {response.reason_phrase}".strip()
                raise InvalidFile(f"{errand.called}: its server answers {answer}")
            told = response.headers.get("content-length", "") if response.status_code == HTTPStatus.OK else ""
    except httpx2.ConnectError as error:
        raise InvalidFile(f"{errand.called} cannot be fetched: {error}") from error
    except (TimeoutError, httpx2.TransportError, httpx2.InvalidURL):
        return 0
    return judged_size(errand, int(told) if told.isdecimal() else 0)


def judged_size(errand: Errand, size: int) -> int:
    """Raises InvalidFile when it is more than the file may have."""
    if errand.stop_at is not None and size > errand.stop_at:
        raise too_large(errand.called, errand.stop_at)
    return size
