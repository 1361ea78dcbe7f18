"""Saying to be somebody: certificates were believed without proof, networks trusted, nothing was limited or kept."""

from __future__ import annotations

import base64
import json
import ssl
import warnings
from dataclasses import replace

import pytest

from tests.integration.security.attacked import PASSWORD, PERMITTED, Attacked
from tests.integration.security.certificates import TestAuthority

FORWARDED = {
    "X_Forwarded_For": "127.0.9.9",
    "X_Forwarded_Host": "127.0.9.9",
    "Forwarded": "for=127.0.9.9",
    "X_Real_IP": "127.0.9.9",
    "X_Client_IP": "127.0.9.9",
    "True_Client_IP": "127.0.9.9",
}


def test_a_name_is_believed_from_the_trusted_host_only(server: Attacked) -> None:
    name = {"X_Kadeploy_User": "admin"}
    assert server.stranger("127.0.9.9", **name).get("/whoami").json()["user"] == "admin"
    for header, value in FORWARDED.items():
        assert server.stranger("127.0.0.1", **name, **{header: value}).get("/whoami").status == 401
    assert server.stranger("127.0.0.1", **name, **FORWARDED).get("/whoami").status == 401


@pytest.mark.parametrize(
    "name",
    ["X-Remote-User", "Remote-User", "X-Forwarded-User", "X_Kadeploy_User", "X-Kadeploy-User ", "X-Kadeploy_User"],
)
def test_headers_that_look_like_the_name_are_nothing(server: Attacked, name: str) -> None:
    with server.connected("127.0.9.9") as sock:
        sock.sendall(f"GET /whoami HTTP/1.1\r\nHost: x\r\n{name}: admin\r\nConnection: close\r\n\r\n".encode())
        assert sock.recv(64).split()[1] in (b"401", b"400")


def test_the_name_in_a_header_does_not_change_who_has_shown_a_password(server: Attacked) -> None:
    assert server.user().get("/whoami", X_Kadeploy_User="admin").json()["user"] == "alice"


def test_a_certificate_in_a_header_proves_nothing(server: Attacked) -> None:
    """Also when it is the server's own, or of an authority that somebody made."""
    own = ssl.get_server_certificate(("127.0.0.1", server.port)).encode()
    for pem in (own, TestAuthority().issue("admin").cert_pem, b"no certificate"):
        shown = {"X_Kadeploy_User": "admin", "X_Kadeploy_Certificate": base64.b64encode(pem).decode()}
        assert server.stranger("127.0.0.7", **shown).get("/whoami").status == 401


def test_passwords_are_guessed_a_few_times_only_whatever_is_said_of_the_address(server: Attacked) -> None:
    source, told = "127.0.0.66", []
    for number in range(PERMITTED + 3):
        guess = base64.b64encode(f"alice:guess-{number}".encode()).decode()
        guesser = server.stranger(source, Authorization=f"Basic {guess}", X_Forwarded_For=f"10.0.0.{number}")
        told.append(guesser.get("/whoami").status)
    assert told == [401] * PERMITTED + [429] * 3
    assert server.user(source=source).get("/whoami").status == 429, "the right one is no better from there"
    assert server.user(source="127.0.0.67").get("/whoami").status == 200, "and nobody else is shut out"


@pytest.mark.parametrize(
    "shown",
    [
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"alice").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        "Basic " + base64.b64encode(b"alice\0:" + PASSWORD.encode()).decode(),
        "Basic " + base64.b64encode(b"alice:" + b"x" * 100_000).decode(),
        "Bearer",
        "Bearer kdp_",
        "Bearer kdp_000000000000_x",
        "Bearer kdp_' OR 1=1 --_x",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
        "Negotiate x",
    ],
)
def test_credentials_that_are_none(server: Attacked, shown: str) -> None:
    answer = server.stranger("127.0.0.68", Authorization=shown).get("/whoami")
    assert answer.status in (401, 429), answer.text
    assert answer.is_refusal


def test_a_token_to_read_operates_nothing_and_makes_no_other(server: Attacked) -> None:
    alice = server.user()
    token = alice.post("/tokens", name="reads", scope="read").json()
    reader = server.stranger("127.0.0.69", Authorization=f"Bearer {token['token']}")
    assert reader.get("/whoami").json()["scope"] == "read"
    body = {"nodes": ["node-1"], "kind": "simple", "status": "off", "node": "node-1", "size": 1, "sha256": "ab" * 32}
    for method, path in (
        ("POST", "/reboot"),
        ("POST", "/deployment"),
        ("PUT", "/power"),
        ("GET", "/power?nodes=node-1"),
        ("POST", "/console"),
        ("POST", "/environments"),
        ("POST", "/uploads"),
        ("POST", "/tokens"),
        ("DELETE", "/environments/alice/x"),
        ("POST", "/rights"),
    ):
        assert reader.ask(method, path, body if method != "GET" else None).status == 403, path
    assert reader.ask("DELETE", f"/tokens/{token['id']}").status == 200
    assert reader.get("/whoami").status == 401, "a token that is revoked is none at once"


def test_a_token_of_a_user_is_no_administrators(server: Attacked) -> None:
    token = server.user().post("/tokens", name="operates").json()["token"]
    shown = server.stranger("127.0.0.70", Authorization=f"Bearer {token}", X_Kadeploy_User="admin")
    assert shown.get("/whoami").json()["role"] == "user"
    assert shown.get("/audit").status == 403
    for changed in (token[:-1] + ("a" if token[-1] != "a" else "b"), token[:-1], token + "a", token.upper()):
        assert server.stranger("127.0.0.70", Authorization=f"Bearer {changed}").get("/whoami").status == 401


def test_who_did_what_is_written_down_also_when_it_was_refused(server: Attacked) -> None:
    server.user("mallory", source="127.0.0.71").post("/reboot", kind="simple", nodes=["node-2\nfaked: line"])
    server.user("mallory", source="127.0.0.71").post("/reboot", kind="simple", nodes=["node-2"])
    server.user("mallory", source="127.0.0.71").ask("POST", "/reboot", b"nothing of JSON")
    lines = [json.loads(line) for line in server.audit().splitlines()]
    faked, real, unread = (line for line in lines if line["address"] == "127.0.0.71")
    assert (real["action"], real["address"], real["nodes"]) == ("POST /reboot", "127.0.0.71", "node-2")
    assert "right" in real["result"]
    assert faked["nodes"] == "node-2 faked: line"
    assert {line["user"] for line in (faked, real, unread)} == {"mallory"}


@pytest.mark.parametrize(
    ("newest", "ciphers"), [(ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0"), (ssl.TLSVersion.TLSv1_2, "kRSA:@SECLEVEL=0")]
)
def test_old_tls_and_ciphers_without_forward_secrecy_are_not_spoken(
    server: Attacked, newest: ssl.TLSVersion, ciphers: str
) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, newest
    context.set_ciphers(ciphers)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        replace(server, trust=context).connected()


def test_a_server_that_nobody_vouches_for_is_known_as_such(server: Attacked) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        replace(server, trust=ssl.create_default_context()).connected()
