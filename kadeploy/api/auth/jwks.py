"""The keys an OpenID Connect issuer signs with: fetched when they are needed, kept, and fetched again when they change.

A token with a key that is not known makes the keys be fetched, but not more often than every so many seconds: tokens
are made up by whoever likes. When the issuer does not answer, the keys that are known go on for a day.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx2
from jwt import PyJWK, PyJWKSet
from jwt.exceptions import PyJWTError

from kadeploy.config.authentication import Oidc
from kadeploy.errors import BadConfiguration, Unavailable

_DEADLINE: Final = 10.0  # seconds for one of the issuer's answers
_PAUSE: Final = 10.0  # seconds between two fetches
_STALE: Final = 86400.0  # seconds for which keys are used when the issuer does not answer

log = logging.getLogger(__name__)


class IssuerKeys:
    """`clock` counts seconds; raises BadConfiguration for a `ca_cert` that cannot be used."""

    def __init__(self, oidc: Oidc, *, clock: Callable[[], float] = time.monotonic, pause: float = _PAUSE) -> None:
        self._oidc = oidc
        self._clock = clock
        self._pause = pause
        self._keys: Mapping[str, PyJWK] = {}
        self._fetched: float | None = None
        self._tried: float | None = None
        self._fetching = asyncio.Lock()
        self._verify = _verification(oidc)

    async def key(self, name: str | None) -> PyJWK | None:
        """The key of this `kid`; without a name, the only one there is. Raises Unavailable when there are no keys."""
        # One of those whose key is known fetches anew; the others need not wait for a slow issuer.
        if self._find(name) is None or (self._is_due() and not self._fetching.locked()):
            await self._fetch(name)
        if self._fetched is None or self._clock() - self._fetched > _STALE:
            raise Unavailable("the issuer of access tokens does not answer, so that they cannot be checked")
        return self._find(name)

    def _find(self, name: str | None) -> PyJWK | None:
        if name is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(name)

    def _is_due(self) -> bool:
        return self._fetched is None or self._clock() - self._fetched > self._oidc.refresh

    async def _fetch(self, name: str | None) -> None:
        async with self._fetching:
            if not self._is_due() and self._find(name) is not None:
                return  # fetched while we waited
            now = self._clock()
            if self._tried is not None and now - self._tried < self._pause:
                return
            self._tried = now
            try:
                self._keys = await self._asked()
                self._fetched = now
            except (httpx2.HTTPError, httpx2.InvalidURL, PyJWTError, ValueError, LookupError, TypeError) as error:
                log.warning("the keys of %s cannot be fetched: %s", self._oidc.issuer, error)

    async def _asked(self) -> Mapping[str, PyJWK]:
        async with httpx2.AsyncClient(verify=self._verify, timeout=_DEADLINE) as client:
            address = self._oidc.jwks_uri or await self._discovered(client)
            found = PyJWKSet.from_dict(await _json(client, address))
        return {key.key_id or "": key for key in found.keys if key.public_key_use in (None, "sig")}

    async def _discovered(self, client: httpx2.AsyncClient) -> str:
        """OpenID Connect Discovery 1.0, 4: what is found must be the issuer's that was asked for."""
        issuer = self._oidc.issuer
        found = await _json(client, issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found["issuer"] != issuer:
            raise ValueError(f"it says that it is {found['issuer']!r}")
        return str(Oidc.model_validate({**self._oidc.model_dump(), "jwks_uri": found["jwks_uri"]}).jwks_uri)


async def _json(client: httpx2.AsyncClient, address: str) -> dict[str, Any]:
    answer = await client.get(address)
    content = answer.raise_for_status().json()
    if not isinstance(content, dict):
        raise TypeError(f"{address} does not answer with an object")
    return content


def _verification(oidc: Oidc) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(oidc.ca_cert) if oidc.ca_cert else None)
    except (OSError, ssl.SSLError) as error:
        raise BadConfiguration(f"authentication.oidc.ca_cert: {oidc.ca_cert} cannot be used: {error}") from error
