"""What lies on the server's disk and in its log: readable by the server alone, and no secret where none belongs."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.integration.security.attacked import PASSWORD, Attacked

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6u3kqX9G1Yy0mE3pQHn8u1r0bq3c8b9vYc1xUoJ5yW alice@host\n"


@pytest.fixture(scope="module")
def token(server: Attacked) -> str:
    """One that was made and used, and a deployment with a key and a script."""
    alice = server.user()
    made = str(alice.post("/tokens", name="kept").json()["token"])
    shown = server.stranger("127.0.0.80", Authorization=f"Bearer {made}")
    custom = {
        "SetDeploymentEnv": {"mount_deploy_part": {"pre-ops": [{"name": "x", "action": "exec", "command": "id"}]}}
    }
    launched = shown.post(
        "/deployment",
        nodes=["node-2"],
        environment={"kind": "database", "name": "simulated"},
        ssh_authorized_keys_content=KEY,
        custom_operations=custom,
    )
    assert launched.status == 200, launched.text
    return made


def kept(server: Attacked) -> list[Path]:
    return [path for path in server.state.rglob("*") if path.is_file() and "images" not in path.parts]


def test_what_the_server_keeps_is_for_nobody_else(server: Attacked, token: str) -> None:
    for path in [server.state, *server.state.rglob("*")]:
        if "images" not in path.parts:
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, f"{path} is open to others"
    assert stat.S_IMODE((server.folder / "audit.log").stat().st_mode) & 0o007 == 0


def test_neither_passwords_nor_tokens_are_kept(server: Attacked, token: str) -> None:
    secret = token.split("_", 2)[2]
    for path in kept(server):
        content = path.read_bytes()
        assert secret.encode() not in content, path
        assert PASSWORD.encode() not in content, path


def test_neither_passwords_nor_tokens_nor_keys_are_logged(server: Attacked, token: str) -> None:
    for text in (server.log(), server.audit()):
        for secret in (
            token.split("_", 2)[2],
            PASSWORD,
            "PRIVATE KEY",
            KEY.split()[1],
            server.user().headers["Authorization"],
        ):
            assert secret not in text


def test_the_servers_arguments_and_environment_tell_nothing(server: Attacked, token: str) -> None:
    seen = Path(f"/proc/{server.process.pid}/cmdline").read_bytes()
    assert PASSWORD.encode() not in seen
    assert token.encode() not in seen


def test_answers_are_kept_by_nobody_on_the_way(server: Attacked, token: str) -> None:
    for path in ("/tokens", "/whoami", "/nodes", "/version"):
        assert "no-store" in server.user().get(path).headers["cache-control"], path


def test_a_token_is_shown_once(server: Attacked, token: str) -> None:
    listed = server.user().get("/tokens").text
    assert token.split("_")[1] in listed
    assert token.split("_", 2)[2] not in listed
    assert "hash" not in listed
