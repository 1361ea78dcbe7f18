"""Whom the agent trusts: a server that shows a certificate of the authority whose fingerprint the kernel was told.

The authority's certificate comes over plain HTTP, like the agent itself; the fingerprint says whether it is the one.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from typing import Any, Final

_DEADLINE: Final = 10.0  # seconds to fetch the certificate
_LARGEST: Final = 64 * 1024  # bytes of it
_NO_CHECK_TIME: Final = 0x200000  # X509_V_FLAG_NO_CHECK_TIME (openssl/x509_vfy.h), which ssl does not name


class Untrusted(OSError):
    """The server's authority is not the one that this node was told of."""


class Trust:
    """An empty fingerprint means no TLS."""

    def __init__(self, server: str, fingerprint: str) -> None:
        self._server = server
        self._fingerprint = fingerprint
        self._fetching: asyncio.Task[Any] | None = None

    async def context(self) -> Any:
        """An ssl.SSLContext, or None; fetched until it is there. Who is cancelled finds it fetched the next time: on a
        machine that is busy it may come late, and would never come if it were begun anew each time. Raises OSError."""
        if not self._fingerprint:
            return None
        if self._fetching is None or (self._fetching.done() and self._fetching.exception() is not None):
            self._fetching = asyncio.create_task(asyncio.to_thread(self._fetched), name="fetch the authority")
        return await asyncio.shield(self._fetching)

    def _fetched(self) -> Any:
        import urllib.request  # a seventh of the agent's start, and not needed without TLS

        with urllib.request.urlopen(f"{self._server}/boot/ca.pem", timeout=_DEADLINE) as answer:
            pem = answer.read(_LARGEST).decode("ascii", "replace")
        return trusting(pem, self._fingerprint)


def trusting(pem: str, fingerprint: str) -> Any:
    """A context that accepts servers which this certificate vouches for. Raises Untrusted."""
    import ssl  # a quarter of the agent's start

    try:
        der = ssl.PEM_cert_to_DER_cert(pem)
    except ValueError as error:
        raise Untrusted("the server's authority has no certificate") from error
    if not hmac.compare_digest(hashlib.sha256(der).hexdigest(), fingerprint):
        raise Untrusted("the server's authority is not the one that this node was told of")
    context = ssl.create_default_context(cadata=pem)
    # A node's clock may be years off. The fingerprint is of this boot, which says more than a date.
    context.verify_flags |= _NO_CHECK_TIME
    return context
