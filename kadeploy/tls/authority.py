"""The certificate authority of this server: made at its first start, kept in the state directory, and never changed.

Clients and agents know it by its fingerprint. Its key (ECDSA on P-256, mode 0600) signs this server's own certificates
and nothing else.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kadeploy.errors import BadConfiguration

_LIFETIME = timedelta(days=3652)
_EARLIER = timedelta(hours=1)  # for clients whose clocks are slow

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, in hexadecimal."""
        return hashlib.sha256(self.certificate.public_bytes(Encoding.DER)).hexdigest()

    def issue(
        self, key: ec.EllipticCurvePrivateKey, names: Sequence[str], *, now: datetime, lifetime: timedelta
    ) -> x509.Certificate:
        """A server's certificate for these host names and addresses (RFC 9525: only the alternative names count)."""
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]))
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _EARLIER)
            .not_valid_after(now + lifetime)
            .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )


def open_authority(directory: Path, *, host: str, now: datetime) -> Authority:
    """Read it, or make it when there is none. Raises BadConfiguration for files that cannot be used."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    key_file, certificate_file = _files(directory)
    with _told(directory):
        if not key_file.exists():
            _write_new(key_file, private_bytes(ec.generate_private_key(ec.SECP256R1())))
        if not certificate_file.exists():
            _write_new(certificate_file, _self_signed(_key(key_file), host, now).public_bytes(Encoding.PEM))
    return read_authority(directory, now=now)


def is_authority_there(directory: Path) -> bool:
    """Whether a server has made one. Raises BadConfiguration when that cannot be seen."""
    with _told(directory):
        return any(file.exists() for file in _files(directory))


def read_authority(directory: Path, *, now: datetime) -> Authority:
    """The one that is there. Raises BadConfiguration for files that cannot be used."""
    key_file, certificate_file = _files(directory)
    with _told(directory):
        key = _key(key_file)
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    if certificate.public_key() != key.public_key():
        raise BadConfiguration(f"{certificate_file} is not of the key {key_file}", hint="restore both from a copy")
    authority = Authority(certificate=certificate, key=key)
    if certificate.not_valid_after_utc - now < timedelta(days=365):
        log.warning("the authority in %s is valid until %s only", directory, certificate.not_valid_after_utc.date())
    return authority


def _files(directory: Path) -> tuple[Path, Path]:
    return directory / "ca.key", directory / "ca.pem"


@contextmanager
def _told(directory: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        raise BadConfiguration(f"the authority in {directory} cannot be used: {error}") from error


def _key(file: Path) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(file.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise BadConfiguration(f"{file} is not a key of an authority made here", hint="restore it from a copy")
    return key


def private_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _self_signed(key: ec.EllipticCurvePrivateKey, host: str, now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Kadeploy on {host}"[:64])])
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _write_new(path: Path, content: bytes) -> None:
    """The whole file or none of it; of two servers that start at once, the first one's counts."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)
