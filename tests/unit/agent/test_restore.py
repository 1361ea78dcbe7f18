"""An image that was stored as a file goes to its place."""

from __future__ import annotations

import asyncio
import io
import tarfile
import zlib
from pathlib import Path

import pytest

from kadeploy.agent.commands.image import sink_for
from kadeploy.agent.commands.load_drivers import load_drivers
from kadeploy.agent.commands.restore import restore
from kadeploy.agent.job import Answer, Job, Meter
from kadeploy.agent.places import Places
from kadeploy.broadcast.sink import SinkKind
from kadeploy.errors import CommandFailed


def job() -> Job:
    return Job(key="k", node="node-1", server="http://nowhere", meter=Meter(), places=Places())


def run(**args: object) -> Answer:
    return asyncio.run(restore(args, job()))


def test_a_tree_is_unpacked_and_the_file_goes(tmp_path: Path) -> None:
    image, tree = tmp_path / "image", tmp_path / "tree"
    tree.mkdir()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("etc/hostname")
        entry.size = 5
        archive.addfile(entry, io.BytesIO(b"node\n"))
    image.write_bytes(packed.getvalue())
    run(file=str(image), kind="tar", compression="gzip", destination=str(tree))
    assert (tree / "etc/hostname").read_bytes() == b"node\n"
    assert not image.exists()


def test_what_is_broken_is_told_and_stays(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(zlib.compress(b"no tar"))
    with pytest.raises(CommandFailed):
        run(file=str(image), kind="tar", compression="gzip", destination=str(tmp_path))
    assert image.exists()


def test_nothing_to_restore(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="there is no image in"):
        run(file=str(tmp_path / "none"), kind="tar", compression="none", destination="/mnt")


def test_a_file_system_archive_is_received_as_a_file() -> None:
    order = sink_for("fsa", "none", "/rambin/image")
    assert (order.kind, order.path) == (SinkKind.FILE, "/rambin/image")


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_what_an_archive_is_unpacked_to_is_synced(compression: str) -> None:
    assert sink_for("tar", compression, "/mnt/dest").path == "/mnt/dest"


def test_no_drivers_are_no_work() -> None:
    assert asyncio.run(load_drivers({"drivers": []}, job())) == Answer()
    with pytest.raises(CommandFailed):
        asyncio.run(load_drivers({"drivers": ["no_such_module_here"]}, job()))


def test_every_file_system_of_an_archive_goes_to_its_partition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a program in fsarchiver's place that writes down how it was called."""
    program, called, image = tmp_path / "fsarchiver", tmp_path / "called", tmp_path / "image"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {called}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    image.write_bytes(b"FsA0")
    parts = [{"id": 0, "destination": "/dev/sda2"}, {"id": 1, "destination": "/dev/sda3"}]
    run(file=str(image), kind="fsa", compression="none", destination="/dev/sda3", parts=parts)
    given = called.read_text().splitlines()
    assert given[0] == "-j"
    assert given[2:] == ["restfs", str(image), "id=0,dest=/dev/sda2", "id=1,dest=/dev/sda3"]
    assert not image.exists()
