from __future__ import annotations

import io
import subprocess
import sys
import zipfile

import pytest

from kadeploy.broadcast.sink import SinkKind, SinkOrder
from kadeploy.cast.program import command, program
from kadeploy.cast.target import BadTarget, parse_pipeline, parse_target, sink_of


@pytest.mark.parametrize(
    ("text", "hosts", "path"),
    [
        ("node-1:/tmp/x", ["node-1"], "/tmp/x"),
        ("node[1-3]:/srv/", ["node1", "node2", "node3"], "/srv/image"),
        ("a,b:/", ["a", "b"], "/image"),
        ("root@node[1-2]:/x", ["node1", "node2"], "/x"),
    ],
)
def test_hosts_and_path(text: str, hosts: list[str], path: str) -> None:
    target = parse_target(text, "image")
    assert list(target.hosts) == hosts
    assert target.path == path


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("node-1", "does not say where to"),
        (":/tmp", "does not say where to"),
        ("node-1:tmp", "must be absolute"),
        ("node[1-:/tmp/", "names no hosts"),
    ],
)
def test_what_is_wrong_is_said(text: str, fault: str) -> None:
    with pytest.raises(BadTarget, match=fault):
        parse_target(text, "image")


def test_pipelines_are_read_without_a_shell() -> None:
    assert parse_pipeline("zstd -dc | tar -x -C '/mnt/a b'") == (("zstd", "-dc"), ("tar", "-x", "-C", "/mnt/a b"))
    assert parse_pipeline("cat|wc -c") == (("cat",), ("wc", "-c"))
    assert parse_pipeline("echo $HOME") == (("echo", "$HOME"),)
    for bad in ("zstd |", "| tar", "", "tar 'x", "cat > /srv/x", "cat ; rm", "cat || true", "cat && true"):
        with pytest.raises(BadTarget):
            parse_pipeline(bad)


def test_where_the_bytes_go() -> None:
    target = parse_target("node-1:/mnt/", "image")
    assert sink_of(target, "", device=False) == SinkOrder(kind=SinkKind.FILE, path="/mnt/image")
    assert sink_of(target, "tar -x", device=False).path == "/mnt/"
    assert sink_of(target, "tar -x", device=False).kind is SinkKind.COMMAND
    assert sink_of(target, "zstd -dc", device=True).commands == (("zstd", "-dc"),)


def test_the_program_runs_in_a_bare_interpreter() -> None:
    """Nothing beside the standard library, nothing on the disk: it opens a place and says where."""
    done = subprocess.run(
        ["sh", "-c", command(f"{sys.executable} -I -S")], input=program(), capture_output=True, check=False, timeout=30
    )
    assert done.stdout.startswith(b'{"port": '), done.stderr


def test_the_program_has_what_it_imports() -> None:
    size, _, data = program().partition(b"\n")
    assert int(size) == len(data)
    names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    assert "kadeploy/broadcast/standalone.py" in names
    assert not [name for name in names if "heads" in name]
