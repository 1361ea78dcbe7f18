"""`kadeploy login` and `logout` as their user types them, over real TLS, also on a terminal and against impostors."""

from __future__ import annotations

import base64
import json
import os
import pty
import ssl
import subprocess
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.acceptance.cli.secured_server import PASSWORD, Secured, secured_server
from tests.acceptance.cli.tools import DEADLINE, environment, program, run
from tests.integration.security.certificates import SERVER, TestAuthority


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir()
    return path


def env(home: Path, server: Secured | None = None) -> dict[str, str]:
    """Without KADEPLOY_SERVER where no server is given."""
    variables = environment(home, server.url if server else "")
    return variables if server else {key: value for key, value in variables.items() if key != "KADEPLOY_SERVER"}


def kept(home: Path) -> dict[str, dict[str, str]]:
    servers: dict[str, dict[str, str]] = json.loads((home / ".config/kadeploy/logins.json").read_text())["servers"]
    return servers


def typed(arguments: list[str], variables: Mapping[str, str], *answers: tuple[str, str]) -> tuple[int, str]:
    """On a terminal: when the tool has said the one, the other is typed."""
    main, side = pty.openpty()
    process = subprocess.Popen(
        [program("kadeploy"), *arguments], env=dict(variables), stdin=side, stdout=side, stderr=side, close_fds=True
    )
    os.close(side)
    told = ""
    waiting = list(answers)
    try:
        while True:
            try:
                told += os.read(main, 4096).decode()
            except OSError:
                break
            if waiting and waiting[0][0] in told:
                os.write(main, f"{waiting.pop(0)[1]}\n".encode())
        return process.wait(DEADLINE), told
    finally:
        process.kill()
        process.wait()
        os.close(main)


def test_once_and_the_tools_need_no_password(tmp_path: Path, home: Path) -> None:
    with secured_server(tmp_path / "server") as server:
        refused = run("kanodes", env=env(home, server))
        assert refused.exit == 1
        assert "cannot be verified" in refused.stderr
        assert f"kadeploy login -S {server.url}" in refused.stderr
        done = run(
            "kadeploy",
            *("login", "-S", server.url, "--fingerprint", server.fingerprint, "--password", PASSWORD),
            env=env(home),
        )
        assert (done.exit, done.stdout) == (
            0,
            f"logged in to {server.url} as alice, user (kept in {home}/.config/kadeploy/logins.json)\n",
        )
        assert (home / ".config/kadeploy/logins.json").stat().st_mode & 0o777 == 0o600
        token = kept(home)[server.url]["token"]
        assert token.startswith("kdp_")
        assert token not in done.stdout + done.stderr
        # From now on this is the server of whoever says nothing else.
        assert run("kanodes", "--json", env=env(home)).exit == 0
        out = run("kadeploy", "logout", env=env(home))
        assert (out.exit, out.stdout) == (0, f"logged out of {server.url}\n")
        assert kept(home)[server.url]["token"] == ""
        again = run("kanodes", env=env(home))
        assert again.exit == 2
        revoked = run("kanodes", env={**env(home), "KADEPLOY_TOKEN": token})
        assert "is unknown, has expired or was revoked" in revoked.stderr


def test_on_a_terminal_the_fingerprint_is_asked_about_once(tmp_path: Path, home: Path) -> None:
    with secured_server(tmp_path / "server") as server:
        code, told = typed(
            ["login", "-S", server.url], env(home), ("Is it the same", "y"), ("Password of alice", PASSWORD)
        )
        assert code == 0, told
        assert ":".join(server.fingerprint[i : i + 2] for i in range(0, 64, 2)).upper() in told
        assert PASSWORD not in told
        code, told = typed(["login"], env(home), ("Password of alice", PASSWORD))
        assert code == 0, told
        assert "fingerprint" not in told


def test_who_says_no_changes_nothing(tmp_path: Path, home: Path) -> None:
    with secured_server(tmp_path / "server") as server:
        code, told = typed(["login", "-S", server.url], env(home), ("Is it the same", "n"))
        assert code == 1
        assert "is not trusted" in told
        assert not (home / ".config").exists()


def test_nobody_to_ask_means_no(tmp_path: Path, home: Path) -> None:
    with secured_server(tmp_path / "server") as server:
        done = run("kadeploy", "login", "-S", server.url, "--password", PASSWORD, env=env(home))
        assert done.exit == 1
        assert "say it with --fingerprint" in done.stderr
        assert not (home / ".config").exists()


def test_an_impostor_gets_neither_password_nor_token(tmp_path: Path, home: Path) -> None:
    """The same address, another authority: what happens when somebody stands between."""
    with secured_server(tmp_path / "real") as real:
        login = ("login", "-S", real.url, "--fingerprint", real.fingerprint, "--password", PASSWORD)
        assert run("kadeploy", *login, env=env(home)).exit == 0
        path = home / ".config/kadeploy/logins.json"
        with secured_server(tmp_path / "impostor") as impostor:
            path.write_text(path.read_text().replace(real.url, impostor.url))
            refused = run("kanodes", env=env(home))
            assert refused.exit == 1
            assert "cannot be verified" in refused.stderr
            wrong = run(
                "kadeploy",
                *("login", "-S", impostor.url, "--fingerprint", real.fingerprint, "--password", PASSWORD),
                env=env(home),
            )
            assert wrong.exit == 1
            assert "and not the one expected" in wrong.stderr


def test_a_token_for_reading_and_one_that_is_brought_along(tmp_path: Path, home: Path) -> None:
    with secured_server(tmp_path / "server") as server:
        options = ("-S", server.url, "--fingerprint", server.fingerprint)
        done = run(
            "kadeploy",
            *("login", *options, "--password", PASSWORD, "--scope", "read", "--days", "2", "--json"),
            env=env(home),
        )
        assert done.exit == 0, done.stderr
        assert json.loads(done.stdout)["scope"] == "read"
        refused = run("kapower", "--on", "-m", "node-1", env=env(home))
        assert refused.exit == 2
        assert "is for scope read only" in refused.stderr
        token = kept(home)[server.url]["token"]
        other = tmp_path / "other"
        other.mkdir()
        assert run("kadeploy", "login", *options, "--token", token, env=env(other)).exit == 0
        assert kept(other)[server.url]["token"] == token
        assert run("kanodes", env=env(other)).exit == 0
        wrong = run("kadeploy", "login", *options, "--token", "kdp_wrong", env=env(other))
        assert wrong.exit == 2
        assert kept(other)[server.url]["token"] == token


def test_who_logs_in_again_leaves_no_token_behind(tmp_path: Path, home: Path) -> None:
    with secured_server(tmp_path / "server") as server:
        login = ("login", "-S", server.url, "--fingerprint", server.fingerprint, "--password", PASSWORD)
        assert run("kadeploy", *login, env=env(home)).exit == 0
        former = kept(home)[server.url]["token"]
        again = run("kadeploy", *login, "--scope", "read", env=env(home))
        assert again.exit == 0
        assert f"token {former.split('_')[1]}, which was kept before, is revoked" in again.stderr
        assert run("kanodes", env=env(home)).exit == 0
        revoked = run("kanodes", env={**env(home), "KADEPLOY_TOKEN": former})
        assert "is unknown, has expired or was revoked" in revoked.stderr
        path = home / ".config/kadeploy/logins.json"
        path.write_text(path.read_text().replace(kept(home)[server.url]["token"], former))
        of_one_that_ended = run("kadeploy", *login, env=env(home))
        assert of_one_that_ended.exit == 0
        assert "kept before" not in of_one_that_ended.stderr


def test_a_token_that_was_not_made_by_logging_in_stays_valid(tmp_path: Path, home: Path) -> None:
    with secured_server(tmp_path / "server") as server:
        options = ("-S", server.url, "--fingerprint", server.fingerprint)
        context = ssl.create_default_context(cadata=server.authority)
        basic = base64.b64encode(f"alice:{PASSWORD}".encode()).decode()
        asked = urllib.request.Request(
            f"{server.url}/tokens", method="POST", headers={"Authorization": f"Basic {basic}"}
        )
        with urllib.request.urlopen(asked, context=context) as answer:
            given = str(json.load(answer)["token"])
        assert run("kadeploy", "login", *options, "--token", given, env=env(home)).exit == 0
        assert run("kadeploy", "login", *options, "--token", given, env=env(home)).exit == 0
        assert run("kadeploy", "login", *options, "--password", PASSWORD, env=env(home)).exit == 0
        assert run("kanodes", env={**env(home), "KADEPLOY_TOKEN": given}).exit == 0


def test_without_a_terminal_it_is_said_how_to_log_in(tmp_path: Path, home: Path) -> None:
    with secured_server(tmp_path / "server") as server:
        done = run("kadeploy", "login", "-S", server.url, "--fingerprint", server.fingerprint, env=env(home))
    assert done.exit == 2
    assert (
        done.stderr == f"kadeploy login: {server.url} does not know who you are (say it with --password or --token)\n"
    )


def test_requests_of_logging_in_and_out_are_shown_without_secrets(tmp_path: Path, home: Path) -> None:
    with secured_server(tmp_path / "server") as server:
        login = ("login", "-S", server.url, "--fingerprint", server.fingerprint, "--password", PASSWORD, "--debug-http")
        done = run("kadeploy", *login, env=env(home))
        token = kept(home)[server.url]["token"]
        out = run("kadeploy", "logout", "--debug-http", env=env(home))
    assert f"> POST {server.url}/tokens\n" in done.stdout
    assert "> authorization: Basic [hidden]\n" in done.stdout
    assert f"> DELETE {server.url}/tokens/{token.split('_')[1]}\n" in out.stdout
    for secret in (PASSWORD, token, base64.b64encode(f"alice:{PASSWORD}".encode()).decode()):
        assert secret not in done.stdout + done.stderr + out.stdout + out.stderr


def test_faults_are_told_at_once(home: Path) -> None:
    done = run(
        "kadeploy",
        *("login", "--fingerprint", "abc", "--scope", "all", "--days", "x", "--token", "a", "--password", "b"),
        env=env(home),
    )
    assert done.exit == 1
    assert len(done.stderr.splitlines()) == 4, done.stderr


def test_a_wrong_password_says_no_more_than_that(tmp_path: Path, home: Path) -> None:
    with secured_server(tmp_path / "server") as server:
        said = set()
        for user in ("alice", "nobody"):
            options = ("-S", server.url, "--fingerprint", server.fingerprint, "--password", "guess")
            done = run("kadeploy", "login", *options, env={**env(home), "USER": user})
            assert done.exit == 2
            said.add(done.stderr)
        assert said == {"kadeploy login: Unauthorized -- user and password do not match\n"}


def test_a_certificate_of_the_sites_own_authority(tmp_path: Path, home: Path) -> None:
    site = TestAuthority("Site")
    pair = site.issue("kadeploy", usage=SERVER, address="127.0.0.1")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(pair.cert_pem + site.pair.cert_pem)
    key.write_bytes(pair.pem)
    with secured_server(tmp_path / "server", given=(chain, key)) as server:
        options = ("-S", server.url, "--fingerprint", server.fingerprint, "--password", PASSWORD)
        assert run("kadeploy", "login", *options, env=env(home)).exit == 0
        assert run("kanodes", env=env(home)).exit == 0


def test_without_tls_it_is_said_that_the_token_can_be_read(tmp_path: Path, home: Path) -> None:
    with secured_server(tmp_path / "server", secure=False) as server:
        done = run("kadeploy", "login", "-S", server.url, "--password", PASSWORD, env=env(home))
        assert done.exit == 0
        assert "does not speak TLS" in done.stderr


@pytest.mark.parametrize("secure", [True, False])
def test_an_address_with_the_wrong_scheme_is_told_the_other_one(tmp_path: Path, home: Path, secure: bool) -> None:
    with secured_server(tmp_path / "server", secure=secure) as server:
        scheme, _, rest = server.url.partition("://")
        other = {"http": "https", "https": "http"}[scheme]
        done = run("kanodes", env=environment(home, f"{other}://{rest}"))
    assert done.exit == 1
    assert f"(it may be {server.url}: " in done.stderr
    assert "_ssl.c" not in done.stderr
