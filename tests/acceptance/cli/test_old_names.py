"""The tools by Kadeploy3's names answer in Kadeploy3's form, which scripts read, unless somebody says otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from tests.acceptance.cli.test_simulation import simulation
from tests.acceptance.cli.tools import Run, run

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """alice has rights on nodes 1 to 3, root on node 4, which was installed."""
    directory = tmp_path_factory.mktemp("old")
    rights = {"kind": "db", "almighty_users": ["root"]}
    with simulation(directory, "--simulate-speed", "600", rights=rights) as found:
        chosen = {**found, "USER": "root", "LC_ALL": "C.UTF-8"}
        for words in (
            ("karights", "-a", "-u", "alice", "-m", "node-[1-2]", "-p", "/dev/sda3"),
            ("karights", "-a", "-u", "alice", "-m", "node-3"),
            ("karights", "-a", "-u", "root", "-m", "node-4"),
            ("karights", "-a", "-u", "alice", "-m", "node-9", "--from", "tomorrow 8:00"),
            ("kadeploy", "-m", "node-4", "-e", "simulated"),
        ):
            done = run(words[0], *words[1:], env=chosen)
            assert done.exit == 0, done
        yield chosen


def tell(environ: Mapping[str, str], line: str, **more: str) -> Run:
    tool, *arguments = line.split()
    done = run(tool, *arguments, env={**environ, **more})
    assert (done.exit, done.stderr) == (0, "")
    return done


def test_kanodes3_answers_in_yaml(environ: Mapping[str, str]) -> None:
    told = tell(environ, "kanodes3 -m node-[4-5]").stdout
    assert told == (
        "---\nnode-4:\n  state: deployed\n  user: root\n  environment:\n    name: simulated\n    version: 1\n"
        "    user: root\nnode-5: null\n"
    )
    assert told == tell(environ, "kanodes -m node-[4-5] -o yaml").stdout
    assert tell(environ, "kanodes3 -d").stdout == "--- []\n"
    assert yaml.safe_load(tell(environ, "kanodes3 -a --finished").stdout)[0]["nodes"]["ok"] == ["node-4"]
    assert tell(environ, "kanodes -m node-1").stdout.startswith("node ")


def test_who_says_how_is_heard_by_every_name(environ: Mapping[str, str], tmp_path: Path) -> None:
    (tmp_path / ".config" / "kadeploy").mkdir(parents=True)
    (tmp_path / ".config" / "kadeploy" / "config.yaml").write_text("output: table\n")
    for line, more in (
        ("kanodes3 -m node-2 -o table", {}),
        ("kanodes3 -m node-2", {"KADEPLOY_OUTPUT": "table"}),
        ("kanodes3 -m node-2", {"HOME": str(tmp_path)}),
    ):
        assert tell(environ, line, **more).stdout.startswith("node ")
    assert tell(environ, "kaenv3 -l", HOME=str(tmp_path)).stdout == tell(environ, "kaenv -l").stdout
    assert tell(environ, "karights3 -l", HOME=str(tmp_path)).stdout == tell(environ, "karights -l").stdout
    for tool in ("kanodes3", "kaenv3 -l", "karights3 -l"):
        assert json.loads(tell(environ, f"{tool} --json").stdout)
    said = tell(environ, "kanodes3 --show-config").stdout.splitlines()
    assert [line.split(maxsplit=2)[:2] for line in said if "the name kanodes3" in line] == [["output", "yaml"]]


def test_kaenv3_lists_in_columns_of_fixed_width(environ: Mapping[str, str]) -> None:
    told = (
        "Name                  Version User        Description\n"
        "####                  ####### ####        ###########\n"
        "simulated             1       root        A small image for simulated nodes\n"
    )
    assert tell(environ, "kaenv3 -l").stdout == told == tell(environ, "kaenv -l -o kadeploy3").stdout
    assert tell(environ, "kaenv3 -l none%").stdout == "".join(told.splitlines(keepends=True)[:2])
    assert tell(environ, "kaenv3 -l --columns name").stdout == "name\nsimulated\n"
    assert yaml.safe_load(tell(environ, "kaenv3 -p simulated").stdout)["name"] == "simulated"


def test_karights3_lists_a_line_a_node_of_what_holds_now(environ: Mapping[str, str]) -> None:
    lines = [
        "User            Node                                      Partitions",
        "####            ####                                      ##########",
        "alice           node-1                                    /dev/sda3",
        "alice           node-2                                    /dev/sda3",
        "alice           node-3                                    *",
        "root            node-4                                    *",
    ]
    assert tell(environ, "karights3 -l").stdout.splitlines() == lines
    assert tell(environ, "karights3 -l -u alice -m node-2").stdout.splitlines() == [*lines[:2], lines[3]]
    assert tell(environ, "karights -l --output kadeploy3").stdout.splitlines() == lines
    assert tell(environ, "karights3 -a -u bob -m node-5").stdout == ""


def test_kastat3_tells_csv_without_a_heading_as_kastat_does(environ: Mapping[str, str]) -> None:
    told = tell(environ, "kastat3 -a").stdout
    assert told == tell(environ, "kastat -a").stdout
    assert [line.split(",")[1:3] for line in told.splitlines()] == [["root", "node-4"]]
    assert tell(environ, "kastat3 -b").stdout == "node-4: 0.0\n"
