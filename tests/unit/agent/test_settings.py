from __future__ import annotations

from pathlib import Path

import pytest

from kadeploy.agent.identity import boot_id
from kadeploy.agent.settings import kernel_words, options, read_settings, settings_from
from kadeploy.errors import Faults

LINE = (
    "quiet kadeploy.server=http://10.0.0.1:80 kadeploy.meet=10.0.0.1:25301 kadeploy.node=n-1 kadeploy.token=ab=c ro\n"
)


def test_the_kernel_s_words() -> None:
    words = kernel_words(LINE)
    assert words == {"server": "http://10.0.0.1:80", "meet": "10.0.0.1:25301", "node": "n-1", "token": "ab=c"}
    settings = settings_from(words)
    assert (settings.host, settings.port, settings.node, settings.token) == ("10.0.0.1", 25301, "n-1", "ab=c")
    assert settings.state == Path("/run/kadeploy")
    assert "ab=c" not in repr(settings)


def test_ipv6() -> None:
    assert settings_from({"meet": "[fd00::1]:25301", "node": "n", "token": "t"}).host == "fd00::1"


def test_options_win_and_then_the_environment(tmp_path: Path) -> None:
    cmdline = tmp_path / "cmdline"
    cmdline.write_text(LINE)
    environ = {"KADEPLOY_AGENT": "kadeploy.node=second kadeploy.token=its-own"}
    settings = read_settings(["--node", "other", "--state", str(tmp_path)], environ, cmdline)
    assert (settings.node, settings.host, settings.state) == ("other", "10.0.0.1", tmp_path)
    assert settings.token == "its-own"


def test_wrong_options_are_named() -> None:
    with pytest.raises(Faults) as error:
        options(["--nodes", "x", "--token"])
    assert error.value.faults == ("nodes: is no option", "--token: needs a value")


def test_every_fault_at_once() -> None:
    with pytest.raises(Faults) as error:
        settings_from({"meet": "nowhere"})
    assert [fault.split(":")[0] for fault in error.value.faults] == ["kadeploy.node", "kadeploy.token", "kadeploy.meet"]


def test_an_authority_needs_somewhere_to_be_fetched_from() -> None:
    words = {"meet": "10.0.0.1:25301", "node": "n-1", "token": "t", "ca": "AB" * 32}
    with pytest.raises(Faults, match=r"kadeploy.server: is missing"):
        settings_from(words)
    assert settings_from({**words, "server": "http://10.0.0.1:80"}).ca == "ab" * 32
    assert settings_from({**words, "ca": ""}).ca == ""


def test_a_boot_keeps_its_name(tmp_path: Path) -> None:
    name = boot_id(tmp_path / "run")
    assert boot_id(tmp_path / "run") == name
    assert boot_id(tmp_path / "another boot") != name
