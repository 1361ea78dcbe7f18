"""Completion in the shells themselves, as they are installed: what the tab key brings of a server's names."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.acceptance.cli.test_simulation import simulation
from tests.acceptance.cli.tools import environment

SHARE = Path(__file__).parents[3] / "share"
LONGEST = 30  # seconds
TEN = [f"node-{number}" for number in range(1, 11)]

# What zsh would offer, instead of a picture of it; then the line as the key has left it.
CAPTURE = """
fpath=({functions} $fpath); autoload -U compinit; compinit -u -d $HOME/dump
compadd() {{
    local -a hits
    builtin compadd -A hits "$@"
    print -rl -- $hits >> $HOME/hits
    builtin compadd "$@"
}}
finished() {{ print -r -- "$BUFFER" > $HOME/line; exit }}
zle -N finished; bindkey '^X' finished; unsetopt beep; PS1='RE''ADY'
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with simulation(tmp_path_factory.mktemp("shells")) as environ:
        yield environ["KADEPLOY_SERVER"]


def shell_environment(home: Path, url: str) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {**environment(home, url), "PATH": path, "TERM": "dumb", "XDG_DATA_DIRS": f"{SHARE}:/usr/share"}


def bash(line: str, home: Path, url: str) -> list[str]:
    tool, *words = line.split(" ")
    function = f"_{tool}_completion"
    script = (
        f'source {SHARE}/bash-completion/completions/{tool}; COMP_WORDS=({line}); [ -n "{words[-1]}" ] || '
        f"COMP_WORDS+=(''); COMP_CWORD={len(words)}; {function} {tool}; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    argv = ["bash", "--norc", "-c", script]
    return [said for said in _said(argv, home, url) if said]


def fish(line: str, home: Path, url: str) -> list[str]:
    return [said.partition("\t")[0] for said in _said(["fish", "-c", f"complete -C '{line}'"], home, url)]


def zsh(line: str, home: Path, url: str) -> list[str]:
    """On a terminal of its own, with the key pressed."""
    settings = home / "settings"
    settings.write_text(CAPTURE.format(functions=SHARE / "zsh" / "site-functions"))
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(home)
        os.execvpe("zsh", ["zsh", "-f", "-i"], shell_environment(home, url))
    try:
        os.write(terminal, f" source {settings}\n".encode())
        _read_until(terminal, b"READY")
        os.write(terminal, f"{line}\t\x18".encode())
        _read_until(terminal, None)
    finally:
        os.close(terminal)
        os.waitpid(process, 0)
    hits = home / "hits"
    return hits.read_text().split() if hits.exists() else []


def _said(argv: list[str], home: Path, url: str) -> list[str]:
    done = subprocess.run(
        argv, env=shell_environment(home, url), capture_output=True, text=True, timeout=LONGEST, check=False, cwd=home
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def _read_until(terminal: int, words: bytes | None) -> None:
    """None: until the shell has ended."""
    heard = b""
    while words is None or words not in heard:
        assert select.select([terminal], [], [], LONGEST)[0], heard
        try:
            said = os.read(terminal, 65536)
        except OSError:  # Linux's way to say that nobody has it open any more
            said = b""
        if not said:
            assert words is None, heard
            return
        heard += said


@pytest.mark.parametrize("shell", [bash, zsh, fish])
@pytest.mark.parametrize(
    ("line", "candidates"),
    [
        ("kadeploy -m node-1", ["node-1", *(f"node-1{number}" for number in range(10))]),
        ("kadeploy3 -m node-60", ["node-60"]),
        ("kadeploy -m node-2,node-59", ["node-2,node-59"]),
        ("kadeploy -e sim", ["simulated"]),
        ("kaenv -p ", ["simulated"]),
        ("kadeploy -e simulated -u ro", ["root"]),
        ("kareboot -r re", ["recorded_env"]),
        ("kareboot --kexe", []),
        ("kadeploy --reboot-cl", ["--reboot-classical-timeout"]),
        ("kanodes -m node-33", ["node-33"]),
        ("kaconsole -m node-44", ["node-44"]),
        ("kadmin tok", ["token"]),
    ],
)
def test_a_tab_brings_names(
    shell: Callable[[str, Path, str], list[str]], line: str, candidates: list[str], tmp_path: Path, server: str
) -> None:
    assert sorted(set(shell(line, tmp_path, server))) == sorted(candidates)


@pytest.mark.parametrize("shell", [zsh, fish])  # bash's own completion of files is its line editor's
def test_files_are_completed_by_the_shell(
    shell: Callable[[str, Path, str], list[str]], tmp_path: Path, server: str
) -> None:
    (tmp_path / "description.yaml").touch()
    assert "description.yaml" in " ".join(shell("kadeploy -a descr", tmp_path, server))


def test_zsh_writes_the_only_candidate_into_the_line(tmp_path: Path, server: str) -> None:
    zsh("kadeploy -e sim", tmp_path, server)
    assert (tmp_path / "line").read_text() == "kadeploy -e simulated \n"
