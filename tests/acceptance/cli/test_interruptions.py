"""Bad minutes: connections cut, a server started again, Ctrl-C at every moment, coming back later."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import cast

import pytest

from kadeploy.cli.client import Client
from kadeploy.cli.servers import Server
from tests.acceptance.cli.debian import DEPLOY, EVENTS, LAUNCHED, RESOURCE, with_events
from tests.acceptance.cli.stub_server import Answer, Lost, Seen, Stream
from tests.acceptance.cli.tools import environment, lines_until, run, running
from tests.unit.cli.story import DEPLOYMENT, WID, Teller


def test_a_connection_cut_in_the_middle_is_resumed(tmp_path: Path) -> None:
    streams = [Stream(events=EVENTS[:9], cut=True), Stream(events=EVENTS[:14], cut=True), Stream(events=EVENTS)]
    with with_events(lambda seen: streams.pop(0)).serving() as server:
        done = run("kadeploy", *DEPLOY, env=environment(tmp_path, server.url))
        resumed = [seen.headers.get("last-event-id") for seen in server.requests("GET", f"{RESOURCE}/events")]
    assert resumed == [None, "9", "14"]
    assert done.exit == 40
    told = [line for line in done.stdout.splitlines() if "SetDeploymentEnvUntrusted-switch_pxe:" in line]
    assert len(told) == 1


def test_a_server_killed_and_started_again_is_waited_for(tmp_path: Path) -> None:
    """Killed in the middle of a stream, nothing on its port for a while, then there again."""
    gone = threading.Event()
    server = with_events(Stream(events=EVENTS[:9], wait=gone, cut=True))
    with ExitStack() as later:
        with server.serving():
            env = environment(tmp_path, server.url)
            tool = later.enter_context(running("kadeploy", *DEPLOY, env=env))
            lines_until(tool, "wait_reboot took")
        gone.set()
        told = lines_until(tool, "Connection lost")
        assert "trying again for 9:5" in told[-1]
        server.routes[f"GET {RESOURCE}/events"] = Stream(events=EVENTS)
        with server.serving():
            stdout, stderr = tool.communicate(timeout=20)
    assert (tool.returncode, stderr) == (40, "")
    assert "The server answers again." in stdout
    assert "switch_pxe:" not in stdout
    assert server.requests("GET", f"{RESOURCE}/events")[-1].headers["last-event-id"] == "9"


def test_a_launch_whose_answer_was_lost_is_sent_again_with_its_key(tmp_path: Path) -> None:
    server = with_events(Stream(events=EVENTS))
    answer, tries = server.routes["POST /deployment/"], [Lost()]
    server.routes["POST /deployment/"] = lambda seen: tries.pop() if tries else cast(Answer, answer)
    with server.serving():
        done = run("kadeploy", *DEPLOY, env=environment(tmp_path, server.url))
    first, second = server.requests("POST", "/deployment/")
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"] != ""
    assert first.body == second.body
    assert (done.exit, done.stderr) == (40, "")


def test_a_server_that_falls_silent_is_asked_again_once(tmp_path: Path) -> None:
    """As after the 120 seconds that a launch may take; here there is less patience."""
    server, silent = with_events(Stream(events=EVENTS)), threading.Event()
    answer = cast(Answer, server.routes["POST /deployment/"])
    tries = [silent]

    def slowly(seen: Seen) -> Answer:
        if tries:
            tries.pop().wait(20)
        return answer

    server.routes["POST /deployment/"] = slowly
    with server.serving(), Client(Server(url=server.url, prefix="X-Kadeploy-"), "alice", patience=0.5) as client:
        told = client.once("POST", "/deployment/", body={"nodes": ["node-1"]})
        silent.set()
    assert told == answer.body
    first, second = server.requests("POST", "/deployment/")
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


def test_a_launch_whose_answer_is_lost_again_may_have_begun(tmp_path: Path) -> None:
    server = with_events(Stream(events=EVENTS))
    server.routes["POST /deployment/"] = Lost()
    with server.serving():
        done = run("kadeploy", *DEPLOY, env=environment(tmp_path, server.url))
    assert len(server.requests("POST", "/deployment/")) == 2
    assert done.exit == 1
    assert "whether the operation was launched is not known: kanodes -d shows it" in done.stderr


def test_patience_with_a_lost_server_has_an_end(tmp_path: Path) -> None:
    away = Answer(status=503, body="the server is stopping")
    streams: list[Stream | Answer] = [Stream(events=EVENTS[:9], cut=True)]
    with with_events(lambda seen: streams.pop() if streams else away).serving() as server:
        done = run("kadeploy", *DEPLOY, "--patience", "0", "-n", "ko", env=environment(tmp_path, server.url))
    assert done.exit == 1
    assert f"gave up after 0 s: the server is stopping (kadeploy --attach {WID} follows it again)" in done.stderr
    assert (tmp_path / "ko").read_text() == "node-1\nnode-2\nnode-3\n"


def test_ctrl_c_aborts(tmp_path: Path) -> None:
    aborted = threading.Event()

    def abort(seen: Seen) -> Answer:
        aborted.set()
        return Answer(body={"wid": WID})

    teller = Teller()
    events = [teller.began("node-[1-3]"), teller.started("0", DEPLOYMENT, "reboot", "node-[1-3]")]
    end = (3, teller.over("aborted", "", "node-[1-3]"))
    stream = Stream(events=list(enumerate(events, 1)), wait=aborted, then=[end])
    with with_events(stream, **{f"DELETE {RESOURCE}": abort}).serving() as server:
        env = environment(tmp_path, server.url)
        with running("kadeploy", *DEPLOY, "-o", "ok", "-n", "ko", env=env) as tool:
            lines_until(tool, "reboot: node-[1-3]")
            tool.send_signal(signal.SIGINT)
            stdout, stderr = tool.communicate(timeout=20)
        assert server.requests("DELETE", RESOURCE)[0].body == {"cancel": True}
    assert tool.returncode == 130
    assert stderr == ""
    assert "Aborting the operation; Ctrl-C again leaves at once." in stdout
    assert stdout.endswith(f"{WID} aborted: 0 of 3 nodes OK\n")
    assert "KO: 3\n  node-[1-3]: SetDeploymentEnvUntrusted-reboot: aborted\n" in stdout
    assert (tmp_path / "ko").read_text() == "node-1\nnode-2\nnode-3\n"


def test_a_second_ctrl_c_leaves_at_once(tmp_path: Path) -> None:
    never = threading.Event()
    arrived = threading.Event()

    def hang(seen: Seen) -> Answer:
        arrived.set()
        never.wait(30)
        return Answer(body={"wid": WID})

    stream = Stream(events=EVENTS[:4], wait=never)
    with with_events(stream, **{f"DELETE {RESOURCE}": hang}).serving() as server:
        env = environment(tmp_path, server.url)
        with running("kadeploy", *DEPLOY, "-n", "ko", env=env) as tool:
            lines_until(tool, "SetDeploymentEnvUntrusted-reboot:")
            tool.send_signal(signal.SIGINT)
            assert arrived.wait(20)
            tool.send_signal(signal.SIGINT)
            stdout, stderr = tool.communicate(timeout=20)
        never.set()
    assert tool.returncode == 130
    assert "Traceback" not in stderr
    assert f"{WID} goes on at the server: kadeploy --attach {WID} follows it again." in stdout
    assert (tmp_path / "ko").read_text() == "node-1\nnode-2\nnode-3\n"


def test_ctrl_c_before_the_launch_is_answered(tmp_path: Path) -> None:
    never, arrived = threading.Event(), threading.Event()

    def hang(seen: Seen) -> Answer:
        arrived.set()
        never.wait(30)
        return LAUNCHED

    with with_events(Stream(events=()), **{"POST /deployment/": hang}).serving() as server:
        with running("kadeploy", *DEPLOY, "-n", "ko", env=environment(tmp_path, server.url)) as tool:
            assert arrived.wait(20)
            tool.send_signal(signal.SIGINT)
            _, stderr = tool.communicate(timeout=20)
        never.set()
    assert tool.returncode == 130
    assert stderr == (
        "kadeploy: interrupted before the server had answered; "
        "whether the operation was launched is not known: kanodes -d shows it\n"
    )
    assert (tmp_path / "ko").read_text() == "node-1\nnode-2\nnode-3\n"


def test_ctrl_c_while_attached_leaves_the_operation_running(tmp_path: Path) -> None:
    never = threading.Event()
    with with_events(Stream(events=EVENTS[:4], wait=never)).serving() as server:
        with running("kadeploy", "--attach", WID, env=environment(tmp_path, server.url)) as tool:
            lines_until(tool, "SetDeploymentEnvUntrusted-reboot:")
            tool.send_signal(signal.SIGINT)
            tool.communicate(timeout=20)
        never.set()
        assert not server.requests("DELETE", RESOURCE)
    assert tool.returncode == 130


def test_attaching_tells_the_whole_story(tmp_path: Path) -> None:
    with with_events(Stream(events=EVENTS)).serving() as server:
        done = run("kadeploy", "--attach", WID, "-o", "ok", env=environment(tmp_path, server.url))
    assert done.exit == 40
    assert (tmp_path / "ok").read_text() == "node-1\nnode-2\n"


@contextmanager
def inherited(number: signal.Signals, handler: signal.Handlers) -> Iterator[None]:
    """By what is started meanwhile, however the tests themselves were started."""
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_tool_that_is_ended_leaves_its_files_and_says_where_it_goes_on(
    tmp_path: Path, number: signal.Signals
) -> None:
    """As by a batch system, or a connection to the machine that is lost."""
    gone = threading.Event()
    with with_events(Stream(events=EVENTS[:9], wait=gone)).serving() as server:
        env = environment(tmp_path, server.url)
        with inherited(number, signal.SIG_DFL), running("kadeploy", *DEPLOY, "-o", "ok", "-n", "ko", env=env) as tool:
            lines_until(tool, "wait_reboot took")
            tool.send_signal(number)
            _, stderr = tool.communicate(timeout=20)
        gone.set()
        assert not server.requests("DELETE", RESOURCE)
    assert tool.returncode == 128 + number
    assert stderr == f"{WID} goes on at the server: kadeploy --attach {WID} follows it again\n"
    assert (tmp_path / "ok").read_text() == ""
    assert (tmp_path / "ko").read_text() == "node-1\nnode-2\nnode-3\n"


def test_what_is_started_to_outlive_its_terminal_does(tmp_path: Path) -> None:
    gone = threading.Event()
    with with_events(Stream(events=EVENTS[:9], wait=gone, then=EVENTS[9:])).serving() as server:
        env = environment(tmp_path, server.url)
        with inherited(signal.SIGHUP, signal.SIG_IGN), running("kadeploy", *DEPLOY, env=env) as tool:
            lines_until(tool, "wait_reboot took")
            tool.send_signal(signal.SIGHUP)
            gone.set()
            tool.communicate(timeout=20)
    assert tool.returncode == 40
