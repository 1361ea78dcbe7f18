"""What users put into an operation, through real agents: command lines, scripts, files."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import http.server
import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.integration.agents.world import KnownTokens, agent, quoted, script, serving, until


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None: ...


@contextlib.contextmanager
def web(folder: Path, port: int = 0) -> Iterator[int]:
    """A folder over HTTP, as the server serves the files of operations."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "web" / "files"
    folder.mkdir(parents=True)
    return folder


def kept(files: Path, content: bytes) -> dict[str, object]:
    """Arguments for a file that the server has."""
    sha256 = hashlib.sha256(content).hexdigest()
    (files / sha256).write_bytes(content)
    return {"url": f"/files/{sha256}", "sha256": sha256}


def test_a_command_line_is_read_by_a_shell_that_exports_the_variables(tmp_path: Path, tokens: KnownTokens) -> None:
    scripts = tmp_path / "rambin"
    variables = {"KADEPLOY_NODE": "node-1", "WORDS": "two  words", "KADEPLOY_PREPOST_EXTRACTION_DIR": str(scripts)}
    line = "echo $KADEPLOY_NODE; env | grep ^WORDS; ls -d $KADEPLOY_PREPOST_EXTRACTION_DIR; echo aside >&2"

    async def go() -> None:
        async with serving(tokens) as server, agent(tmp_path / "node", server.port):
            args = {"command": line, "environment": variables}
            said = await server.run("node-1", "run_command", args, key="k1")
            assert said.outputs == {"node-1": f"node-1\nWORDS=two  words\n{scripts}\naside\n"}

    asyncio.run(go())


def test_a_command_that_fails_says_how_and_its_last_words(tmp_path: Path, tokens: KnownTokens) -> None:
    async def go() -> None:
        async with serving(tokens) as server, agent(tmp_path / "node", server.port):
            failed = await server.run("node-1", "run_command", {"command": "echo a; echo b >&2; exit 3"}, key="k1")
            assert failed.ko == {"node-1": "the command exited with 3: a\nb"}
            long = await server.run("node-1", "run_command", {"command": "seq 10000; exit 1"}, key="k2")
            assert long.ko["node-1"].startswith("the command exited with 1: …")
            assert long.ko["node-1"].endswith("9999\n10000")
            assert len(long.ko["node-1"]) < 1600
            mute = await server.run("node-1", "run_command", {"command": "kill -9 $$"}, key="k3")
            assert mute.ko == {"node-1": "the command was ended by SIGKILL"}

    asyncio.run(go())


def test_a_command_ends_at_its_deadline(tmp_path: Path, tokens: KnownTokens) -> None:
    pid = tmp_path / "pid"

    async def go() -> None:
        async with serving(tokens) as server, agent(tmp_path / "node", server.port):
            args = {"command": f"echo $$ > {quoted(pid)}; sleep 1000"}
            result = await server.run("node-1", "run_command", args, key="k1", deadline=1.5)
            assert result.ko == {"node-1": "run_command did not end in 2 s"}
            await until(lambda: pid.exists() and not Path(f"/proc/{pid.read_text().strip()}").exists())

    asyncio.run(go())


def test_a_script_is_fetched_checked_and_run_with_its_arguments(
    tmp_path: Path, files: Path, tokens: KnownTokens
) -> None:
    script = kept(files, b'#!/bin/sh\necho "$0 $# $1 $2 $WHO"; pwd\n')

    async def go() -> None:
        with web(tmp_path / "web") as port:
            server_url = f"http://127.0.0.1:{port}"
            async with serving(tokens) as server, agent(tmp_path / "node", server.port, url=server_url):
                args = {**script, "name": "do.sh", "arguments": ["a b", "$c"], "environment": {"WHO": "alice"}}
                said = (await server.run("node-1", "run_file", args, key="k1")).outputs["node-1"]
                program, folder = said.splitlines()
                assert program.endswith("/do.sh 2 a b $c alice")
                await until(lambda: not os.path.exists(folder))
                changed = {**args, "sha256": "0" * 64}
                refused = await server.run("node-1", "run_file", changed, key="k2")
                assert "is not the file it should be" in refused.ko["node-1"]
                missing = {**args, "url": "/files/none"}
                gone = await server.run("node-1", "run_file", missing, key="k3")
                assert "could not be fetched: HTTP Error 404" in gone.ko["node-1"]

    asyncio.run(go())


def test_a_script_may_come_with_the_command(tmp_path: Path, tokens: KnownTokens) -> None:
    async def go() -> None:
        async with serving(tokens) as server, agent(tmp_path / "node", server.port):
            args = {"name": "fails", "content": "#!/bin/sh\necho no; exit 7\n"}
            failed = await server.run("node-1", "run_file", args, key="k1")
            assert failed.ko == {"node-1": "the script fails exited with 7: no"}
            no_program = {"name": "text", "content": "just a text"}
            odd = await server.run("node-1", "run_file", no_program, key="k2")
            assert odd.ko == {"node-1": "the script text was not found: Exec format error"}

    asyncio.run(go())


def test_archives_leave_what_they_hold_to_those_that_follow(tmp_path: Path, tokens: KnownTokens) -> None:
    scripts = tmp_path / "rambin"
    variables = {"KADEPLOY_PREPOST_EXTRACTION_DIR": str(scripts)}

    async def go() -> None:
        async with serving(tokens) as server, agent(tmp_path / "node", server.port):
            silent = {**script(tmp_path, "echo never"), "script": "none", "environment": variables}
            assert (await server.run("node-1", "run_script", silent, key="k1")).outputs == {"node-1": ""}
            assert (scripts / "do").is_file()
            (scripts / "left").write_text("by the first")
            loud = {**script(tmp_path, "pwd; cat left; echo oops >&2; exit 4"), "environment": variables}
            failed = await server.run("node-1", "run_script", loud, key="k2")
            assert failed.ko == {"node-1": f"the script do exited with 4: {scripts}\nby the first\noops"}

    asyncio.run(go())


def test_files_are_put_in_their_places(tmp_path: Path, files: Path, tokens: KnownTokens) -> None:
    content = bytes(range(256)) * 8192
    file = kept(files, content)
    there = tmp_path / "there"
    there.mkdir()

    async def go() -> None:
        with web(tmp_path / "web") as port:
            server_url = f"http://127.0.0.1:{port}"
            async with serving(tokens) as server, agent(tmp_path / "node", server.port, url=server_url):
                places = {
                    str(there): there / "data",
                    f"{tmp_path}/new/": tmp_path / "new" / "data",
                    f"{tmp_path}/a/b/c": tmp_path / "a" / "b" / "c",
                }
                for number, (destination, expected) in enumerate(places.items()):
                    args = {**file, "name": "data", "destination": destination, "mode": 0o750}
                    done = await server.run("node-1", "put_file", args, key=f"k{number}")
                    assert done.outputs == {"node-1": f"{expected}\n"}
                    assert expected.read_bytes() == content
                    assert expected.stat().st_mode & 0o7777 == 0o750
                    assert [path.name for path in expected.parent.iterdir()] == [expected.name]

    asyncio.run(go())


def test_a_file_that_is_there_already_moves(tmp_path: Path, tokens: KnownTokens) -> None:
    arrived = tmp_path / "arrived"
    arrived.write_bytes(b"through the chain")

    async def go() -> None:
        async with serving(tokens) as server, agent(tmp_path / "node", server.port):
            args = {"url": arrived.as_uri(), "name": "x", "remove": str(arrived), "destination": f"{tmp_path}/there/"}
            done = await server.run("node-1", "put_file", args, key="k1")
            assert done.outputs == {"node-1": f"{tmp_path}/there/x\n"}
            assert (tmp_path / "there" / "x").read_bytes() == b"through the chain"
            assert not arrived.exists()

    asyncio.run(go())


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, tokens: KnownTokens) -> None:
    (tmp_path / "file").write_text("")

    async def go() -> None:
        async with serving(tokens) as server, agent(tmp_path / "node", server.port):
            args = {"content": "x", "name": "x", "destination": f"{tmp_path}/file/x"}
            refused = await server.run("node-1", "put_file", args, key="k1")
            assert refused.ko["node-1"].startswith(f"{tmp_path}/file/x could not be written: ")
            relative = await server.run("node-1", "put_file", {**args, "destination": "x"}, key="k2")
            assert relative.ko == {"node-1": "the destination 'x' is no absolute path"}

    asyncio.run(go())


def test_a_place_in_the_installed_system_is_found_as_that_system_finds_it(tmp_path: Path, tokens: KnownTokens) -> None:
    tree = tmp_path / "tree"
    (tree / "data").mkdir(parents=True)
    (tree / "etc").symlink_to("/data")

    async def go() -> None:
        async with serving(tokens) as server, agent(tmp_path / "node", server.port):
            args = {"content": "hello", "name": "motd", "destination": f"{tree}/etc/", "tree": str(tree)}
            done = await server.run("node-1", "put_file", args, key="k1")
            assert done.outputs == {"node-1": f"{tree}/data/motd\n"}
            assert (tree / "data" / "motd").read_text() == "hello"

    asyncio.run(go())


def test_a_server_that_comes_back_is_asked_again(tmp_path: Path, files: Path, tokens: KnownTokens) -> None:
    script = kept(files, b"#!/bin/sh\necho done\n")

    async def go() -> None:
        with web(tmp_path / "web") as port:
            pass  # it was here, and is gone
        async with (
            serving(tokens) as server,
            agent(tmp_path / "node", server.port, url=f"http://127.0.0.1:{port}") as one,
        ):
            args = {**script, "name": "do"}
            asked = asyncio.create_task(server.run("node-1", "run_file", args, key="k1"))
            await one.heard("run_file: k1")
            with web(tmp_path / "web", port):
                assert (await asked).outputs == {"node-1": "done\n"}

    asyncio.run(go())
