"""Clients that prove with TLS who they are, and those that only show a certificate."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from kadeploy.api.auth.certificate import Certificate as Scheme
from kadeploy.api.auth.credentials import Credentials
from kadeploy.api.auth.issued import Issuers
from kadeploy.api.auth.whitelist import Whitelist
from kadeploy.config.authentication import Authentication, Certificate
from kadeploy.errors import BadConfiguration, NotAuthenticated
from tests.integration.security.certificates import DAY, SERVER, Pair, TestAuthority, now
from tests.integration.security.served import Served, served


@pytest.fixture(scope="module")
def users() -> TestAuthority:
    return TestAuthority()


def run(
    directory: Path,
    users: TestAuthority,
    story: Callable[[Served], Coroutine[Any, Any, None]],
    **changes: object,
) -> None:
    certificate = Certificate.model_validate({"ca_cert": users.write(directory / "users.pem"), **changes})

    async def whole() -> None:
        async with asyncio.timeout(50), served(directory, Authentication(certificate=certificate)) as server:
            await story(server)

    asyncio.run(whole())


def showing(server: Served, pair: Pair | None, path: Path) -> ssl.SSLContext:
    context = server.trust()
    if pair is not None:
        context.load_cert_chain(pair.write(path))
    return context


def test_who_holds_the_key_is_who_the_certificate_names(tmp_path: Path, users: TestAuthority) -> None:
    async def story(server: Served) -> None:
        context = showing(server, users.issue("alice"), tmp_path / "alice")
        told = (await server.get("/whoami", context)).json()
        assert (told["user"], told["scheme"]) == ("alice", "certificate")
        assert (await server.get("/whoami", context, **{"X-Kadeploy-User": "alice"})).status_code == 200
        other = await server.get("/whoami", context, **{"X-Kadeploy-User": "root"})
        assert other.status_code == 401
        assert "not of the user you say you are" in other.text

    run(tmp_path, users, story)


def test_without_a_certificate_the_rest_still_works(tmp_path: Path, users: TestAuthority) -> None:
    async def story(server: Served) -> None:
        context = showing(server, None, tmp_path)
        assert (await server.get("/version", context)).text == "3.3.0\n"
        assert (await server.get("/whoami", context)).status_code == 401

    run(tmp_path, users, story)


def test_several_names_need_one_to_be_chosen(tmp_path: Path, users: TestAuthority) -> None:
    async def story(server: Served) -> None:
        context = showing(server, users.issue("alice", "oar"), tmp_path / "both")
        assert (await server.get("/whoami", context)).status_code == 401
        assert (await server.get("/whoami", context, **{"X-Kadeploy-User": "oar"})).json()["user"] == "oar"

    run(tmp_path, users, story)


@pytest.mark.parametrize("fault", ["stranger", "expired", "of a server", "revoked"])
def test_certificates_that_end_the_connection(tmp_path: Path, users: TestAuthority, fault: str) -> None:
    pair = {
        "stranger": lambda: TestAuthority().issue("alice"),
        "expired": lambda: users.issue("alice", begin=now() - 3 * DAY, end=now() - 2 * DAY),
        "of a server": lambda: users.issue("alice", usage=SERVER),
        "revoked": lambda: users.issue("alice"),
    }[fault]()
    changes = {"crl": users.revoke(pair, tmp_path / "crl.pem")} if fault == "revoked" else {}

    async def story(server: Served) -> None:
        with pytest.raises(httpx2.TransportError):
            await server.get("/whoami", showing(server, pair, tmp_path / "shown"))

    run(tmp_path, users, story, **changes)


def test_a_certificate_in_a_header_proves_nothing(tmp_path: Path, users: TestAuthority) -> None:
    """Certificates are public: Kadeploy3 believed whoever sent one."""
    header = base64.b64encode(users.issue("root").cert_pem).decode()

    async def story(server: Served) -> None:
        context = showing(server, None, tmp_path)
        shown = {"X-Kadeploy-User": "root", "X-Kadeploy-Certificate": header}
        refused = await server.get("/whoami", context, **shown)
        assert refused.status_code == 401
        assert "does not prove that you hold its key" in refused.text

    run(tmp_path, users, story)


def test_the_header_of_a_configured_proxy_is_believed(tmp_path: Path, users: TestAuthority) -> None:
    async def story(server: Served) -> None:
        context = showing(server, None, tmp_path)
        pair = users.issue("alice")
        for header in (base64.b64encode(pair.cert_pem).decode(), quote(pair.cert_pem.decode())):
            answer = await server.get("/whoami", context, **{"X-Kadeploy-Certificate": header})
            assert answer.json()["user"] == "alice"
        for bad in (TestAuthority().issue("root"), users.issue("root", end=now() - DAY / 2), users.pair):
            header = base64.b64encode(bad.cert_pem).decode()
            assert (await server.get("/whoami", context, **{"X-Kadeploy-Certificate": header})).status_code == 401
        assert (await server.get("/whoami", context, **{"X-Kadeploy-Certificate": "!"})).status_code == 401

    run(tmp_path, users, story, proxies=["127.0.0.1"])


def test_a_certificate_that_expires_while_the_connection_lives(tmp_path: Path, users: TestAuthority) -> None:
    issuers = Issuers.read(users.write(tmp_path / "ca"), None)
    shown = Credentials(address="10.0.0.1", certificate=users.issue("alice").certificate.public_bytes(Encoding.DER))
    assert asyncio.run(Scheme(issuers).identify(shown))
    later = Scheme(issuers, clock=lambda: (now() + 2 * DAY).timestamp())
    with pytest.raises(NotAuthenticated, match="expired"):
        asyncio.run(later.identify(shown))
    elsewhere = Scheme(issuers, whitelist=Whitelist(["10.0.0.2"]))
    with pytest.raises(NotAuthenticated, match="from your host"):
        asyncio.run(elsewhere.identify(shown))


def test_a_list_of_revoked_ones_must_be_the_authoritys(tmp_path: Path, users: TestAuthority) -> None:
    other = TestAuthority("Others")
    crl = other.revoke(other.issue("x"), tmp_path / "crl")
    with pytest.raises(BadConfiguration, match="is not signed by the authority"):
        Issuers.read(users.write(tmp_path / "ca"), crl)
