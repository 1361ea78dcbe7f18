"""Whether a certificate is one that the site's authority issued for a client, and has not taken back."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID

from kadeploy.errors import BadConfiguration, NotAuthenticated

_PEM = "-----BEGIN"


class Issuers:
    """The authorities whose certificates count, and what they revoked."""

    def __init__(self, authorities: Sequence[x509.Certificate], revoked: x509.CertificateRevocationList | None) -> None:
        self._authorities = tuple(authorities)
        self._revoked = revoked

    @classmethod
    def read(cls, ca_cert: Path, crl: Path | None) -> Issuers:
        """Raises BadConfiguration."""
        try:
            authorities = x509.load_pem_x509_certificates(ca_cert.read_bytes())
            revoked = x509.load_pem_x509_crl(crl.read_bytes()) if crl else None
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise BadConfiguration(f"authentication.certificate: {ca_cert} or its crl cannot be read: {why}") from error
        if revoked and not any(_signed(revoked, authority) for authority in authorities):
            raise BadConfiguration(f"authentication.certificate.crl: {crl} is not signed by the authority of {ca_cert}")
        return cls(authorities, revoked)

    def check(self, certificate: x509.Certificate, *, now: float) -> None:
        """`now`: seconds since the epoch. Raises NotAuthenticated."""
        if not any(_issued(certificate, authority) for authority in self._authorities):
            raise NotAuthenticated("your certificate is not of an authority known here")
        moment = datetime.fromtimestamp(now, UTC)
        if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
            raise NotAuthenticated("your certificate has expired, or is not valid yet")
        if not _is_of_a_client(certificate):
            raise NotAuthenticated("your certificate is not one of a client")
        if self._revoked and self._revoked.get_revoked_certificate_by_serial_number(certificate.serial_number):
            raise NotAuthenticated("your certificate was revoked")


def read_header(text: str) -> x509.Certificate:
    """PEM or DER in base64, as Kadeploy3's clients had it, or PEM with `%` escapes, as proxies send it."""
    plain = unquote(text).strip() if "%" in text or text.startswith(_PEM) else text
    try:
        content = plain.encode() if plain.startswith(_PEM) else base64.b64decode(plain, validate=True)
        if content.startswith(_PEM.encode()):
            return x509.load_pem_x509_certificate(content)
        return x509.load_der_x509_certificate(content)
    except (ValueError, binascii.Error) as error:
        raise NotAuthenticated("the Certificate header cannot be read") from error


def _issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _signed(revoked: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    return revoked.is_signature_valid(authority.public_key())  # type: ignore[arg-type]


def _is_of_a_client(certificate: x509.Certificate) -> bool:
    """RFC 5280, 4.2.1.9 and 4.2.1.12: no authority, and not made for something else."""
    try:
        if certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
    except x509.ExtensionNotFound:
        pass
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.CLIENT_AUTH in usages or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usages
