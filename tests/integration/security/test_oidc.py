"""Access tokens of a real issuer over real sockets: what is believed, and what is not."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kadeploy.api.auth.jwks import IssuerKeys
from kadeploy.api.auth.oidc import AccessTokens
from kadeploy.config.authentication import Authentication, Oidc, Roles
from kadeploy.errors import NotAuthenticated, Unavailable
from tests.integration.security.certificates import TestAuthority
from tests.integration.security.issuer import Issuer, issuing
from tests.integration.security.served import served


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def authority() -> TestAuthority:
    return TestAuthority("Web")


Story = Callable[[Issuer, AccessTokens, Clock], Coroutine[Any, Any, None]]


def run(directory: Path, authority: TestAuthority, story: Story, **changes: object) -> None:
    async def whole() -> None:
        async with asyncio.timeout(50), issuing(directory, authority) as issuer:
            oidc = config(directory, authority, issuer, **changes)
            clock = Clock()
            await story(issuer, AccessTokens(oidc, IssuerKeys(oidc, clock=clock)), clock)

    asyncio.run(whole())


def config(directory: Path, authority: TestAuthority, issuer: Issuer, **changes: object) -> Oidc:
    path = authority.write(directory / "web.pem")
    return Oidc.model_validate({"issuer": issuer.url, "audience": "kadeploy, other", "ca_cert": path, **changes})


def test_a_token_names_the_user_and_their_groups(tmp_path: Path, authority: TestAuthority) -> None:
    async def story(issuer: Issuer, tokens: AccessTokens, clock: Clock) -> None:
        found = await tokens.read(issuer.token())
        assert (found.user, found.groups, found.scheme) == ("alice", ("staff", "support"), "oidc")
        assert (await tokens.read(issuer.token(aud=["x", "other"], groups="a b"))).groups == ("a", "b")
        assert issuer.asked == 1

    run(tmp_path, authority, story)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"iss": "https://elsewhere.example.org"}, "issuer"),
        ({"aud": "someone-else"}, "udience"),
        ({"aud": None}, "aud"),
        ({"exp": 1_700_000_000}, "expired"),
        ({"exp": None}, "exp"),
        ({"nbf": 4_000_000_000}, "not yet valid"),
        ({"preferred_username": None}, "preferred_username"),
        ({"preferred_username": 7}, "is no name"),
        ({"preferred_username": ""}, "is no name"),
        ({"key": "unknown"}, "not signed by a key of"),
    ],
)
def test_tokens_that_are_not_believed(
    tmp_path: Path, authority: TestAuthority, changes: dict[str, Any], said: str
) -> None:
    async def story(issuer: Issuer, tokens: AccessTokens, clock: Clock) -> None:
        with pytest.raises(NotAuthenticated, match=said):
            await tokens.read(issuer.token(**changes))

    run(tmp_path, authority, story)


def test_the_token_does_not_choose_its_algorithm(tmp_path: Path, authority: TestAuthority) -> None:
    """Neither `none`, nor the public key taken for a shared secret, nor one that is not configured."""

    async def story(issuer: Issuer, tokens: AccessTokens, clock: Clock) -> None:
        name, key = next(iter(issuer.keys.items()))
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        forged = [
            jwt.encode(issuer.claims(), "", algorithm="none", headers={"kid": name}),
            issuer.token(algorithm="RS512"),
            _signed_with(public, issuer.claims(), name),
            "a.b.c",
            "",
            "x" * 20_000,
        ]
        for token in forged:
            with pytest.raises(NotAuthenticated, match="this access token is not valid"):
                await tokens.read(token)
        good = issuer.token()
        with pytest.raises(NotAuthenticated):
            await tokens.read(good[:-8] + ("A" * 8))

    run(tmp_path, authority, story)


def test_keys_that_change_are_fetched_again_but_not_for_every_made_up_token(
    tmp_path: Path, authority: TestAuthority
) -> None:
    async def story(issuer: Issuer, tokens: AccessTokens, clock: Clock) -> None:
        old = issuer.token()
        await tokens.read(old)
        issuer.rotate("second")
        for _ in range(5):
            with pytest.raises(NotAuthenticated):
                await tokens.read(issuer.token())
        assert issuer.asked == 1
        clock.now += 11
        await asyncio.gather(*(tokens.read(issuer.token()) for _ in range(5)))
        assert issuer.asked == 2
        with pytest.raises(NotAuthenticated):
            await tokens.read(old)

    run(tmp_path, authority, story)


def test_known_keys_outlive_a_silent_issuer_for_a_day(tmp_path: Path, authority: TestAuthority) -> None:
    async def story(issuer: Issuer, tokens: AccessTokens, clock: Clock) -> None:
        await tokens.read(issuer.token())
        issuer.broken = True
        clock.now += 3601
        await tokens.read(issuer.token())
        assert issuer.asked == 2
        clock.now += 86400
        with pytest.raises(Unavailable, match="does not answer"):
            await tokens.read(issuer.token())
        issuer.broken = False
        clock.now += 11
        await tokens.read(issuer.token())

    run(tmp_path, authority, story)


def test_an_issuer_that_is_not_who_it_says_has_no_keys(tmp_path: Path, authority: TestAuthority) -> None:
    async def story(issuer: Issuer, tokens: AccessTokens, clock: Clock) -> None:
        issuer.said_to_be = "https://elsewhere.example.org"
        with pytest.raises(Unavailable):
            await tokens.read(issuer.token())
        assert issuer.asked == 0

    run(tmp_path, authority, story)


def test_the_issuers_certificate_is_verified(tmp_path: Path, authority: TestAuthority) -> None:
    async def story(issuer: Issuer, tokens: AccessTokens, clock: Clock) -> None:
        with pytest.raises(Unavailable):
            await tokens.read(issuer.token())
        assert issuer.asked == 0

    run(tmp_path, authority, story, ca_cert=TestAuthority("Other").write(tmp_path / "other.pem"))


def test_groups_give_roles_through_the_api(tmp_path: Path, authority: TestAuthority) -> None:
    async def whole() -> None:
        async with asyncio.timeout(50), issuing(tmp_path, authority) as issuer:
            authentication = Authentication(oidc=config(tmp_path, authority, issuer))
            roles = Roles.model_validate({"default": "none", "operator": {"groups": "support"}})
            async with served(tmp_path, authentication, roles=roles) as server:
                shown = {"Authorization": f"Bearer {issuer.token()}"}
                told = (await server.get("/whoami", server.trust(), **shown)).json()
                assert (told["user"], told["role"], told["scheme"]) == ("alice", "operator", "oidc")
                stranger = {"Authorization": f"Bearer {issuer.token(groups=[], preferred_username='eve')}"}
                refused = await server.get("/whoami", server.trust(), **stranger)
                assert (refused.status_code, refused.text) == (403, "Forbidden -- eve has no role on this server\n")

    asyncio.run(whole())


def _signed_with(secret: bytes, claims: dict[str, Any], name: str) -> str:
    """HS256 by hand: the library refuses to sign with a public key."""

    def encoded(data: bytes) -> bytes:
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    head = encoded(json.dumps({"alg": "HS256", "typ": "JWT", "kid": name}).encode())
    body = head + b"." + encoded(json.dumps(claims).encode())
    return (body + b"." + encoded(hmac.digest(secret, body, "sha256"))).decode()
