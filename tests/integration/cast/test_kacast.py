"""`kacast` as people run it, over SSH to hosts of their own."""

from __future__ import annotations

import os
import pty
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.cast.ssh_hosts import Cluster, cluster, environment
from tests.integration.cast.waiting import LONGEST, until_each_has

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
]
SIZE = 3_000_000


@pytest.fixture
def image(tmp_path: Path) -> Path:
    (path := tmp_path / "image").write_bytes(random.Random(1).randbytes(SIZE))
    return path


def check_copies(cast: Cluster, image: Path, numbers: tuple[int, ...]) -> None:
    """Those have the file, and there is nothing else on any host."""
    cast.wait_idle()
    for number in range(1, len(cast.hosts) + 1):
        there = {path.name: path.read_bytes() for path in cast.srv(number).iterdir()}
        assert there == ({"image": image.read_bytes()} if number in numbers else {})


def test_every_host_gets_the_file(image: Path) -> None:
    with cluster(image.parent, 4) as cast:
        done = cast.kacast(str(image), "host-[1-4]:/srv/")
        assert done.returncode == 0, done.stderr
        assert re.fullmatch(r"4 hosts have it: host-\[1-4\], 3\.0 MB in .* s \(.* MB/s each\)\n", done.stderr)
        check_copies(cast, image, (1, 2, 3, 4))


def test_commands_read_it_there(image: Path) -> None:
    with cluster(image.parent, 2) as cast:
        done = cast.kacast("--into", "gzip -c | tee /srv/packed", str(image), "host-[1-2]:/srv")
        assert done.returncode == 0, done.stderr
        for number in (1, 2):
            unpacked = subprocess.run(["gzip", "-dc", cast.srv(number) / "packed"], capture_output=True, check=True)
            assert unpacked.stdout == image.read_bytes()


def test_hosts_that_are_off_or_have_no_ssh_cost_only_themselves(image: Path) -> None:
    """One does not answer at all, one refuses, and one is not known."""
    with cluster(image.parent, 5, without=[5]) as cast:
        cast.hosts[1].unplug()
        lists = ("-o", str(image.parent / "ok"), "-n", str(image.parent / "ko"))
        done = cast.kacast(*lists, str(image), "host-[1-5],nobody.invalid:/srv/")
        assert done.returncode == 2, done.stderr
        assert "3 hosts have it: host-[1,3-4]," in done.stderr
        assert "\nhost-2: no SSH within 5 s\n" in done.stderr
        assert "\nhost-5: SSH: Connection refused\n" in done.stderr
        assert "\nnobody.invalid: SSH: " in done.stderr
        assert (image.parent / "ok").read_text() == "host-1\nhost-3\nhost-4\n"
        assert (image.parent / "ko").read_text() == "host-2\nhost-5\nnobody.invalid\n"
        check_copies(cast, image, (1, 3, 4))


def test_a_host_that_dies_in_the_middle_costs_only_itself(image: Path) -> None:
    """Its power is cut: nobody is told."""
    with cluster(image.parent, 4) as cast, begun(cast, "--rate", "0.6", str(image), "host-[1-4]:/srv/") as process:
        until_each_has([cast.srv(number) for number in (1, 2, 3, 4)], "*.part")
        cast.hosts[1].unplug()
        _, said = process.communicate(timeout=LONGEST)
        assert process.returncode == 2, said
        assert b"3 hosts have it: host-[1,3-4]," in said
        assert b"\nhost-2: SSH: " in said
        for number in (1, 3, 4):
            assert (cast.srv(number) / "image").read_bytes() == image.read_bytes()


def test_a_host_that_answers_late_joins_the_others(image: Path) -> None:
    with cluster(image.parent, 3) as cast:
        cast.hosts[0].unplug()
        with begun(cast, "--rate", "0.6", "--timeout", "30", str(image), "host-[1-3]:/srv/") as process:
            until_each_has([cast.srv(number) for number in (2, 3)], "*.part")
            cast.hosts[0].plug()
            _, said = process.communicate(timeout=LONGEST)
        assert process.returncode == 0, said
        check_copies(cast, image, (1, 2, 3))


def test_a_path_that_is_not_there(image: Path) -> None:
    with cluster(image.parent, 3) as cast:
        (cast.srv(2) / "data").mkdir()
        done = cast.kacast(str(image), "host-[1-3]:/srv/data/")
        assert done.returncode == 2
        assert "1 host has it: host-2," in done.stderr
        assert "\nhost-[1,3]: /srv/data/image: No such file or directory\n" in done.stderr
        done = cast.kacast(str(image), "host-1:/srv/data/")
        assert done.returncode == 1
        assert done.stderr == "host-1: /srv/data/image: No such file or directory\n"


def test_a_host_without_the_right_python_says_so(image: Path) -> None:
    with cluster(image.parent, 1) as cast:
        done = cast.kacast("--python", "no-such-python", str(image), "host-1:/srv/")
        assert done.returncode == 1
        assert re.fullmatch(r"host-1: .*no-such-python: not found\n", done.stderr)


@contextmanager
def begun(cast: Cluster, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(cast.argv(*words), stderr=subprocess.PIPE, env=environment(cast.folder))
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_when_it_is_ended_so_is_all_that_runs_on_the_hosts(image: Path, number: signal.Signals) -> None:
    with cluster(image.parent, 3) as cast, begun(cast, "--rate", "0.1", str(image), "host-[1-3]:/srv/") as process:
        until_each_has([cast.srv(number) for number in (1, 2, 3)], "*.part")
        process.send_signal(number)
        _, said = process.communicate(timeout=LONGEST)
        if number is signal.SIGINT:
            assert process.returncode == 130
            assert said.strip() == b"kacast: interrupted: it is ended on all hosts"
        check_copies(cast, image, ())


def test_people_see_how_far_it_is(image: Path) -> None:
    desk, terminal = pty.openpty()
    with cluster(image.parent, 2) as cast:
        process = subprocess.Popen(
            cast.argv("--rate", "1.5", str(image), "host-[1-2]:/srv/"),
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env={**environment(image.parent), "TERM": "xterm", "COLUMNS": "100"},
        )
        os.close(terminal)
        said = b""
        try:
            while data := os.read(desk, 65536):
                said += data
        except OSError:
            pass  # how a terminal says that nobody is there any more
        finally:
            os.close(desk)
            process.wait(LONGEST)
        assert process.returncode == 0
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.decode())
        assert "0 of 2 hosts, " in text
        assert re.search(r"host-1 +this machine +\d+% +\d+% +\d+% +\d", text)
        assert "2 hosts have it: host-[1-2]," in text


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("image", "host-1:relative"), "must be absolute"),
        (("image", "host-1"), "does not say where to"),
        (("no-such-file", "host-1:/srv/"), "does not exist"),
        (("image",), "Missing argument"),
        (("--into", "tar 'x", "image", "host-1:/srv/"), "cannot be read"),
    ],
)
def test_faults_of_the_command_line_are_one_sentence(image: Path, words: tuple[str, ...], fault: str) -> None:
    argv = [str(image) if word == "image" else word for word in words]
    done = subprocess.run(
        [sys.executable, "-m", "kadeploy.cast.tool", *argv],
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("kacast: ")
    assert fault in done.stderr
    assert done.stderr.count("\n") == 1
