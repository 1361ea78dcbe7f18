"""What TLS this server speaks: version 1.2 or newer, and asking clients for certificates where they count."""

from __future__ import annotations

import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from kadeploy.errors import BadConfiguration


def server_context(
    chain: Path, key: Path | None = None, *, clients: Path | None = None, revoked: Path | None = None
) -> ssl.SSLContext:
    """`chain`: the certificate and those above it, and the key too unless it is apart.

    `clients`: the authority of clients' certificates, which they may show and need not; `revoked`: its list of
    revoked ones. Raises BadConfiguration.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    show(context, chain, key, clients=clients, revoked=revoked)
    return context


def show(
    context: ssl.SSLContext, chain: Path, key: Path | None, *, clients: Path | None = None, revoked: Path | None = None
) -> None:
    """Have new connections of this context use these. An authority that it believed before it goes on believing: what
    such a certificate is worth is decided again by who looks at it. Raises BadConfiguration."""
    try:
        context.load_cert_chain(chain, key, password=_no_password)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise BadConfiguration(
            f"security: {chain} and {key or 'its key'} cannot be used: {_said(error)}",
            hint="PEM files: the certificate and those above it, and its key without a password",
        ) from error
    if clients is not None:
        try:
            context.load_verify_locations(clients)
            if revoked is not None:
                context.load_verify_locations(revoked)
                context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
        except (OSError, ssl.SSLError) as error:
            raise BadConfiguration(f"authentication.certificate: {clients} cannot be used: {_said(error)}") from error
        if revoked is None:
            context.verify_flags &= ~ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    context.verify_mode = ssl.CERT_NONE if clients is None else ssl.CERT_OPTIONAL


def top_of(chain: Path) -> str:
    """The last certificate of a given chain (PEM): what a client may pin. Raises BadConfiguration."""
    try:
        return x509.load_pem_x509_certificates(chain.read_bytes())[-1].public_bytes(Encoding.PEM).decode()
    except (OSError, ValueError) as error:
        raise BadConfiguration(f"security.certificate: {chain} cannot be read: {error}") from error


def name_of(chain: Path) -> str:
    """A name or address that a given certificate is for; empty where it has none. Raises BadConfiguration."""
    try:
        certificate = x509.load_pem_x509_certificate(chain.read_bytes())
        said = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    except (OSError, ValueError) as error:
        raise BadConfiguration(f"security.certificate: {chain} cannot be read: {error}") from error
    names = [*said.get_values_for_type(x509.DNSName), *map(str, said.get_values_for_type(x509.IPAddress))]
    return names[0].replace("*", "any") if names else ""


def authority_fingerprint(pem: str) -> str:
    """SHA-256 of a certificate, in hexadecimal."""
    return x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA256()).hex()


def _no_password() -> str:
    raise ValueError("the key is encrypted")


def _said(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return str(error)
