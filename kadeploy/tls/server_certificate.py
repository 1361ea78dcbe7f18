"""This server's certificate: issued by its authority, and renewed before its end without a restart."""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from kadeploy.errors import BadConfiguration
from kadeploy.tls.authority import Authority, private_bytes

_LOOKED_AT: Final = 3600.0  # seconds between two looks at the date
_LEFT: Final = 3  # renewed when this part of its time is left

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class IssuedCertificate:
    """Key and chain in one file, so that they are replaced together; `names` are host names and addresses. These and
    the `lifetime` may change while it is in use."""

    authority: Authority
    file: Path
    names: Sequence[str]
    lifetime: timedelta

    def renew(self, now: datetime) -> bool:
        """Issue one when there is none that fits; whether that was so. Raises BadConfiguration."""
        try:
            if self._is_good(now):
                return False
            key = ec.generate_private_key(ec.SECP256R1())
            certificate = self.authority.issue(key, self.names, now=now, lifetime=self.lifetime)
            chain = certificate.public_bytes(Encoding.PEM) + self.authority.pem.encode()
            _replace(self.file, private_bytes(key) + chain)
        except (OSError, ValueError) as error:
            raise BadConfiguration(f"no certificate can be issued for {', '.join(self.names)}: {error}") from error
        log.info("a certificate for %s is issued, until %s", ", ".join(self.names), certificate.not_valid_after_utc)
        return True

    async def keep(self, contexts: Sequence[ssl.SSLContext], *, clock: Callable[[], datetime]) -> None:
        """Until cancelled: renew it in time, and have new connections use it; those that are open go on."""
        while True:
            await asyncio.sleep(_LOOKED_AT)
            try:
                self.refresh(contexts, clock())
            except BadConfiguration:
                log.exception("the certificate cannot be renewed")

    def refresh(self, contexts: Sequence[ssl.SSLContext], now: datetime) -> None:
        if self.renew(now):
            self._show(contexts)

    def become(self, other: IssuedCertificate, contexts: Sequence[ssl.SSLContext]) -> None:
        """One for other names, which is in the same file already."""
        self.names, self.lifetime = other.names, other.lifetime
        self._show(contexts)

    def _show(self, contexts: Sequence[ssl.SSLContext]) -> None:
        for context in contexts:
            context.load_cert_chain(self.file)

    def _is_good(self, now: datetime) -> bool:
        try:
            certificate = x509.load_pem_x509_certificate(self.file.read_bytes())
        except (FileNotFoundError, ValueError):
            return False
        return not must_renew(certificate, self.authority.certificate, self.names, now)


def must_renew(certificate: x509.Certificate, authority: x509.Certificate, names: Sequence[str], now: datetime) -> bool:
    """Whether it is near its end, not valid yet, for other names, or not of this authority."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not begin <= now or end - now < (end - begin) / _LEFT:
        return True
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # another name, another kind of key, another signature: the reasons have no common class
        return True
    said = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    held = {*said.get_values_for_type(x509.DNSName), *map(str, said.get_values_for_type(x509.IPAddress))}
    return held != {_plain(name) for name in names}


def _plain(name: str) -> str:
    try:
        return str(ip_address(name))
    except ValueError:
        return name


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)
