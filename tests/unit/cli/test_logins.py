"""What a login leaves behind, and which server the tools then mean."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from kadeploy.cli.fingerprint import for_people, plain
from kadeploy.cli.logins import FILE, Login, Logins, read_logins, write_logins
from kadeploy.cli.servers import choose_server
from kadeploy.errors import BadConfiguration, InvalidOption

URL = "https://kadeploy.example.org:25300"
HERE = Login(user="alice", authority="PEM", token="kdp_x")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_logins(tmp_path, Logins().having("http://old:1", Login(token="kdp_old")).having(URL, HERE))
    return tmp_path


def test_only_its_owner_can_read_it(home: Path) -> None:
    assert stat.S_IMODE((home / FILE).stat().st_mode) == 0o600
    assert os.listdir((home / FILE).parent) == [FILE.name]
    assert read_logins(home).of(URL) == HERE
    assert "kdp_x" not in repr(read_logins(home))


def test_the_latest_is_meant_when_nobody_says_another(home: Path) -> None:
    server = choose_server(None, {}, home)
    assert (server.url, server.token, server.authority) == (URL, "kdp_x", "PEM")
    assert choose_server(None, {"KADEPLOY_SERVER": "http://old:1/"}, home).token == "kdp_old"
    assert choose_server("http://old:1", {"KADEPLOY_SERVER": URL}, home).token == "kdp_old"
    assert choose_server(None, {"KADEPLOY_SERVER": "http://new:1"}, home).token == ""
    assert choose_server(None, {"KADEPLOY_TOKEN": " given "}, home).token == "given"


def test_what_client_conf_says_of_a_server_wins(home: Path) -> None:
    entry = "{name: a, hostname: kadeploy.example.org, ca: /etc/ca.pem}"
    (home / "client.conf").write_text(f"servers: [{entry}]")
    server = choose_server(None, {"KADEPLOY_CONFIG_DIR": str(home)}, home)
    assert (server.url, server.ca, server.authority, server.token) == (URL, "/etc/ca.pem", "", "kdp_x")


def test_logging_out_keeps_the_authority(home: Path) -> None:
    assert read_logins(home).without_token(URL).of(URL) == Login(authority="PEM")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"servers": {"a": {"password": 1}}, "latest": ""}'])
def test_a_damaged_file_is_one_sentence(home: Path, text: str) -> None:
    (home / FILE).write_text(text)
    with pytest.raises(BadConfiguration, match="remove it and run kadeploy login again"):
        choose_server(None, {}, home)


def test_fingerprints_as_people_write_them() -> None:
    bare = "0123456789abcdef" * 4
    for text in (bare, bare.upper(), for_people(bare), f"SHA256:{for_people(bare)}", f" sha-256={bare} "):
        assert plain(text) == bare
    for text in ("", bare[:-1], bare + "0", "g" * 64):
        with pytest.raises(InvalidOption):
            plain(text)
