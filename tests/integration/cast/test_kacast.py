"""`kacast` as people run it, over SSH to hosts of their own."""

from __future__ import annotations

import json
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


def test_a_file_that_changes_while_it_is_sent_is_had_by_nobody(image: Path) -> None:
    with cluster(image.parent, 2) as cast, begun(cast, "--rate", "0.6", str(image), "host-[1-2]:/srv/") as process:
        until_each_has([cast.srv(number) for number in (1, 2)], "*.part")
        with image.open("r+b") as file:
            file.seek(SIZE - 10)
            file.write(b"changed")
        _, said = process.communicate(timeout=LONGEST)
        assert process.returncode == 1, said
        assert b" of the image is bad: it is bad at this machine, too\n" in said
        assert said.endswith(b"\nthe file changed while it was sent: try again when it is whole\n")
        check_copies(cast, image, ())


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


def test_who_is_wrong_about_a_host_is_told_so(image: Path) -> None:
    """Its key is another one, or it lets nobody in, or what says how to reach it cannot be read."""
    folder = image.parent
    config, known = folder / "ssh_config", folder / "known_hosts"
    with cluster(folder, 2) as cast:
        usual, keys = config.read_text(), known.read_text()
        first, second = keys.splitlines()
        known.write_text(f"{first.split()[0]} {second.partition(' ')[2]}\n{second}\n")
        done = cast.kacast(str(image), "host-[1-2]:/srv/")
        assert done.returncode == 2
        assert done.stderr.endswith("\nhost-1: SSH: Host key is not trusted\n")
        done = cast.kacast("--any-host-key", str(image), "host-1:/srv/")
        assert done.returncode == 0, done.stderr
        known.write_text(keys)
        done = cast.kacast(str(image), "nobody@host-[1-2]:/srv/")
        assert (done.returncode, done.stderr) == (1, "host-[1-2]: SSH: Permission denied for user nobody\n")
        (folder / "no-key").write_text("this is no key\n")
        for wrong, said in (
            (usual.replace(str(folder / "key"), str(folder / "no-key")), "Invalid private key"),
            (usual.replace(str(folder / "key"), "/none"), "/none: No such file or directory"),
            (f"Host host-1\n Port none\n{usual}", f"{config} line 2: Invalid Port integer value: none"),
        ):
            config.write_text(wrong)
            done = cast.kacast(str(image), "host-1:/srv/")
            assert (done.returncode, done.stderr) == (1, f"host-1: SSH: {said}\n")


def test_a_login_may_greet(image: Path) -> None:
    with cluster(image.parent, 1) as cast:
        (image.parent / "host-1/home/.bashrc").write_text("echo Welcome; echo 42; echo '{}'; echo '[\"port\"]'\n")
        done = cast.kacast(str(image), "host-1:/srv/")
        assert done.returncode == 0, done.stderr
        (image.parent / "host-1/home/.bashrc").write_text("yes\n")
        done = cast.kacast(str(image), "host-1:/srv/other")
        assert (done.returncode, done.stderr) == (1, "host-1: it answers 'y\\n'\n")
        check_copies(cast, image, (1,))


def test_a_copy_may_be_read_and_run_by_whom_the_file_may(image: Path) -> None:
    with cluster(image.parent, 2) as cast:
        image.chmod(0o700)
        (cast.srv(2) / "image").touch(0o640)
        done = cast.kacast("--json", str(image), "host-[1-2]:/srv/")
        assert done.returncode == 0, done.stderr
        assert [(cast.srv(number) / "image").stat().st_mode & 0o777 for number in (1, 2)] == [0o700, 0o640]
        check_copies(cast, image, (1, 2))
        told = json.loads(done.stdout)
        assert told["size"] == SIZE
        assert [(name, one["ok"], one["written"]) for name, one in told["hosts"].items()] == [
            ("host-1", True, SIZE),
            ("host-2", True, SIZE),
        ]


def test_what_comes_through_a_pipe(image: Path) -> None:
    with cluster(image.parent, 2) as cast:
        for given in ("-", "/dev/stdin"):
            with subprocess.Popen(["cat", image], stdout=subprocess.PIPE) as cat:
                done = cast.kacast(given, "host-[1-2]:/srv/image", stdin=cat.stdout)
            assert done.returncode == 0, done.stderr
            check_copies(cast, image, (1, 2))
            for number in (1, 2):
                (cast.srv(number) / "image").unlink()


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


@contextmanager
def at_a_terminal(cast: Cluster, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], Iterator[str]]]:
    """The process, and all that it has shown so far, each time that it shows more."""
    desk, terminal = pty.openpty()
    env = {**environment(cast.folder), "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(cast.argv(*words), stdin=terminal, stdout=terminal, stderr=terminal, env=env)
    os.close(terminal)
    try:
        yield process, _shown(desk)
    finally:
        process.kill()
        process.wait()
        os.close(desk)


def _shown(desk: int) -> Iterator[str]:
    said = b""
    try:
        while data := os.read(desk, 65536):
            said += data
            yield re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.decode(errors="replace")).replace("\r\n", "\n")
    except OSError:
        return  # how a terminal says that nobody is there any more


def test_who_has_it_is_told_though_it_was_interrupted(image: Path) -> None:
    """The other one waits for what nobody will say."""
    ok, ko = image.parent / "ok", image.parent / "ko"
    into = "sh -c 'if [ -p /srv/stuck ]; then exec cat /srv/stuck; fi; exec cat'"
    with cluster(image.parent, 2) as cast:
        os.mkfifo(cast.srv(2) / "stuck")
        words = ("-o", str(ok), "-n", str(ko), "--into", into, str(image), "host-[1-2]:/srv")
        with at_a_terminal(cast, *words) as (process, shown):
            assert next(text for text in shown if "\n1 of 2 hosts, " in text)
            process.send_signal(signal.SIGINT)
            text = list(shown)[-1]
            assert process.wait(LONGEST) == 130
    assert re.search(r"[\r\n]1 host has it: host-1, .*\n+kacast: interrupted: it is ended on all hosts\n$", text), text
    assert (ok.read_text(), ko.read_text()) == ("host-1\n", "host-2\n")


def test_people_see_how_far_it_is(image: Path) -> None:
    with (
        cluster(image.parent, 2) as cast,
        at_a_terminal(cast, "--rate", "1.5", str(image), "host-[1-2]:/srv/") as (process, shown),
    ):
        text = list(shown)[-1]
        assert process.wait(LONGEST) == 0
    assert re.search(r"\n0 of 2 hosts, \d+ MB/s each, \d+ s", text)
    assert re.search(r"host-1 +this machine +\d+% +\d+% +\d+% +\d", text)
    assert "2 hosts have it: host-[1-2]," in text


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("image", "host-1:relative"), "must be absolute"),
        (("image", "host-1"), "does not say where to"),
        (("no-such-file", "host-1:/srv/"), "does not exist"),
        (("image",), "Missing argument"),
        (("/dev/null", "host-1:/srv/"), "is no plain file"),
        (("/proc/self/status", "host-1:/srv/"), "does not say how large it is"),
        (("-", "host-1:/srv/"), "has no name"),
        (("-o", "/none/at/all", "image", "host-1:/srv/"), "/none/at/all: No such file or directory"),
        (("--rate", "-1", "image", "host-1:/srv/"), "not in the range"),
        (("--into", "cat > /srv/image", "image", "host-1:/srv/"), "no shell reads it"),
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
