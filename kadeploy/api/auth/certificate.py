"""Certificates of clients: the common name is the user.

A certificate is public. It says who somebody is only when they have proved that they hold its key, which TLS does; in
a header it is believed from the proxies that the configuration names, which do that proof in this server's place.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from cryptography import x509
from cryptography.x509.oid import NameOID

from kadeploy.api.auth.credentials import Credentials, Identity
from kadeploy.api.auth.issued import Issuers, read_header
from kadeploy.api.auth.whitelist import Whitelist
from kadeploy.errors import NotAuthenticated


class Certificate:
    """Implements auth.credentials.Scheme. Without a whitelist any host may show one; without proxies no header counts.

    `clock`: seconds since the epoch.
    """

    def __init__(
        self,
        issuers: Issuers,
        *,
        proxies: Whitelist | None = None,
        whitelist: Whitelist | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._issuers = issuers
        self._proxies = proxies
        self._whitelist = whitelist
        self._clock = clock

    async def identify(self, credentials: Credentials) -> Identity | None:
        certificate = await self._shown(credentials)
        if certificate is None:
            return None
        if self._whitelist is not None and not await self._whitelist.allows(credentials.address):
            raise NotAuthenticated("certificates are not accepted from your host")
        # TLS looked at all of this when the connection began, which may be long ago.
        self._issuers.check(certificate, now=self._clock())
        return Identity(user=_user(certificate, credentials.user), scheme="certificate")

    async def _shown(self, credentials: Credentials) -> x509.Certificate | None:
        if credentials.claimed_certificate:
            if self._proxies is None or not await self._proxies.allows(credentials.address):
                raise NotAuthenticated(
                    "a certificate in a header does not prove that you hold its key: use it for the TLS connection"
                )
            return read_header(credentials.claimed_certificate)
        if not credentials.certificate:
            return None
        try:
            return x509.load_der_x509_certificate(credentials.certificate)
        except ValueError as error:
            raise NotAuthenticated("your certificate cannot be read") from error


def _user(certificate: x509.Certificate, claimed: str) -> str:
    """The one that the request names, if it is among the common names; else the only one there is."""
    names = [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if claimed:
        if claimed not in names:
            raise NotAuthenticated("your certificate is not of the user you say you are")
        return claimed
    if len(names) != 1:
        raise NotAuthenticated("your certificate does not name one user: say which, in the User header")
    return names[0]
