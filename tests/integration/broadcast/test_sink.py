"""Each sink by itself: what it says when it cannot, and that `finish` means it is there."""

from __future__ import annotations

import contextlib
import mmap
import os
import random
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from kadeploy.broadcast.device import UNIT, Device
from kadeploy.broadcast.device_sink import DeviceSink, UnpackedDeviceSink
from kadeploy.broadcast.file_sink import FileSink
from kadeploy.broadcast.sink import CommandSink, Sink
from kadeploy.broadcast.sink_failed import SinkFailed

CONTENT = random.Random(3).randbytes(3_000_000)


def fill(sink: Sink) -> None:
    sink.open(len(CONTENT))
    for start in range(0, len(CONTENT), 1_000_000):
        sink.write(memoryview(CONTENT)[start : start + 1_000_000])
    sink.finish()


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    sink = FileSink(str(tmp_path / "file"))
    sink.open(5)
    sink.write(memoryview(b"whole"))
    (name,) = os.listdir(tmp_path)
    assert fnmatch(name, "file.*.part")
    sink.finish()
    assert (tmp_path / "file").read_bytes() == b"whole"
    assert os.listdir(tmp_path) == ["file"]


def test_a_file_has_the_mode_that_is_asked_for_or_the_one_it_had(tmp_path: Path) -> None:
    (there := tmp_path / "there").write_text("old")
    there.chmod(0o640)
    (link := tmp_path / "link").symlink_to("there")
    for path, mode in ((tmp_path / "new", 0o700), (link, 0o700)):
        fill(FileSink(str(path), mode))
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert stat.S_IMODE(there.stat().st_mode) == 0o640
    assert link.readlink() == Path("there")
    assert there.read_bytes() == CONTENT
    assert sorted(os.listdir(tmp_path)) == ["link", "new", "there"]


@pytest.mark.parametrize(
    ("make", "why"), [(os.mkdir, "is a directory"), (os.mkfifo, "is no plain file")], ids=["a directory", "a pipe"]
)
def test_what_is_no_file_is_not_replaced(tmp_path: Path, make: Callable[[Path], None], why: str) -> None:
    make(tmp_path / "there")
    before = (tmp_path / "there").stat()
    sink = FileSink(str(tmp_path / "there"))
    with pytest.raises(SinkFailed, match=rf"^{tmp_path}/there {why}$"):
        sink.open(3)
    sink.abort()
    assert (tmp_path / "there").stat() == before
    assert os.listdir(tmp_path) == ["there"]


def test_two_that_write_the_same_file_do_not_mix(tmp_path: Path) -> None:
    one, other = (FileSink(str(tmp_path / "file")) for _ in range(2))
    for sink in (one, other):
        sink.open(4)
    one.write(memoryview(b"on"))
    other.write(memoryview(b"othe"))
    one.write(memoryview(b"e!"))
    one.finish()
    assert (tmp_path / "file").read_bytes() == b"one!"
    other.abort()
    assert os.listdir(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"one!"


def test_both_ends_of_a_pipeline_are_told(tmp_path: Path) -> None:
    with pytest.raises(SinkFailed, match=r"^gzip exited with 1: gzip: stdin: not in gzip format; tar exited with 2: "):
        fill(CommandSink((("gzip", "-dc"), ("tar", "-xf", "-", "-C", str(tmp_path)))))


def test_what_commands_wrote_is_synced_before_it_is_said_to_be_there(tmp_path: Path) -> None:
    fill(CommandSink((("cat",),), sync=str(tmp_path)))
    with pytest.raises(SinkFailed, match=r"^sync exited with 1: .*/none"):
        fill(CommandSink((("cat",),), sync=str(tmp_path / "none")))


def test_one_that_needs_no_more_has_ended_well() -> None:
    fill(CommandSink((("cat",), ("head", "-c", "10"))))


def test_one_that_is_killed_is_told() -> None:
    with pytest.raises(SinkFailed, match=r"^sh was ended by SIGKILL$"):
        fill(CommandSink((("sh", "-c", "kill -9 $$"),)))


def test_a_blocked_consumer_can_be_interrupted() -> None:
    sink = CommandSink((("sleep", "1000"),))
    failed: list[str] = []
    began = threading.Event()

    def write() -> None:
        began.set()
        with contextlib.suppress(SinkFailed):
            fill(sink)
            failed.append("it did not fail")

    thread = threading.Thread(target=write)
    thread.start()
    began.wait()
    while thread.is_alive():
        sink.interrupt()
        thread.join(0.01)
    sink.abort()
    assert failed == []


@contextlib.contextmanager
def device(file: Path, size: int) -> Iterator[str]:
    with file.open("wb") as made:
        made.truncate(size)
    answer = subprocess.run(["losetup", "--find", "--show", file], capture_output=True, text=True, check=False)
    if answer.returncode:
        pytest.skip(f"no loop devices here: {answer.stderr.strip()}")
    try:
        yield answer.stdout.strip()
    finally:
        subprocess.run(["losetup", "--detach", answer.stdout.strip()], check=True)


@pytest.mark.netns
@pytest.mark.skipif(os.geteuid() != 0, reason="loop devices need root")
def test_a_device_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    with device(tmp_path / "disk", 4 << 20) as path:
        sink = FileSink(path)
        with pytest.raises(SinkFailed, match=rf"^{path} is a block device, and no file$"):
            sink.open(1)
        sink.abort()
        assert Path(path).is_block_device()


@pytest.mark.netns
@pytest.mark.skipif(os.geteuid() != 0, reason="loop devices need root")
def test_what_a_device_had_is_discarded_first(tmp_path: Path) -> None:
    with device(tmp_path / "disk", 8 << 20) as path:
        Path(path).write_bytes(b"\xff" * (8 << 20))
        os.sync()
        sink = DeviceSink(path)
        sink.open(6 << 20)
        kept = (tmp_path / "disk").read_bytes()
        sink.abort()
    assert not any(kept[: 6 << 20])
    assert kept[6 << 20 :] == b"\xff" * (2 << 20)


@pytest.mark.netns
@pytest.mark.skipif(os.geteuid() != 0, reason="loop devices need root")
def test_a_device_is_written_from_its_start(tmp_path: Path) -> None:
    with device(tmp_path / "disk", 4 << 20) as path:
        fill(DeviceSink(path))
        assert (tmp_path / "disk").read_bytes()[: len(CONTENT)] == CONTENT


@pytest.mark.netns
@pytest.mark.skipif(os.geteuid() != 0, reason="loop devices need root")
def test_a_device_that_is_too_small_is_told_before_a_byte_is_written(tmp_path: Path) -> None:
    with device(tmp_path / "disk", 1 << 20) as path:
        with pytest.raises(SinkFailed, match=f"{path} is too small: it has 1048576 bytes, the image 3000000"):
            fill(DeviceSink(path))
        assert not any((tmp_path / "disk").read_bytes())


def test_what_is_no_device_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, why in ((tmp_path / "file", "is not a block device"), (tmp_path / "none", "No such file")):
        sink = DeviceSink(str(path))
        with pytest.raises(SinkFailed, match=why):
            sink.open(1)
        sink.abort()


def holed() -> bytes:
    """Zeros of every kind of place: whole pieces, across them, at the end; and a tail that is no whole block."""
    content = bytearray(os.urandom(3_000_001))
    for start, end in ((0, 70_000), (131_072, 1_000_000), (1_500_000, 1_500_100), (2_900_000, 3_000_001)):
        content[start:end] = bytes(end - start)
    return bytes(content)


@pytest.mark.netns
@pytest.mark.skipif(os.geteuid() != 0, reason="loop devices need root")
def test_zeros_are_made_and_not_written(tmp_path: Path) -> None:
    content = holed()
    with device(tmp_path / "disk", 4 << 20) as path:
        Path(path).write_bytes(b"\xff" * (4 << 20))
        disk = Device(Path(path))
        disk.discard(0)
        for start in range(0, len(content), 1 << 20):
            disk.write(memoryview(content)[start : start + (1 << 20)])
        disk.sync()
        disk.close()
        assert (tmp_path / "disk").read_bytes() == content + b"\xff" * ((4 << 20) - len(content))
        assert disk.skipped >= 12 * UNIT


@pytest.mark.netns
@pytest.mark.skipif(os.geteuid() != 0, reason="loop devices need root")
def test_a_device_is_written_past_the_kernels_cache(tmp_path: Path) -> None:
    """From memory that is aligned, as what is received is."""
    with device(tmp_path / "disk", 4 << 20) as path:
        memory = mmap.mmap(-1, 1 << 20)
        memory[:] = os.urandom(1 << 20)
        disk = Device(Path(path))
        try:
            disk.write(memoryview(memory))
            flags = Path(f"/proc/self/fdinfo/{disk._direct}").read_text().split("flags:")[1].split()[0]
            assert int(flags, 8) & os.O_DIRECT
        finally:
            disk.close()
        assert (tmp_path / "disk").read_bytes()[: 1 << 20] == memory[:]


@pytest.mark.netns
@pytest.mark.skipif(os.geteuid() != 0, reason="loop devices need root")
def test_a_device_gets_what_commands_make_of_the_image(tmp_path: Path) -> None:
    content = holed()
    with device(tmp_path / "disk", 4 << 20) as path:
        unpack(path, content)
        assert (tmp_path / "disk").read_bytes()[: len(content)] == content


@pytest.mark.netns
@pytest.mark.skipif(os.geteuid() != 0, reason="loop devices need root")
def test_what_becomes_larger_than_its_device_is_told(tmp_path: Path) -> None:
    with (
        device(tmp_path / "disk", 1 << 20) as path,
        pytest.raises(SinkFailed, match=f"{path} is too small: it has 1048576 bytes, the image more"),
    ):
        unpack(path, holed())


def unpack(path: str, content: bytes) -> None:
    packed = subprocess.run(["gzip", "-c"], input=content, capture_output=True, check=True).stdout
    sink = UnpackedDeviceSink(path, (("gzip", "-dc"),))
    sink.open(len(packed))
    try:
        sink.write(memoryview(packed))
        sink.finish()
    finally:
        sink.abort()


def test_what_is_no_archive_fails_a_device(tmp_path: Path) -> None:
    sink = UnpackedDeviceSink(str(tmp_path / "none"), (("gzip", "-dc"),))
    with pytest.raises(SinkFailed, match="No such file"):
        sink.open(1)
    sink.abort()
