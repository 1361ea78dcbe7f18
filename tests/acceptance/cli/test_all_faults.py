"""Everything wrong with a launch is told at once: what the tool sees, and what only the server knows."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.acceptance.cli.environment_site import Site
from tests.acceptance.cli.test_simulation import simulation
from tests.acceptance.cli.tools import Run, run

pytestmark = pytest.mark.timeout(120)
TIMEOUT = "--reboot-classical-timeout: the timeout 'x(' is not valid"
NOBODY = "there is no node node-99 here"
NO_RANGE = "-m 'node-[': 'node-[' is not a node range"
NOTHING = "there is no environment nothing"
NO_VLAN = "vlan: this server moves no nodes between VLANs"
NO_PARTITION = "no cluster here has a partition 9"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("faults")
    images = directory / "images"
    images.mkdir()
    (images / "d.tgz").write_bytes(gzip.compress(b"a system", mtime=0))
    with simulation(directory, files={"roots": [str(images)]}) as environ:
        yield Site(environ, images)


def tell(site: Site, line: str, cwd: Path, **more: str) -> Run:
    tool, *words = line.split()
    return run(tool, *words, env={**site.environ, **more}, cwd=cwd)


@pytest.mark.parametrize(
    ("line", "code", "faults"),
    [
        (
            "kadeploy -m node-99 -e nothing -p 9 --vlan x --reboot-classical-timeout x(",
            1,
            [TIMEOUT, NOBODY, NOTHING, NO_VLAN, NO_PARTITION],
        ),
        ("kadeploy -m node-1 -e nothing -p x -V 9", 1, ["-p x: must be", "-V 9: must be", NOTHING]),
        ("kadeploy -m node-99 -e simulated --force-steps x", 1, ["--force-steps: 'x' is not like", NOBODY]),
        ("kadeploy -m node-99 -a gone.yaml -V 9", 1, ["-V 9: must be", "-a gone.yaml: cannot be read", NOBODY]),
        ("kadeploy -m node-99 -a http://127.0.0.1:1/d -p 9", 1, ["Connection refused", NOBODY, NO_PARTITION]),
        ("kadeploy -m node-99 -V 9", 1, ["-V 9: must be", "no environment was named", NOBODY]),
        ("kadeploy -m node-99 -e simulated -a gone.yaml", 1, ["-e and -a exclude", "cannot be read", NOBODY]),
        ("kadeploy -V 9 -e nothing", 1, ["no nodes were named", "-V 9: must be"]),
        ("kadeploy -m node-[ -e nothing -p 9", 1, [NO_RANGE, NOTHING, NO_PARTITION]),
        ("kadeploy -m node-[ -m node-99 -e simulated", 1, [NO_RANGE, NOBODY]),
        ("kadeploy -m node-1 -f gone -e nothing", 1, ["-f gone: cannot be read", NOTHING]),
        ("kareboot -m node-[ -m node-99 --vlan x", 1, [NO_RANGE, NOBODY, NO_VLAN]),
        ("kapower -m node-[ --off", 1, [NO_RANGE]),
        ("kapower -m node-[ -m node-99 --status", 1, [NO_RANGE, NOBODY]),
        ("kareboot -m node-99 --vlan x --reboot-classical-timeout x(", 1, [TIMEOUT, NOBODY, NO_VLAN]),
        ("kareboot -m node-99 -r fly", 1, ["-r fly: must be"]),
        ("kapower -m node-99 --on -V 9", 1, ["-V 9: must be", NOBODY]),
        ("kapower -m node-99 --status -V 9", 1, ["-V 9: must be", NOBODY]),
        ("kapower -m node-99 --on --off", 1, ["--on and --off exclude each other"]),
    ],
)
def test_what_the_tool_sees_and_what_the_server_knows(
    site: Site, tmp_path: Path, line: str, code: int, faults: list[str]
) -> None:
    done = tell(site, line, tmp_path)
    lines = done.stderr.splitlines()
    assert (done.exit, done.stdout, len(lines)) == (code, "", len(faults)), done
    for told, fault in zip(lines, faults, strict=True):
        assert told.startswith(f"{line.split()[0]}: "), done
        assert fault in told


def test_the_servers_alone_have_the_first_ones_number(site: Site, tmp_path: Path) -> None:
    done = tell(site, "kadeploy -m node-99 -e simulated -p 9 --vlan x", tmp_path)
    assert (done.exit, len(done.stderr.splitlines())) == (2, 4), done
    assert all(fault in done.stderr for fault in (NOBODY, NO_VLAN, NO_PARTITION))
    assert done.stderr.endswith("[Kadeploy error 2]\n")


def test_an_environment_that_there_is_not_has_the_exit_code_of_kadeploy3s_tool(site: Site, tmp_path: Path) -> None:
    """It looked for the environment first, and ended as for anything that is not found."""
    done = tell(site, "kadeploy -m node-99 -e nothing -p 9 --vlan x", tmp_path)
    assert (done.exit, len(done.stderr.splitlines())) == (1, 5), done
    assert all(fault in done.stderr for fault in (NOBODY, NOTHING, NO_VLAN, NO_PARTITION))


def test_files_that_are_not_there_are_told_with_what_the_server_finds_in_the_description(
    site: Site, tmp_path: Path
) -> None:
    image = {"file": "gone.tgz", "kind": "tar", "compression": "gzip"}
    site.write(tmp_path / "d.yaml", os="bsd", image=image, visibility="public", user="bob")
    faults = (
        "kadeploy: -a d.yaml: os: must be linux, xen or other, not 'bsd'\n"
        "kadeploy: -a d.yaml: gone.tgz: there is no such file on this machine\n"
    )
    done = tell(site, "kadeploy -m node-1 -a d.yaml", tmp_path)
    assert (done.exit, done.stderr) == (1, faults)
    away = tell(site, "kadeploy -m node-1 -a d.yaml", tmp_path, KADEPLOY_SERVER="http://127.0.0.1:1")
    told = "kadeploy: -a d.yaml: gone.tgz: there is no such file on this machine\n"
    assert (away.exit, away.stderr) == (1, told)
    beside = tell(site, "kadeploy -m node-1 -a d.yaml -V 9", tmp_path)
    assert "-V 9: must be" in beside.stderr
    assert "gone.tgz: there is no such file on this machine" in beside.stderr


def test_a_server_that_does_not_answer_hides_nothing_of_what_is_seen_here(site: Site, tmp_path: Path) -> None:
    dead: Mapping[str, str] = {"KADEPLOY_SERVER": "http://127.0.0.1:1"}
    done = tell(site, "kadeploy -m node-1 -e simulated -p x", tmp_path, **dead)
    assert (done.exit, done.stderr) == (1, "kadeploy: -p x: must be a partition's number\n")


def test_nothing_is_launched_by_asking(site: Site, tmp_path: Path) -> None:
    assert tell(site, "kadeploy -m node-7 -e simulated -p x", tmp_path).exit == 1
    assert tell(site, "kanodes -a --finished --json", tmp_path).stdout == "[]\n"
    assert tell(site, "kanodes -m node-7 -o yaml", tmp_path).stdout == "---\nnode-7: null\n"


def test_a_description_that_the_server_cannot_read_is_told_with_all_else(site: Site, tmp_path: Path) -> None:
    line = f"kadeploy -m node-99 -p 9 -a server://{site.images}/gone.yaml"
    done = tell(site, line, tmp_path)
    assert done.exit == 5
    told = done.stderr.splitlines()
    assert (told[0], len(told)) == ("kadeploy: the request has 3 faults:", 4)
    for said, fault in zip(told[1:], ("gone.yaml does not exist", NOBODY, NO_PARTITION), strict=True):
        assert fault in said
    beside = tell(site, f"{line} -V 9", tmp_path)
    assert (beside.exit, len(beside.stderr.splitlines())) == (1, 4)


def test_files_are_sent_when_nothing_else_is_wrong(site: Site, tmp_path: Path) -> None:
    image = {"file": "d.tgz", "kind": "tar", "compression": "gzip"}
    site.write(tmp_path / "d.yaml", image=image)
    (tmp_path / "d.tgz").write_bytes(gzip.compress(b"another system", mtime=0))
    done = tell(site, "kadeploy -m node-99 -a d.yaml -p 9", tmp_path)
    assert (done.exit, "sent" in done.stderr, len(done.stderr.splitlines())) == (2, False, 3), done
    (tmp_path / "boot").write_text("#!ipxe\n")
    profile = tell(site, "kareboot -m node-99 -r set_pxe -w boot -x d.tgz --vlan x -V 9", tmp_path)
    assert (profile.exit, len(profile.stderr.splitlines())) == (1, 3), profile
    assert all(fault in profile.stderr for fault in ("-V 9", NOBODY, NO_VLAN))
    sent = tell(site, "kadeploy -m node-1 -a d.yaml --dry-run", tmp_path)
    assert (sent.exit, sent.stderr) == (0, "d.tgz: 34 B sent\n")


def test_with_several_servers_each_tells_of_its_nodes(site: Site, tmp_path: Path) -> None:
    _, _, port = site.environ["KADEPLOY_SERVER"].rpartition(":")
    servers = [
        {"name": "one", "hostname": "127.0.0.1", "port": int(port), "secure": False},
        {"name": "dead", "hostname": "127.0.0.1", "port": 1, "secure": False},
    ]
    (tmp_path / "client.conf").write_text(json.dumps({"servers": servers}))
    found = {"KADEPLOY_CONFIG_DIR": str(tmp_path), "KADEPLOY_SERVER": ""}
    done = tell(site, "kadeploy -M -m node-1 -e nothing -p x --vlan x", tmp_path, **found)
    left_out, *told = done.stderr.splitlines()
    assert (done.exit, len(told)) == (1, 3), done
    assert left_out.startswith("[dead] is left out")
    assert told[0] == "kadeploy: -p x: must be a partition's number"
    assert told[1].startswith(f"kadeploy: [one] {NOTHING}")
    assert told[2].startswith(f"kadeploy: [one] {NO_VLAN}")
    nobodys = tell(site, "kadeploy -M -m node-1,node-99 -e simulated -V 9", tmp_path, **found)
    assert "kadeploy: no server that answers has node-99" in nobodys.stderr
