"""`kadmin install`, which Kadeploy3 called `kaadmin3 install`: an environment from a web server, with its files."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import random
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from kadeploy.domain.image import Compression
from kadeploy.store.database import Database
from kadeploy.store.environments import SqlEnvironments
from tests.acceptance.cli.test_kadmin import Site
from tests.acceptance.cli.tools import Run, environment, run, running
from tests.integration.files.range_server import Parts
from tests.integration.files.web_server import WebServer, content, web_server

IMAGE = gzip.compress(b"an image" * 1000, mtime=0)
SCRIPTS = gzip.compress(b"scripts", mtime=0)


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "images").mkdir()
    site = Site(tmp_path)
    site.change(files={"roots": [str(tmp_path / "images")]})
    return site


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as server:
        server.answers |= {"/debian/image.tgz": content(IMAGE), "/scripts/post.tgz": content(SCRIPTS)}
        yield server


def described(web: WebServer, **more: object) -> str:
    description = {
        "name": "debian12",
        "os": "linux",
        "image": {"file": "image.tgz", "kind": "tar", "compression": "gzip", "checksum": sha256(IMAGE)},
        "postinstalls": [{"archive": f"{web.url}/scripts/post.tgz", "compression": "gzip", "script": "none"}],
        "boot": {"kernel": "/vmlinuz"},
        "filesystem": "ext4",
        **more,
    }
    web.answers["/debian/debian12.yaml"] = content(yaml.safe_dump(description).encode())
    return f"{web.url}/debian/debian12.yaml"


def install(site: Site, *words: str, tool: str = "kadmin") -> Run:
    return run(tool, "install", *words, env=site.env)


def recorded(directory: Path) -> list[tuple[str, str, str, str]]:
    database = Database.open(f"sqlite:///{directory}/state/kadeploy.db")
    try:
        found = asyncio.run(SqlEnvironments(database).find())
    finally:
        database.close()
    assert all(one.image.compression is Compression.GZIP for one in found)
    return [(one.user, one.name, one.image.file, one.image.checksum) for one in found]


@pytest.mark.parametrize("tool", ["kadmin", "kaadmin", "kaadmin3"])
def test_an_environment_with_its_files(site: Site, web: WebServer, tmp_path: Path, tool: str) -> None:
    done = install(site, described(web), "-u", "deploy", tool=tool)
    assert (done.exit, done.stdout) == (0, "environment debian12 version 1 of deploy is recorded\n"), done.stderr
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["image.tgz", "post.tgz"]
    images = tmp_path / "images"
    assert {path.name: path.read_bytes() for path in images.iterdir()} == {"image.tgz": IMAGE, "post.tgz": SCRIPTS}
    assert {path.stat().st_mode & 0o777 for path in images.iterdir()} == {0o644}
    assert recorded(tmp_path) == [("deploy", "debian12", f"server://{images}/image.tgz", sha256(IMAGE))]
    audited = json.loads(site.run("audit", "--json").stdout)
    assert (audited["scheme"], audited["action"]) == ("kadmin", "install")


def test_what_is_there_is_not_replaced_unasked(site: Site, web: WebServer, tmp_path: Path) -> None:
    url = described(web)
    assert install(site, url).exit == 0
    again = install(site, url)
    assert (again.exit, again.stdout) == (1, "")
    assert "environment debian12 version 1 of" in again.stderr
    assert "exists already (--replace)" in again.stderr
    newer = gzip.compress(b"a newer image", mtime=0)
    web.answers["/debian/image.tgz"] = content(newer)
    url = described(web, version=2, image={"file": "image.tgz", "kind": "tar", "compression": "gzip"})
    refused = install(site, url)
    assert refused.exit == 1
    assert f"image.file: {tmp_path}/images/image.tgz exists, and is another file" in refused.stderr
    assert (tmp_path / "images" / "image.tgz").read_bytes() == IMAGE
    assert install(site, url, "--replace").exit == 0
    assert (tmp_path / "images" / "image.tgz").read_bytes() == newer
    assert install(site, url, "--replace").exit == 0
    assert [one[3] for one in recorded(tmp_path)] == [sha256(IMAGE), sha256(newer)]


def test_a_file_of_this_machine(site: Site, tmp_path: Path) -> None:
    brought = tmp_path / "stick"
    brought.mkdir()
    (brought / "image.tgz").write_bytes(IMAGE)
    image = {"file": "image.tgz", "kind": "tar", "compression": "gzip"}
    description = {"name": "x", "os": "linux", "image": image, "boot": {"kernel": "/v"}, "filesystem": "ext4"}
    (brought / "x.yaml").write_text(yaml.safe_dump(description))
    below = tmp_path / "images" / "below"
    done = install(site, str(brought / "x.yaml"), "-u", "root", "--to", str(below), "--yes")
    assert done.exit == 0, done.stderr
    assert (below / "image.tgz").read_bytes() == IMAGE
    assert recorded(tmp_path) == [("root", "x", f"server://{below}/image.tgz", sha256(IMAGE))]


@pytest.mark.parametrize(
    ("changed", "words", "said"),
    [
        ({"os": "deploy"}, (), "is a minimal environment of Kadeploy3"),
        ({"os": "beos", "filesystem": None}, (), "debian12.yaml: os: "),
        ({"image": {"file": "none.tgz", "kind": "tar", "compression": "gzip"}}, (), "answers 404 Not Found"),
        ({"image": {"file": "image.tgz", "kind": "tar", "compression": "xz"}}, (), "is not an intact xz file"),
        (
            {"image": {"file": "image.tgz", "kind": "tar", "compression": "gzip", "checksum": "0" * 64}},
            (),
            "image.file: {url}/debian/image.tgz is not what the description says",
        ),
        (
            {"preinstall": {"archive": "../other/image.tgz", "compression": "gzip", "script": "x"}},
            (),
            "preinstall.archive: would be {images}/image.tgz, like image.file",
        ),
        ({}, ("--to", "/etc"), "--to /etc: the server reads no images there (files.roots is {images})"),
        ({}, ("-u", "a b"), "--user: 'a b' is not a user's name"),
    ],
)
def test_nothing_is_recorded_with_a_fault(
    site: Site, web: WebServer, tmp_path: Path, changed: dict[str, object], words: tuple[str, ...], said: str
) -> None:
    done = install(site, described(web, **changed), *words)
    assert (done.exit, done.stdout) == (1, "")
    assert said.format(url=web.url, images=tmp_path / "images") in done.stderr
    assert "Traceback" not in done.stderr
    assert recorded(tmp_path) == []
    assert not [path for path in (tmp_path / "images").iterdir() if path.name.startswith(".")]
    assert not (tmp_path / "images" / "none.tgz").exists()


@pytest.mark.parametrize("ended", [signal.SIGINT, signal.SIGKILL])
def test_what_came_before_it_was_ended_is_gone_on_with(
    site: Site, web: WebServer, tmp_path: Path, ended: signal.Signals
) -> None:
    large = gzip.compress(random.Random(3).randbytes(40_000_000), compresslevel=0, mtime=0)  # half is not on the way
    images, halfway, gate = tmp_path / "images", threading.Event(), threading.Event()
    web.answers["/debian/image.tgz"] = content(large, etag='"v1"', halfway=halfway, gate=gate)
    url = described(web, image={"file": "image.tgz", "kind": "tar", "compression": "gzip", "checksum": sha256(large)})
    with running("kadmin", "install", url, env=site.env) as tool:
        assert halfway.wait(30)
        other = install(site, url)
        told = f"kadmin: {images}/image.tgz is being brought by another kadmin install\n"
        assert (other.exit, told in other.stderr) == (1, True), other.stderr
        tool.send_signal(ended)
        _, stderr = tool.communicate(timeout=20)
        assert ended is signal.SIGKILL or (tool.returncode, "the same command goes on" in stderr) == (130, True), stderr
    gate.set()
    came = (images / ".image.tgz.part").stat().st_size
    assert 0 < came < len(large)
    assert not (images / "image.tgz").exists()
    web.requests.clear()
    web.answers["/debian/image.tgz"] = Parts(body=large, cut=len(large))
    done = install(site, url)
    assert done.exit == 0, done.stderr
    (asked,) = [headers for path, headers in web.requests if path == "/debian/image.tgz"]
    assert (asked["Range"], asked["If-Range"]) == (f"bytes={came}-", '"v1"')
    assert sorted(path.name for path in images.iterdir()) == ["image.tgz", "post.tgz"]
    assert recorded(tmp_path)[0][3] == sha256(large)


def test_a_place_where_nothing_is(site: Site, web: WebServer) -> None:
    for place in (f"{web.url}/nothing.yaml", "/nowhere.yaml"):
        done = install(site, place)
        assert (done.exit, done.stderr.count("\n")) == (1, 1), done.stderr
        assert done.stderr.startswith(f"kadmin: {place}: cannot be read")


def test_the_old_name_is_the_whole_tool(site: Site) -> None:
    said = run("kaadmin3", "audit", "--since", "soon", env=environment(site.directory.parent, "") | site.env)
    assert said.exit != 0
    assert "as 12h or 30d" in said.stderr
    assert "kaadmin3 audit --help" in said.stderr
