"""What users set once: variables and their own file, and which of them wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from kadeploy.cli.preferences import FILE, Found, defaults, read_preferences
from kadeploy.errors import BadConfiguration


def written(home: Path, text: str) -> Path:
    path = home / FILE
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_nothing_is_set(tmp_path: Path) -> None:
    assert read_preferences({}, tmp_path) == {}


def test_a_variable_is_stronger_than_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "output: yaml\nverbose_level: 2\nexit_zero: true\nserver: site2\n")
    found = read_preferences({"KADEPLOY_OUTPUT": "json"}, tmp_path)
    assert found["output"] == Found(value="json", origin="KADEPLOY_OUTPUT")
    assert found["verbose_level"] == Found(value="2", origin=str(path))
    assert defaults(found) == {"server": "site2", "exit_zero": True, "level": "2"}


def test_the_servers_variable_is_no_option(tmp_path: Path) -> None:
    """-S is stronger than client.conf and may name one of it; the variable is an address."""
    written(tmp_path, "server: site2\n")
    assert defaults(read_preferences({"KADEPLOY_SERVER": "http://x:1"}, tmp_path)) == {}


def test_an_empty_variable_is_none(tmp_path: Path) -> None:
    written(tmp_path, "output: yaml\n")
    assert read_preferences({"KADEPLOY_OUTPUT": " "}, tmp_path)["output"].value == "yaml"


@pytest.mark.parametrize(("word", "means"), [("yes", True), ("ON", True), ("1", True), ("no", False), ("0", False)])
def test_switches(tmp_path: Path, word: str, means: bool) -> None:
    assert defaults(read_preferences({"KADEPLOY_DEBUG_HTTP": word}, tmp_path)) == {"debug_http": means}


def test_everything_wrong_is_told_at_once_and_where(tmp_path: Path) -> None:
    path = written(tmp_path, "output: xml\nprinter: lp0\npatience: soon\n")
    with pytest.raises(BadConfiguration) as refused:
        read_preferences({"KADEPLOY_COLOR": "pink", "KADEPLOY_EXIT_ZERO": "perhaps"}, tmp_path)
    told = str(refused.value)
    assert f"{path}: printer: is not known here (known: server, output," in told
    assert f"{path}: output: must be table or json or yaml, not 'xml'" in told
    assert f"{path}: patience: must be a number of seconds, not 'soon'" in told
    assert "KADEPLOY_COLOR: must be auto or never, not 'pink'" in told
    assert "KADEPLOY_EXIT_ZERO: must be true or false, not 'perhaps'" in told


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", "\t"])
def test_a_file_that_is_none(tmp_path: Path, text: str) -> None:
    written(tmp_path, text)
    with pytest.raises(BadConfiguration, match=r"config\.yaml: "):
        read_preferences({}, tmp_path)
