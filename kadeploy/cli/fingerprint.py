"""Coming to trust a server's authority: by its fingerprint, which a person or a script compares, once."""

from __future__ import annotations

import hashlib
import hmac
import re
import ssl
import sys
from dataclasses import replace

import click

from kadeploy.cli.client import Client, Unverified, fetch_authority
from kadeploy.cli.servers import Server
from kadeploy.errors import BadConfiguration, InvalidOption, Unavailable

_HEXADECIMAL = re.compile(r"[0-9a-f]{64}\Z")


def plain(text: str) -> str:
    """A SHA-256 however it was written (`SHA256:`, colons, spaces, capitals); raises InvalidOption."""
    bare = re.sub(r"^sha-?256[:=]", "", text.strip().lower()).replace(":", "").replace(" ", "")
    if not _HEXADECIMAL.match(bare):
        raise InvalidOption(f"--fingerprint {text}: must be a SHA-256, of 64 hexadecimal digits")
    return bare


def fingerprint_of(pem: str) -> str:
    """Of a certificate, in hexadecimal; raises Unavailable for what is none."""
    try:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.strip())).hexdigest()
    except ValueError as error:
        raise Unavailable("the server's authority has no certificate that can be read") from error


def for_people(fingerprint: str) -> str:
    """In groups that can be read aloud."""
    return ":".join(fingerprint[index : index + 2] for index in range(0, len(fingerprint), 2)).upper()


def trusted(server: Server, user: str, expected: str | None) -> Server:
    """The server with an authority that vouches for it: the one expected, the one known, or one the user agrees to.

    Raises BadConfiguration when it is another, or nobody can be asked; Unavailable.
    """
    if not server.url.startswith("https:"):
        return server
    if expected is None:
        try:
            _try(server, user)
            return server
        except Unverified:
            pass
    pem = fetch_authority(server.url)
    found = fingerprint_of(pem)
    if expected is not None and not hmac.compare_digest(found, expected):
        raise BadConfiguration(
            f"the authority of {server.url} has the fingerprint {for_people(found)}, and not the one expected",
            hint="somebody may be between you and the server: ask its administrator",
        )
    if expected is None:
        _ask(server, found)
    chosen = replace(server, ca="", authority=pem)
    _try(chosen, user)
    return chosen


def _try(server: Server, user: str) -> None:
    with Client(server, user) as client:
        client.version()


def _ask(server: Server, fingerprint: str) -> None:
    known = "is not the one known so far" if server.authority or server.ca else "is not known here"
    print(f"The authority of {server.url} {known}. Its fingerprint (SHA-256) is", file=sys.stderr)
    print(f"  {for_people(fingerprint)}", file=sys.stderr)
    print("`kadmin fingerprint` on the server shows what it must be.", file=sys.stderr)
    if not sys.stdin.isatty():
        raise BadConfiguration("nobody can be asked whether that is right", hint="say it with --fingerprint SHA256")
    if not click.confirm("Is it the same", default=False, err=True):
        raise BadConfiguration("nothing was changed: the server's authority is not trusted")
