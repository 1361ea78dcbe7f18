"""-M: two servers that answer and one that is dead, each with nodes of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from tests.acceptance.cli.test_simulation import simulation
from tests.acceptance.cli.tools import Run, run

pytestmark = pytest.mark.timeout(120)
DEAD = "[dead] is left out: no Kadeploy server answers at http://127.0.0.1:1: Connection refused\n"


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    home = tmp_path_factory.mktemp("several")
    one, two = home / "one", home / "two"
    one.mkdir()
    two.mkdir()
    fast = ("--simulate-speed", "300")
    rights = {"kind": "dummy", "almighty_users": ["root"]}
    with (
        simulation(one, *fast, rights=rights) as first,
        simulation(two, *fast, "--simulate-domain", "two.example", rights=rights) as second,
    ):
        ports = [urlsplit(each["KADEPLOY_SERVER"]).port for each in (first, second)]
        servers = [
            {"name": name, "hostname": "127.0.0.1", "port": port, "secure": False}
            for name, port in zip(("one", "two", "dead"), (*ports, 1), strict=True)
        ]
        (home / "client.conf").write_text(yaml.safe_dump({"default": "one", "servers": servers}))
        yield {"PATH": first["PATH"], "HOME": str(home), "USER": "root", "KADEPLOY_CONFIG_DIR": str(home)}


def tell(environ: dict[str, str], line: str) -> Run:
    tool, *arguments = line.split()
    return run(tool, *arguments, env=environ)


def test_versions_of_those_that_answer(environ: dict[str, str]) -> None:
    done = tell(environ, "kadeploy -M -v")
    assert (done.exit, done.stderr) == (0, DEAD)
    assert len(re.findall(r"^server \S+ at http://127\.0\.0\.1:\d+$", done.stdout, re.MULTILINE)) == 2


def test_nodes_are_asked_of_their_own_server(environ: dict[str, str]) -> None:
    done = tell(environ, "kanodes -M -m node-1 -m node-2.two.example")
    assert (done.exit, done.stderr) == (0, DEAD)
    assert re.search(r"^\[one\] node-1 ", done.stdout, re.MULTILINE)
    assert re.search(r"^\[two\] node-2\.two\.example ", done.stdout, re.MULTILINE)
    told = json.loads(tell(environ, "kanodes -M -m node-1,node-2.two.example -o json").stdout)
    assert {name: list(nodes) for name, nodes in told.items()} == {"one": ["node-1"], "two": ["node-2.two.example"]}


def test_a_group_is_whose_server_knows_it(environ: dict[str, str]) -> None:
    told = tell(environ, "kanodes -M -m @sim&node-2 -m node-1 -o json")
    assert (told.exit, told.stderr) == (0, DEAD)
    assert {name: list(nodes) for name, nodes in json.loads(told.stdout).items()} == {
        "one": ["node-1", "node-2"],
        "two": ["node-2.two.example"],
    }
    done = tell(environ, "kapower -M --status -m @nobody,node-1")
    assert (done.exit, done.stderr) == (
        1,
        f"{DEAD}kapower: no server that answers knows what '@nobody' is (with -M nodes are named exactly; kanodes -M "
        "lists them)\n",
    )


def test_a_deployment_at_both(environ: dict[str, str]) -> None:
    done = tell(environ, "kadeploy -M -m node-[1-2] -m node-[3-4].two.example -e simulated -o ok -n ko -V 1")
    assert (done.exit, done.stderr) == (0, DEAD)
    assert re.search(r"^\[one\] D-\S+ done: 2 of 2 nodes OK$", done.stdout, re.MULTILINE)
    assert re.search(r"^\[two\] D-\S+ done: 2 of 2 nodes OK$", done.stdout, re.MULTILINE)
    left = [(Path(environ["HOME"]) / name).read_text().split() for name in ("ok", "ko")]
    assert (sorted(left[0]), left[1]) == (["node-1", "node-2", "node-3.two.example", "node-4.two.example"], [])


def test_a_part_that_is_refused_does_not_keep_the_other(environ: dict[str, str]) -> None:
    description = Path(environ["HOME"]) / "mine.yaml"
    recorded = run("kaenv", "-S", "two", "-p", "simulated", env=environ)
    description.write_text(recorded.stdout.replace("name: simulated", "name: mine"))
    assert run("kaenv", "-S", "two", "-a", str(description), env=environ).exit == 0
    done = tell(environ, "kadeploy -M -m node-1 -m node-1.two.example -e mine -V 1 -n ko")
    assert done.exit == 1
    assert "[one] The environment is not valid -- there is no environment mine" in done.stderr
    assert re.search(r"^\[two\] D-\S+ done: 1 of 1 node OK$", done.stdout, re.MULTILINE)
    assert (Path(environ["HOME"]) / "ko").read_text() == "node-1\n"


def test_a_node_of_nobody(environ: dict[str, str]) -> None:
    done = tell(environ, "kapower -M -m node-1 -m node-99 --status")
    assert (done.exit, done.stdout) == (1, "")
    assert "kapower: no server that answers has node-99 (with -M nodes are named exactly" in done.stderr
    tell(environ, "kapower -M -m @sim&node-3 -m node-99 --status -n ko")
    assert (Path(environ["HOME"]) / "ko").read_text() == "node-3\nnode-3.two.example\nnode-99\n"


@pytest.mark.parametrize(
    ("line", "file"), [("kastat -M -a -O rows", "rows"), ("kastat -M --plot steps -o a.png", "a.png")]
)
def test_one_file_is_not_for_several_answers(environ: dict[str, str], line: str, file: str) -> None:
    """The last server's would stand in place of all."""
    done = tell(environ, line)
    assert (done.exit, done.stdout) == (1, "")
    assert done.stderr == f"{DEAD}kastat: {file} is for one server's answer: choose it with -S, not -M\n"


def test_one_directory_is_not_for_several_registries(environ: dict[str, str], tmp_path: Path) -> None:
    done = tell(environ, f"kaenv -M --export {tmp_path}/backup")
    assert (done.exit, "is for one server's environments" in done.stderr) == (1, True)
    assert not list(tmp_path.iterdir())


def test_an_operation_is_found_at_its_server(environ: dict[str, str]) -> None:
    wid = tell(environ, "kapower -S two --status -m node-9 --no-wait").stdout.split()[0]
    attached = tell(environ, f"kadeploy -M --attach {wid}")
    assert (attached.exit, f"{wid} done: 1 of 1 node OK" in attached.stdout) == (0, True), attached
    shown = tell(environ, f"kanodes -M -w {wid}")
    assert (shown.exit, shown.stderr) == (0, DEAD)
    assert shown.stdout.splitlines()[1].startswith(wid)
    nowhere = tell(environ, "kadeploy -M --cancel P-nowhere")
    assert (nowhere.exit, "there is no operation 'P-nowhere'" in nowhere.stderr) == (1, True)


def test_status_for_programs(environ: dict[str, str]) -> None:
    done = tell(environ, "kapower3 -M -m node-1 -m node-2.two.example --status --json")
    assert {name: list(part["outputs"]) for name, part in json.loads(done.stdout).items()} == {
        "one": ["node-1"],
        "two": ["node-2.two.example"],
    }


def test_no_server_answers(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "client.conf").write_text("servers: [{name: dead, hostname: 127.0.0.1, port: 1, secure: false}]\n")
    done = tell({**environ, "KADEPLOY_CONFIG_DIR": str(tmp_path)}, "kanodes -M")
    assert (done.exit, done.stdout) == (1, "")
    assert done.stderr == DEAD + "kanodes: none of the servers in client.conf answers\n"
    done = tell({**environ, "KADEPLOY_CONFIG_DIR": str(tmp_path)}, "kapower -M -m node-1 --status -n ko")
    assert (done.exit, (Path(environ["HOME"]) / "ko").read_text()) == (1, "node-1\n")
