"""Certificates made up for tests: an authority, and what it issues and revokes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

DAY = timedelta(days=1)
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Pair:
    """`pem` has the key and the certificate, as TLS wants them."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def cert_pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + self.cert_pem

    def write(self, path: Path) -> Path:
        path.write_bytes(self.pem)
        return path


@dataclass
class TestAuthority:
    __test__ = False

    name: str = "Users"
    pair: Pair = field(init=False)

    def __post_init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now() - DAY)
            .not_valid_after(now() + 10 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        self.pair = Pair(certificate, key)

    def write(self, path: Path) -> Path:
        path.write_bytes(self.pair.cert_pem)
        return path

    def issue(
        self,
        *users: str,
        usage: ObjectIdentifier = CLIENT,
        begin: datetime | None = None,
        end: datetime | None = None,
        address: str = "",
        host: str = "",
    ) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user) for user in users]))
            .issuer_name(self.pair.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin or now() - DAY)
            .not_valid_after(end or now() + DAY)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        )
        if address or host:
            name = x509.IPAddress(ip_address(address)) if address else x509.DNSName(host)
            names = x509.SubjectAlternativeName([name])
            builder = builder.add_extension(names, critical=False)
        return Pair(builder.sign(self.pair.key, hashes.SHA256()), key)

    def revoke(self, pair: Pair, path: Path) -> Path:
        revoked = (
            x509.RevokedCertificateBuilder()
            .serial_number(pair.certificate.serial_number)
            .revocation_date(now() - DAY)
            .build()
        )
        crl = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.pair.certificate.subject)
            .last_update(now() - DAY)
            .next_update(now() + DAY)
            .add_revoked_certificate(revoked)
            .sign(self.pair.key, hashes.SHA256())
        )
        path.write_bytes(crl.public_bytes(Encoding.PEM))
        return path
