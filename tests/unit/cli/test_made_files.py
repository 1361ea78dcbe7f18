"""What is made of the tools' own help: manual pages that man can read, completion that the shells can read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kadeploy.cli.completion import SHELLS, script, script_of
from kadeploy.cli.tool_names import EVERY_TOOL
from kadeploy.errors import InvalidOption

ROOT = Path(__file__).parents[3]
SHARE = ROOT / "share"


def test_they_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "manuals"), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("page", sorted(SHARE.glob("man/man*/*")), ids=lambda page: page.name)
def test_man_reads_a_page_without_a_warning(page: Path) -> None:
    done = subprocess.run(
        ["man", "--warnings", "-l", str(page)],
        capture_output=True,
        text=True,
        check=False,
        cwd=SHARE / "man",
        env={"PATH": "/usr/bin:/bin", "MANWIDTH": "100", "LC_ALL": "C.UTF-8"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert all(word in done.stdout for word in ("NAME", "SYNOPSIS", "OPTIONS", "--help"))


@pytest.mark.parametrize("shell", SHELLS)
def test_every_tool_is_completed(shell: str) -> None:
    assert all(script_of(tool, shell) in script("kadeploy", shell) for tool in EVERY_TOOL)


def test_the_tools_of_kadeploy3_ask_as_ours_do() -> None:
    assert "_KADEPLOY_COMPLETE=bash_complete" in script_of("kadeploy3", "bash")


def test_bash_reads_its_script() -> None:
    text = script("kadeploy", "/usr/bin/bash") + "\ncomplete -p kadeploy kastat3 kadmin\n"
    done = subprocess.run(["bash", "--norc"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[-1] for line in done.stdout.splitlines()] == ["kadeploy", "kastat3", "kadmin"]


def test_another_shell_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidOption, match="--completion tcsh: must be bash, zsh, fish"):
        script("kadeploy", "tcsh")
