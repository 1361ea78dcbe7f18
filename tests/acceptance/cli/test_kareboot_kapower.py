"""kareboot and kapower as processes: what they send."""

from __future__ import annotations

from pathlib import Path

from tests.acceptance.cli.stub_server import Answer, Route, Stream, site
from tests.acceptance.cli.tools import environment, run
from tests.unit.cli.story import Teller
from tests.unit.cli.test_inputs import KEY


def test_kareboot_and_its_fields(tmp_path: Path) -> None:
    wid = "R-1"
    teller = Teller(wid)
    events = [teller.began("node-1"), teller.done("0", "node-1"), teller.over("done", "node-1", "")]
    launched = Answer(body={"wid": wid, "resources": {"resource": f"/reboot/{wid}/"}})
    stream = Stream(events=list(enumerate(events, 1)))
    (tmp_path / "key.pub").write_text(KEY)
    routes: dict[str, Route] = {"POST /reboot/": launched, f"GET /reboot/{wid}/events": stream}
    with site(**routes).serving() as server:
        env = environment(tmp_path, server.url)
        done = run("kareboot", "-m", "node-1", "-r", "deploy_env", "-l", "hard", "-k", "key.pub", env=env)
        plain = run("kareboot", "-m", "node-1", env=env)
        wrong = run("kareboot", "-m", "node-1", "-r", "quick", "-l", "gently", "-k", "key.pub", env=env)
        first, second = (seen.body for seen in server.requests("POST", "/reboot/"))
    assert (done.exit, plain.exit, wrong.exit) == (0, 0, 1)
    assert first == {"kind": "deploy_env", "level": "hard", "ssh_authorized_keys_content": KEY, "nodes": ["node-1"]}
    assert second == {"kind": "simple", "nodes": ["node-1"]}
    assert len(wrong.stderr.splitlines()) == 3


def test_kapower_and_its_requests(tmp_path: Path) -> None:
    wid = "P-1"
    teller = Teller(wid)
    said = {"node-1": "on", "node-2": "off"}
    events = [teller.began("node-[1-2]"), teller.done("0", "node-[1-2]", said), teller.over("done", "node-[1-2]", "")]
    launched = Answer(body={"wid": wid, "resources": {"resource": f"/power/{wid}/"}})
    stream = Stream(events=list(enumerate(events, 1)))
    routes: dict[str, Route] = {"GET /power": launched, "PUT /power/": launched, f"GET /power/{wid}/events": stream}
    with site(**routes).serving() as server:
        env = environment(tmp_path, server.url)
        status = run("kapower", "-m", "node-[1-2]", "--status", env=env)
        off = run("kapower", "-m", "node-[1-2]", "--off", "-l", "very_hard", env=env)
        wrong = run("kapower", "-m", "node-1", "--on", "--off", env=env)
        nothing = run("kapower", "-m", "node-1", env=env)
        (asked,) = server.requests("GET", "/power")
        (switched,) = server.requests("PUT", "/power/")
    assert (status.exit, off.exit) == (0, 0)
    assert asked.query == {"nodes": ["node-[1-2]"]}
    assert switched.body == {"status": "off", "level": "very_hard", "nodes": ["node-1", "node-2"]}
    assert "\nnode    output\nnode-1  on\nnode-2  off\n" in status.stdout
    assert (wrong.exit, wrong.stderr) == (1, "kapower: --on and --off exclude each other\n")
    assert nothing.stderr == "kapower: say what to do: one of --on, --off, --status\n"
