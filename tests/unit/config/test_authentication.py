"""What may stand under `authentication`, `roles` and `security`, and what is said of what may not."""

from __future__ import annotations

from typing import Any

import pytest

from kadeploy.config.decode import decode
from kadeploy.config.server import ServerConfig
from kadeploy.domain.access import Role


def faults(**keys: Any) -> tuple[str, ...]:
    return decode(ServerConfig, keys).faults


def read(**keys: Any) -> ServerConfig:
    decoded = decode(ServerConfig, keys)
    assert decoded.value is not None, decoded.faults
    return decoded.value


OIDC = {"issuer": "https://sso.example.org/realm", "audience": "kadeploy"}


@pytest.mark.parametrize(
    ("authentication", "fault"),
    [
        (
            {"oidc": {**OIDC, "issuer": "http://sso.example.org"}},
            "authentication.oidc.issuer: must begin with https://",
        ),
        ({"oidc": {**OIDC, "issuer": "http://127.0.0.1.evil.org/"}}, "authentication.oidc.issuer: must begin with"),
        ({"oidc": {**OIDC, "jwks_uri": "ftp://x"}}, "authentication.oidc.jwks_uri: must begin with https://"),
        ({"oidc": {**OIDC, "algorithms": ["none"]}}, "authentication.oidc.algorithms[0]: must be RS256"),
        ({"oidc": {**OIDC, "algorithms": ["HS256"]}}, "authentication.oidc.algorithms[0]: must be RS256"),
        ({"oidc": {**OIDC, "algorithms": []}}, "authentication.oidc.algorithms: must not be empty"),
        ({"oidc": {**OIDC, "audience": []}}, "authentication.oidc.audience: must not be empty"),
        ({"ident": {}}, "authentication.ident.whitelist: is required"),
        ({"ident": {"whitelist": []}}, "authentication.ident.whitelist: must not be empty"),
        ({"acl": {"whitelist": ""}}, "authentication.acl.whitelist: must not be empty"),
        ({"certificate": {}}, "authentication.certificate.ca_cert: is required"),
        ({"tokens": {"default_days": 9, "longest_days": 8}}, "authentication.tokens: default_days is 9"),
        ({"failures": {"per_user": 0}}, "authentication.failures.per_user: must be at least 1"),
    ],
)
def test_faults(authentication: dict[str, Any], fault: str) -> None:
    (told,) = faults(authentication=authentication)
    assert told.startswith(fault)


def test_an_issuer_on_this_machine_need_not_speak_tls() -> None:
    for issuer in ("http://127.0.0.1:8080/realm", "http://localhost/x", "http://[::1]:1/"):
        assert faults(authentication={"oidc": {**OIDC, "issuer": issuer}}) == ()


def test_nothing_trusts_anybody_unless_it_is_said() -> None:
    config = read()
    schemes = config.authentication
    assert (schemes.acl, schemes.http_basic, schemes.certificate, schemes.ident, schemes.oidc) == (None,) * 5
    assert config.security.secure_server
    assert config.security.secure_agents
    assert str(config.listen_address) == "127.0.0.1"


def test_roles_have_users_and_groups() -> None:
    config = read(rights={"almighty_users": "root, admin"}, roles={"admin": {"users": "ann"}, "default": "read-only"})
    assert config.administrators == {"root", "admin", "ann"}
    assert [role for role, _ in config.roles.members()] == list(Role)
    assert faults(roles={"default": "admin"})[0].startswith("roles.default: must be operator, user, read-only or none")


@pytest.mark.parametrize(
    ("security", "fault"),
    [
        ({"certificate": "/c"}, "security: certificate and private_key.file go together"),
        ({"private_key": {"file": "/k"}}, "security: certificate and private_key.file go together"),
        ({"certificate": "c", "private_key": {"file": ""}}, "security.certificate: must be an absolute path"),
        ({"certificate_days": 900}, "security.certificate_days: must be at most 825"),
        ({"certificate_days": 0.01}, "security.certificate_days: must be at least 1"),
        ({"names": ["https://kadeploy"]}, "security.names: must be host names and addresses"),
        ({"names": ["bücher.example.org"]}, "security.names: must be host names and addresses"),
        (
            {"names": ["a", "a b"]},
            "security.names: must be host names and addresses, as they are in DNS, which 'a b' is",
        ),
    ],
)
def test_a_certificate_comes_with_its_key(security: dict[str, Any], fault: str) -> None:
    assert faults(security=security)[0].startswith(fault)
    assert faults(security={"certificate": "/c", "private_key": {"file": "/k", "algorithm": "RSA"}}) == ()
    assert faults(security={"names": ["kadeploy", "*.x.org", "xn--bcher-kva.example.org", "10.0.0.1", "fe80::1"]}) == ()


def test_local_only_answers_this_machine_only() -> None:
    config = read(listen={"address": "0.0.0.0"}, security={"local_only": True})
    assert str(config.listen_address) == "127.0.0.1"
