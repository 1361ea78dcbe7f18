"""Every option of every tool, given to the installed tool, against one simulated server that all tests share."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.acceptance.cli.test_simulation import simulation
from tests.acceptance.cli.tools import Run, run

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDq2n0i5sZ0a6yQx3m3kz8m0c2y0K4b2kzv7cW1tq5vA alice@client\n"
WID = r"[DRP]-[0-9a-f-]{36}"
pytestmark = pytest.mark.timeout(120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A user's machine, and the server."""

    home: Path
    environ: dict[str, str]

    def run(self, tool: str, *arguments: str, stdin: str = "", **more: str) -> Run:
        return run(tool, *arguments, env={**self.environ, **more}, stdin=stdin, cwd=self.home)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("options")
    rights = {"kind": "dummy", "almighty_users": ["root"]}
    network = {"vlan": {"set_cmd": "/nonexistent/kavlan -i VLAN_ID NODES"}}
    with simulation(home, "--simulate-speed", "300", rights=rights, network=network) as environ:
        (home / "key.pub").write_text(KEY)
        (home / "nodes").write_text("# two\nnode-1\n\nnode-2\n")
        (home / "profile").write_text("#!ipxe\necho NODE_SINGULARITY\nexit\n")
        (home / "kernel").write_text("a kernel")
        (home / "files").write_text("#!ipxe\nkernel FILES_PREFIX--kernel\nboot\n")
        (home / "pattern").write_text("node-1,one\n")
        (home / "steps.yaml").write_text(
            yaml.safe_dump(
                {
                    "SetDeploymentEnvUntrusted": {
                        "format_tmp_part": {"post-ops": [{"name": "hello", "action": "exec", "command": "true"}]}
                    }
                }
            )
        )
        script = home / "script"
        script.write_text("#!/bin/sh\necho the script ran\n")
        script.chmod(0o755)
        alone = {
            key: value for key, value in environ.items() if not key.startswith("KADEPLOY_") or key.endswith("SERVER")
        }
        yield Place(home=home, environ={**alone, "USER": "root", "PATH": environ["PATH"]})


OPERATIONS = [
    ("kadeploy -m node-1 -e simulated -k key.pub -V 1", 0, r"node-1"),
    ("kadeploy -m node-[1-2] -m node-4 -e simulated -u root --env-version 1 -V 2", 0, r"OK: 3"),
    ("kadeploy -f nodes -e simulated -o ok -n ko --write-workflow-id wid", 0, r"OK: 2"),
    ("kadeploy -m node-1 -e simulated -s ./script", 0, r"the script ran\nSuccess !"),
    ("kadeploy -m node-1 -e simulated -d -V 5", 0, r"done: 1 of 1 node OK"),
    (
        "kadeploy -m node-1 -e simulated --no-debug-mode --no-force --wait --no-hook --no-secure --no-dry-run",
        0,
        r"OK: 1",
    ),
    ("kadeploy -m node-1 -e simulated --force --hook --secure --patience 5", 0, r"OK: 1"),
    ("kadeploy -m node-1 -e simulated --exit-zero --on-interrupt leave", 0, r"OK: 1"),
    ("kadeploy -m node-1 -e simulated --no-wait", 0, rf"^{WID} /deployment/{WID}/\n$"),
    ("kadeploy -m node-5 -e simulated -p 2 --disable-disk-partitioning --disable-bootloader-install", 0, r"OK: 1"),
    ("kadeploy -m node-6 -e simulated --no-kexec --reboot-classical-timeout 300+2*n --dry-run", 0, r"BootNewEnv"),
    ("kadeploy -m node-6 -e simulated --reboot-kexec-timeout 60 -r ext4 --dry-run", 0, r"BootNewEnv"),
    ("kadeploy -m node-6 -e simulated -b /dev/sdz --dry-run", 13, r""),
    ("kadeploy -m node-6 -e simulated --force-steps BootNewEnv|Classical:1:300 --dry-run", 0, r"Classical"),
    ("kadeploy -m node-6 -e simulated -w profile --set-pxe-pattern pattern --dry-run", 0, r"BootNewEnv"),
    ("kadeploy -m node-6 -e simulated -w files -x kernel", 0, r"OK: 1"),
    ("kadeploy -m node-6 -e simulated -w files", 4, r""),
    ("kareboot -m node-6 -r set_pxe -w files -x ./kernel", 0, r"OK: 1"),
    ("kadeploy -m node-6 -e simulated --custom-steps steps.yaml --variable A=b --dry-run", 0, r"hello"),
    ("kadeploy -m node-6 -e simulated --vlan 3", 0, r"OK: 1"),
    ("kareboot -m node-6 --vlan 3", 0, r"RebootSimple +set_vlan +1 +1 +0"),
    ("kadeploy -m node-6 -e simulated --vlan a;b", 9, r""),
    ("kadeploy -m node-6 -e nothing", 1, r""),
    ("kadeploy -m node-777 -e simulated", 2, r""),
    ("kadeploy -m node-6 -e simulated --breakpoint BootNewEnv", 41, r"is held"),
    ("kareboot -m node-1", 0, r"OK: 1"),
    ("kareboot -m node-1 -r simple -l soft --reboot-classical-timeout 400", 0, r"OK: 1"),
    ("kareboot -m node-1 -r deploy_env -k key.pub --json", 0, r'"state": "done"'),
    ("kareboot -m node-1 -r set_pxe -w profile --set-pxe-pattern pattern", 0, r"OK: 1"),
    ("kareboot -m node-1 -r recorded_env -e simulated -u root --env-version 1 -p 2 -b /dev/vda", 0, r"OK: 1"),
    ("kareboot -m node-1 -r recorded_env -e simulated -b /dev/sdz", 13, r""),
    ("kareboot -m node-1 -r recorded_env -e simulated -p 2 --check-destructive-tag", 0, r"OK: 1"),
    ("kareboot3 -f nodes --no-wait", 0, rf"^{WID} /reboot/{WID}/\n$"),
    ("kareboot -m node-3 --custom-steps steps.yaml", 8, r""),
    ("kapower -m node-11 --off", 0, r"OK: 1"),
    ("kapower -m node-11 --on -l hard", 0, r"OK: 1"),
    ("kapower3 -m node-11 --status", 0, r"node-11 +on"),
    ("kapower -m node-11 --on --custom-steps steps.yaml", 8, r""),
    ("kapower -m node-11 --on --off", 1, r""),
]


@pytest.mark.parametrize(("line", "code", "told"), OPERATIONS, ids=[line for line, _, _ in OPERATIONS])
def test_operations(place: Place, line: str, code: int, told: str) -> None:
    tool, *arguments = line.split()
    done = place.run(tool, *arguments, "--force") if "--no-force" not in line else place.run(tool, *arguments)
    assert done.exit == code, done
    assert re.search(told, done.stdout, re.MULTILINE), done
    assert "raceback" not in done.stderr
    assert bool(done.stderr) == (code not in (0, 41) or "--json" in line or "-x" in line), done.stderr


def test_the_files_that_are_left(place: Place) -> None:
    done = place.run(
        "kadeploy3",
        "-f",
        "-",
        "-e",
        "simulated",
        "-o",
        "o",
        "-n",
        "n",
        "--write-workflow-id",
        "w",
        stdin="node-[8-9]\n",
    )
    assert done.exit == 0
    left = [(place.home / name).read_text() for name in ("o", "n", "w")]
    assert left[:2] == ["node-8\nnode-9\n", ""]
    assert re.fullmatch(WID, left[2])


SHOWN = [
    ("kanodes", r"^node +state"),
    ("kanodes -s -m node-[1-2,4] -m node-[10-14/2]", r"node-14"),
    ("kanodes -f nodes -o yaml", r"^---\nnode-1:"),
    ("kanodes --json -m node-1", r'^\{\n +"node-1"'),
    ("kanodes -d --finished", r"done"),
    ("kanodes -r --finished", r"R-"),
    ("kanodes -p --finished", r"P-"),
    ("kanodes -c", r"no console"),
    ("kanodes -a --finished --yaml", r"^- wid:|^---"),
    ("kaenv -l", r"^name +version"),
    ("kaenv3 -l sim% -u root -s -o json", r'"name": "simulated"'),
    ("kaenv -p simulated --env-version 1", r"^name: simulated"),
    ("kastat -a --limit 3", r","),
    ("kastat3 -b 0.0 -m node-1", r"^node-1: "),
    ("kastat -F hostname,success -o deploy --sort -hostname -x 2020-01-01 -y 2100-01-01 -r 0 -s 1,2", r""),
    ("karights -l", r"no right|^user"),
    ("karights3 -l -o json", r"^\["),
    ("kaconsole -m node-1 --dry-run", r"^would be attended: the console of node-1$"),
    ("karights -a -u zoe -m node-[1-2] --for 2h --dry-run", r"^would be given:\n.*\nzoe +node-\[1-2\] +\* "),
    ("kaconsole3 -m node-1 --dry-run --json", r"\{"),
]


@pytest.fixture(scope="module")
def past(place: Place) -> Place:
    """Where an operation of each kind has ended."""
    for argv in (("kapower", "--status"), ("kareboot", "--force"), ("kadeploy", "-e", "simulated", "--force")):
        assert place.run(*argv, "-m", "node-1").exit == 0
    return place


@pytest.mark.parametrize(("line", "told"), SHOWN, ids=[line for line, _ in SHOWN])
def test_what_is_shown(past: Place, line: str, told: str) -> None:
    tool, *arguments = line.split()
    done = past.run(tool, *arguments)
    assert (done.exit, done.stderr) == (0, ""), done
    assert re.search(told, done.stdout, re.MULTILINE), done


TOOLS = ("kadeploy", "kareboot", "kapower", "kanodes", "kaenv", "karights", "kaconsole", "kastat")


@pytest.mark.parametrize("tool", TOOLS)
def test_what_every_tool_says_of_itself(place: Place, tool: str) -> None:
    assert re.fullmatch(rf"{tool} \S+\nserver \S+ at http://127\.0\.0\.1:\d+\n", place.run(tool, "-v").stdout)
    assert "supported_fs:" in place.run(f"{tool}3", "-I").stdout
    assert f"complete -o nosort -F _{tool}3_completion {tool}3" in place.run(tool, "--completion", "bash").stdout
    config = json.loads(place.run(tool, "--show-config", "--json", KADEPLOY_OUTPUT="yaml").stdout)
    assert config["settings"]["output"] == {"value": "yaml", "origin": "KADEPLOY_OUTPUT"}
    helped = place.run(tool, "-h")
    assert (helped.exit, helped.stderr) == (0, "")
    assert "--multi-server" in helped.stdout


def test_http_is_shown_without_secrets(place: Place) -> None:
    shown = place.run("kanodes", "-m", "node-1", "-H", "--password", "hunter2")
    assert shown.exit == 0
    assert "> GET http://127.0.0.1" in shown.stdout
    assert "> authorization: Basic [hidden]" in shown.stdout
    assert "hunter2" not in shown.stdout + shown.stderr
    assert "aHVudGVy" not in shown.stdout
    quiet = place.run("kanodes", "-m", "node-1", "-H", "--no-debug-http")
    assert "> GET" not in quiet.stdout
    token = place.run("kanodes", "-m", "node-1", "-H", KADEPLOY_TOKEN="kdp_" + "0" * 12 + "_" + "x" * 43)
    assert "> authorization: Bearer [hidden]" in token.stdout
    assert "xxxx" not in token.stdout


def test_no_colour_where_nobody_looks(place: Place) -> None:
    told = place.run("kadeploy", "-m", "node-15", "-e", "simulated", "-V", "5", TERM="xterm-256color")
    assert "\x1b" not in told.stdout + told.stderr
