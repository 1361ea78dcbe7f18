"""Combinations of options that mean nothing: none is passed over, each is refused in one sentence before anything is
asked of a server."""

from __future__ import annotations

import shlex
from importlib import import_module
from pathlib import Path

import pytest

from kadeploy.cli.company import of_servers
from kadeploy.cli.given import Given
from kadeploy.cli.tool import run
from kadeploy.cli.tool_names import MODULES
from kadeploy.errors import Faults

WID = "D-00000000-0000-4000-8000-000000000001"
REFUSED = {
    # what exists already is not launched
    f"kadeploy --attach {WID} -e debian": ["-e does not go with --attach"],
    f"kadeploy --attach {WID} -m n1": ["-m does not go with --attach"],
    f"kadeploy --attach {WID} -f x -k": ["-f does not go with --attach", "-k does not go with --attach"],
    f"kadeploy --attach {WID} --no-wait": ["--no-wait does not go with --attach"],
    f"kadeploy --attach {WID} --on-interrupt abort": ["--on-interrupt does not go with --attach"],
    f"kadeploy --attach {WID} --dry-run": ["--dry-run does not go with --attach"],
    f"kadeploy --attach {WID} --write-workflow-id x": ["--write-workflow-id does not go with --attach"],
    f"kadeploy --resume {WID} --breakpoint Kexec": ["--breakpoint does not go with --resume"],
    f"kadeploy --resume {WID} --force": ["--force does not go with --resume"],
    f"kadeploy --cancel {WID} --dry-run": ["--dry-run does not go with --cancel"],
    f"kadeploy --cancel {WID} -o ok -n ko": ["-o does not go with --cancel", "-n does not go with --cancel"],
    f"kadeploy --cancel {WID} --no-wait": ["--no-wait does not go with --cancel"],
    f"kadeploy --cancel {WID} --attach {WID}": ["--attach, --cancel exclude each other"],
    # what goes with something else only
    "kadeploy -m n1 -a x.yaml -e d -u bob": ["-e and -a exclude each other", "-u goes with -e, not with -a"],
    "kadeploy -m n1 -e d --set-pxe-pattern x": ["--set-pxe-pattern goes with -w"],
    "kadeploy -m n1 -e d -x x": ["-x goes with -w, which names the files"],
    "kadeploy -m n1 -e d --no-wait -o x": ["-o and -n need --wait"],
    "kadeploy -m n1 -e d -S a -M": ["-S and -M exclude each other: one server, or every one"],
    "kareboot -m n1 -p 3": ["-p goes with -r recorded_env only"],
    "kareboot -m n1 -b /dev/sda": ["-b goes with -r recorded_env only"],
    "kareboot -m n1 -e d": ["-e goes with -r recorded_env only"],
    "kareboot -m n1 -u bob --env-version 1": ["-u goes with -e", "--env-version goes with -e"],
    "kareboot -m n1 -k": ["-k goes with -r deploy_env only"],
    "kapower -m n1 --status -l hard": ["-l does not go with --status"],
    "kapower -m n1 --on --off": ["--on and --off exclude each other"],
    "kaconsole -m n1 --watch --take": ["--watch and --take exclude each other"],
    "kaenv -a x.yaml -s": ["-s goes with -l, -p, -d, --set-visibility-tag, --toggle-destructive-tag, "],
    "kaenv --schema -u bob": ["-u goes with -l, -p, -d, "],
    "kaenv --move-files -m a::b -u bob": ["-u goes with "],
    "kaenv --export x --env-version 1": ["--env-version does not go with --export"],
    "kaenv -l --json -o yaml": ["--json and -o yaml exclude each other"],
    "kaenv -d x -t public": ["-t goes with --set-visibility-tag"],
    "kanodes --finished": ["--finished does not go with -s"],
    f"kanodes -w {WID} --finished": ["--finished does not go with -w"],
    f"kanodes -w {WID} -m n1": ["-m and -f go with -s, not with -w"],
    "kanodes -d -m n1": ["-m and -f go with -s, not with -d"],
    "kanodes --json --yaml": ["--json and --yaml exclude each other"],
    "karights -l -p /dev/sda3": ["-p goes with -a and -d, not with -l"],
    "karights -l --for 4h": ["--for goes with -a"],
    "karights -l --json -o yaml": ["--json and -o yaml exclude each other"],
    "karights -d -u a -m n1 -o": ["-o goes with -a; with -l it is followed by json, yaml or table"],
    "kadeploy -m n1 -e '' -S '' --vlan ''": ["-e is empty", "-S is empty", "--vlan is empty"],
    "kareboot -m n1 -w ''": ["-w is empty"],
    "kaenv -p ''": ["-p is empty"],
    "kaenv -d '' -u ''": ["-d is empty", "-u is empty"],
    "karights -a -u '' -m n1": ["-u is empty"],
    "kanodes -w ''": ["-w is empty"],
    "kastat -a -s 1": ["-s goes with -r N"],
    "kastat -b -F hostname": ["-F goes with rows (-a)"],
    "kastat --health --by step": ["--by goes with -b"],
    "kastat -o deploy -o reboot": ["-o deploy and -o reboot exclude each other"],
    "kastat -o csv -o yaml": ["csv and yaml exclude each other: they are forms of the answer"],
    "kastat --json -o csv": ["json and csv exclude each other: they are forms of the answer"],
}


@pytest.mark.parametrize("line", REFUSED)
def test_what_means_nothing_together_is_refused(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KADEPLOY_SERVER", "http://127.0.0.1:1")
    monkeypatch.chdir(tmp_path)
    tool, *words = shlex.split(line)
    with pytest.raises(SystemExit) as left:
        run(import_module(MODULES[tool]).command, words)
    told = capsys.readouterr()
    assert (left.value.code, told.out == "") == (1, "--json" not in words)
    for fault in REFUSED[line]:
        assert f"{tool}: {fault}" in told.err
    assert "127.0.0.1" not in told.err


def test_what_the_user_has_set_gives_way_to_the_command_line() -> None:
    preferred = Given({"server": "one", "multi_server": True}, said=frozenset({"server"}))
    assert not of_servers(preferred).flag("multi_server")
    said = Given({"server": "one", "multi_server": True}, said=frozenset({"server", "multi_server"}))
    with pytest.raises(Faults, match="exclude each other"):
        of_servers(said).check()
    usual = Given({"server": "one", "multi_server": True}, said=frozenset({"multi_server"}))
    assert of_servers(usual).flag("multi_server")
