"""Which server the tools choose, and what they say of a faulty client.conf."""

from __future__ import annotations

from pathlib import Path

import pytest

from kadeploy.cli.servers import choose_server
from kadeploy.errors import BadConfiguration, InvalidOption, KadeployError

CONFIGURATION = """\
default: site1
servers:
  - {name: site1, hostname: kadeploy.site1.example.org, port: 25300, secure: true, ca: /etc/ca.pem}
  - {name: site2, hostname: kadeploy.site2.example.org, secure: false, auth_headers_prefix: X-Kadeploy-}
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "client.conf").write_text(CONFIGURATION)
    return tmp_path


def test_the_variable_is_stronger_than_the_file(directory: Path) -> None:
    environ = {"KADEPLOY_SERVER": "http://here:1234/", "KADEPLOY_CONFIG_DIR": str(directory)}
    assert choose_server(None, environ, directory).url == "http://here:1234"


@pytest.mark.parametrize("variable", ["KADEPLOY_CONFIG_DIR", "KADEPLOY3_CONFIG_DIR"])
def test_the_file_names_the_default(directory: Path, variable: str) -> None:
    server = choose_server(None, {variable: str(directory)}, directory)
    assert (server.url, server.ca) == ("https://kadeploy.site1.example.org:25300", "/etc/ca.pem")


def test_an_option_chooses_another_even_beside_the_variable(directory: Path) -> None:
    environ = {"KADEPLOY_SERVER": "http://here:1", "KADEPLOY_CONFIG_DIR": str(directory)}
    server = choose_server("site2", environ, directory)
    assert (server.url, server.prefix) == ("http://kadeploy.site2.example.org:25300", "X-Kadeploy-")


def test_a_users_own_file_is_found(tmp_path: Path) -> None:
    own = tmp_path / ".config" / "kadeploy"
    own.mkdir(parents=True)
    (own / "client.conf").write_text(CONFIGURATION)
    assert choose_server(None, {}, tmp_path).name == "site1"


def test_an_unknown_name_lists_the_known_ones(directory: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"-S site9: no server has this name \(known: site1, site2\)"):
        choose_server("site9", {"KADEPLOY_CONFIG_DIR": str(directory)}, directory)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("servers: [", "cannot be read"),
        ("a text", "servers: must be a list of servers"),
        ("servers: []", "servers: must be a list of servers"),
        ("servers: [text]", r"servers\[0\]: must be a mapping"),
        (
            "servers: [{name: a, port: x}]",
            r"servers\[0\].hostname: must be a text.*servers\[0\].port: must be a number",
        ),
        ("servers: [{name: a, hostname: h, secure: maybe}]", r"servers\[0\].secure: must be true or false"),
        ("default: b\nservers: [{name: a, hostname: h}]", "default: b: no server has this name"),
    ],
)
def test_a_faulty_file_is_one_sentence_with_its_place(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "client.conf").write_text(text)
    with pytest.raises(BadConfiguration, match=fault) as raised:
        choose_server(None, {"KADEPLOY_CONFIG_DIR": str(tmp_path)}, tmp_path)
    assert str(tmp_path) in str(raised.value)


@pytest.mark.parametrize(
    ("name", "environ", "kind"),
    [
        (None, {"KADEPLOY_SERVER": "here:25300"}, BadConfiguration),
        (None, {"KADEPLOY_SERVER": "ftp://here"}, BadConfiguration),
        (None, {"KADEPLOY_CONFIG_DIR": "/nowhere"}, BadConfiguration),
        ("site1", {"KADEPLOY_CONFIG_DIR": "/nowhere"}, InvalidOption),
    ],
)
def test_mistakes(name: str | None, environ: dict[str, str], kind: type[KadeployError], tmp_path: Path) -> None:
    with pytest.raises(kind):
        choose_server(name, environ, tmp_path)
