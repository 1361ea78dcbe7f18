"""Where tools run: output that is closed, full or unread, strange terminals, strange users, proxies."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.acceptance.cli.debian import DEPLOY, EVENTS, all_ok, with_events
from tests.acceptance.cli.stub_server import Answer, Stream, Stub
from tests.acceptance.cli.terminal import on_terminal
from tests.acceptance.cli.tools import DEADLINE, environment, program, run
from tests.unit.cli.story import WID

MÜNCHEN = {"name": "München", "version": 1, "user": "alice", "visibility": "private", "description": "漢字"}
NOWHERE = "http://127.0.0.1:9"
FULL = "No space left on device"
UNHEARD = f"{WID} goes on at the server, unheard ({{}}): kadeploy --attach {WID} follows it again\n"


@pytest.fixture
def server() -> Iterator[Stub]:
    listed = Answer(body=[{**MÜNCHEN, "image": {"file": "server:///m"}}])
    with with_events(Stream(events=EVENTS), **{"GET /environments": listed}).serving() as stub:
        yield stub


def in_shell(line: str, env: Mapping[str, str]) -> tuple[int, str, str]:
    """A shell can close descriptors, and lead them to where nothing can be written."""
    done = subprocess.run(
        ["sh", "-c", line],
        env={**env, "PATH": f"{os.path.dirname(program('kaenv'))}:{env['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=DEADLINE,
        check=False,
        cwd=env["HOME"],
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def unread(tool: str, *arguments: str, env: Mapping[str, str]) -> tuple[int, str]:
    """The exit code and what was said where errors go, with nobody at the other end of standard output."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [program(tool), *arguments],
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=DEADLINE,
            check=False,
            cwd=env["HOME"],
        )
    finally:
        os.close(writer)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        ("kaenv -l > /dev/full", 1, f"kaenv: standard output cannot be written: {FULL}\n"),
        ("kaenv -l >&-", 0, ""),
        ("kaenv --nothing >&- 2>&-", 1, ""),
        ("kanodes -f - <&-", 1, "kanodes: -f -: names no node\n"),
        ("kadeploy -m node-1 -a - <&-", 1, "kadeploy: -a -: is empty\n"),
    ],
)
def test_output_that_cannot_be_written_and_input_that_is_closed(
    server: Stub, tmp_path: Path, line: str, code: int, error: str
) -> None:
    assert in_shell(line, environment(tmp_path, server.url)) == (code, "", error)


def test_who_hears_nothing_of_an_operation_any_more_is_told_where_it_goes_on(tmp_path: Path) -> None:
    with with_events(Stream(events=EVENTS)).serving() as stub:
        env = environment(tmp_path, stub.url)
        full = in_shell(f"kadeploy {' '.join(DEPLOY)} -o ok -n ko > /dev/full", env)
        assert full == (1, "", UNHEARD.format(FULL) + f"kadeploy: standard output cannot be written: {FULL}\n")
        assert (tmp_path / "ko").read_text() == "node-1\nnode-2\nnode-3\n"
        assert unread("kadeploy", *DEPLOY, env=env) == (1, UNHEARD.format("Broken pipe"))
        assert not stub.requests("DELETE", f"/deployment/{WID}")


def test_several_servers_unheard(tmp_path: Path) -> None:
    nodes = Answer(body=["node-1", "node-2", "node-3"])
    with with_events(
        Stream(events=EVENTS), **{"GET /nodes": nodes, "GET /version": Answer(body="4")}
    ).serving() as stub:
        (tmp_path / "client.conf").write_text(
            f"servers: [{{name: one, hostname: 127.0.0.1, port: {stub.port}, secure: false}}]\n"
        )
        env = {**environment(tmp_path, stub.url), "KADEPLOY_CONFIG_DIR": str(tmp_path)}
        told = in_shell(f"kadeploy -M {' '.join(DEPLOY)} > /dev/full", env)
    assert told == (1, "", f"[one] {UNHEARD.format(FULL)}kadeploy: standard output cannot be written: {FULL}\n")


def test_files_that_cannot_be_written_in_the_end_do_not_pass_for_well(tmp_path: Path) -> None:
    with with_events(Stream(events=all_ok())).serving() as stub:
        env = environment(tmp_path, stub.url)
        done = run("kadeploy", *DEPLOY, "-o", "/dev/full", "--write-workflow-id", "/dev/full", env=env)
    assert (done.exit, done.stderr.splitlines()) == (
        1,
        [
            f"--write-workflow-id /dev/full: cannot be written: {FULL}",
            f"kadeploy: -o /dev/full: cannot be written: {FULL}",
        ],
    )


def test_programs_are_told_utf_8_and_a_terminal_what_it_can_show(server: Stub, tmp_path: Path) -> None:
    env = {**environment(tmp_path, server.url), "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    code, told, error = in_shell("kaenv -l", env)
    assert (code, error) == (0, "")
    assert "München  1        alice  private     漢字" in told
    with on_terminal("kaenv", "-l", env=env) as terminal:
        assert terminal.rest() == 0
    assert "M?nchen  1        alice  private     ??" in terminal.shown


def test_what_is_no_text_is_refused_and_not_sent(server: Stub, tmp_path: Path) -> None:
    env = environment(tmp_path, server.url)
    code, _, error = in_shell("kadeploy -m node-1 -e $(printf '\\344')", env)
    assert (code, error) == (1, "kadeploy: '\\udce4': is not text in UTF-8, and cannot be sent\n")
    shown = run("kaenv", "-l", env={**env, "KADEPLOY_TOKEN": "ä"})
    assert (shown.exit, "ä" in shown.stderr) == (1, False)
    assert shown.stderr == "kaenv: KADEPLOY_TOKEN holds no token: no token has such characters\n"


def test_names_that_no_user_can_have_are_left_to_the_server(server: Stub, tmp_path: Path) -> None:
    assert run("kaenv", "-l", env={**environment(tmp_path, server.url), "USER": "jörg\nx"}).exit == 0
    assert server.requests("GET", "/environments")[-1].headers["x-kadeploy-user"] == "j?rg?x"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_who_has_no_name_on_this_machine_is_asked_for_one(server: Stub, tmp_path: Path) -> None:
    env = {name: value for name, value in environment(tmp_path, server.url).items() if name != "USER"}
    done = subprocess.run(
        ["setpriv", "--reuid=54321", "--clear-groups", program("kaenv"), "-l"],
        env={**env, "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "kaenv: this machine has no name for you (set USER to who you are)\n")


def test_an_unreachable_proxy_of_the_environment_is_named(server: Stub, tmp_path: Path) -> None:
    env = {**environment(tmp_path, server.url), "http_proxy": "http://alice:secret@127.0.0.1:9"}
    done = run("kaenv", "-l", env=env)
    assert done.exit == 1
    assert f"Connection refused (it was asked through {NOWHERE}, the environment's proxy; the address" in done.stderr
    assert "secret" not in done.stderr
    assert run("kaenv", "-l", env={**env, "no_proxy": "10.0.0.1, .0.0.1"}).exit == 0


def test_a_proxy_that_is_not_spoken_to_is_none_for_what_is_near(server: Stub, tmp_path: Path) -> None:
    env = {**environment(tmp_path, server.url), "ALL_PROXY": "socks5://127.0.0.1:9"}
    done = run("kaenv", "-l", env=env)
    said = f"the environment has {server.url} asked for through socks5://127.0.0.1:9, which is no http or https proxy"
    assert (done.exit, done.stderr) == (1, f"kaenv: {said} (no_proxy=127.0.0.1 goes straight)\n")
    assert run("kaenv", "-l", env={**env, "NO_PROXY": "127.0.0.1"}).exit == 0


def test_a_page_of_a_proxy_is_not_shown(tmp_path: Path) -> None:
    stub = Stub()
    stub.routes["GET /environments"] = Answer(body="<html>Access Denied</html>", status=403, kind="text/html")
    stub.routes["GET /auth_headers_prefix"] = Answer(body="X-Kadeploy-")
    with stub.serving():
        done = run("kaenv", "-l", env=environment(tmp_path, stub.url))
    assert done.exit == 1
    said = f"kaenv: what answers at {stub.url} is no Kadeploy server: it says 403 Forbidden (the address was named by"
    assert done.stderr.startswith(said)
