"""Completion as a shell asks for it: names of the server, kept for some seconds, and nothing at all when all fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.cli.stub_server import Answer, Route, Seen, Stub, site
from tests.acceptance.cli.tools import Run, environment, run

NODES = ["rack1-node-1", "rack1-node-2", "rack2-node-1"]
GROUPS = {"rack1": "rack1-node-[1-2]", "rack2": "rack2-node-1"}
ENVIRONMENTS = [{"name": "debian12", "user": "alice", "version": 1}, {"name": "alma9", "user": "root", "version": 1}]


@pytest.fixture
def server() -> Iterator[Stub]:
    def nodes(seen: Seen) -> Answer:
        return Answer(body=GROUPS if "groups" in seen.query else NODES)

    routes: dict[str, Route] = {"GET /nodes": nodes, "GET /environments": Answer(body=ENVIRONMENTS)}
    with site(**routes, **{"GET /rights": Answer(status=403, body="not yours")}).serving() as stub:
        yield stub


def asked(line: str, home: Path, url: str, **more: str) -> Run:
    """As bash's script does."""
    words = line.split(" ")
    tool = words[0]
    variable = f"_{tool.removesuffix('3').upper()}_COMPLETE"
    told = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), variable: "bash_complete"}
    return run(tool, env=environment(home, url, **told, **more))


@pytest.mark.parametrize(
    ("line", "candidates"),
    [
        ("kadeploy -m rack1", ["rack1-node-1", "rack1-node-2"]),
        ("kadeploy3 -m rack1-node-1,rack2", ["rack1-node-1,rack2-node-1"]),
        ("kanodes --machine rack2", ["rack2-node-1"]),
        ("kaconsole -m rack2", ["rack2-node-1"]),
        ("kadeploy -e d", ["debian12"]),
        ("kadeploy -m @", ["@rack1", "@rack2"]),
        ("kapower -m rack1-node-1,@rack2", ["rack1-node-1,@rack2"]),
        ("kaenv -p ", ["alma9", "debian12"]),
        ("kadeploy -e debian12 -u a", ["alice"]),
        ("karights -u ", ["alice", "root"]),
        ("kareboot -r s", ["simple", "set_pxe"]),
        ("kaenv -t p", ["private", "public"]),
        ("kadeploy --reboot-c", ["--reboot-classical-timeout"]),
    ],
)
def test_candidates(tmp_path: Path, server: Stub, line: str, candidates: list[str]) -> None:
    done = asked(line, tmp_path, server.url)
    assert (done.exit, done.stderr) == (0, "")
    assert done.stdout.split() == [f"plain,{each}" for each in candidates]


def test_files_are_left_to_the_shell(tmp_path: Path, server: Stub) -> None:
    assert asked("kadeploy -a des", tmp_path, server.url).stdout == "file,des\n"


def test_the_server_is_asked_once_in_a_while(tmp_path: Path, server: Stub) -> None:
    first, second = (asked("kadeploy -m rack1", tmp_path, server.url) for _ in range(2))
    assert first == second
    assert len(server.requests("GET", "/nodes")) == 1
    kept = list((tmp_path / ".cache" / "kadeploy").iterdir())
    assert len(kept) == 1
    assert kept[0].parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("line", ["kadeploy -m r", "kadeploy -e d", "kaenv -p ", "kadeploy -S x"])
def test_nothing_is_said_where_nothing_is_known(tmp_path: Path, line: str) -> None:
    done = asked(line, tmp_path, "http://127.0.0.1:1")
    assert (done.stdout, done.stderr) == ("", "")


def test_a_broken_configuration_is_no_noise_either(tmp_path: Path) -> None:
    done = asked("kadeploy -m r", tmp_path, "nonsense")
    assert (done.stdout, done.stderr) == ("", "")
