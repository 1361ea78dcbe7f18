"""`-a server:///PATH`, and --check and --import of one: descriptions at the server, as Kadeploy3's tools took them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from tests.acceptance.cli.environment_site import Site, ended
from tests.acceptance.cli.test_simulation import simulation
from tests.acceptance.cli.tools import Run, run

pytestmark = pytest.mark.timeout(120)


class Two:
    """Two servers of one home, each with a directory of its own that images are read from."""

    def __init__(self, environ: Mapping[str, str], sites: Mapping[str, Site], shared: Path) -> None:
        self.environ = environ
        self.sites = sites
        self.shared = shared

    def tell(self, tool: str, *arguments: str, cwd: Path, user: str = "alice") -> Run:
        return run(tool, *arguments, env={**self.environ, "USER": user}, cwd=cwd)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    home = tmp_path_factory.mktemp("descriptions")
    folders = {name: home / name for name in ("one", "two", "shared")}
    for folder in folders.values():
        (folder / "images").mkdir(parents=True)
    shared = folders["shared"] / "images"
    images = {name: folders[name] / "images" for name in ("one", "two")}
    settings = {"rights": {"kind": "dummy", "almighty_users": ["root"]}}
    fast = ("--simulate-speed", "300")
    roots = {name: {"roots": [str(images[name]), str(shared)]} for name in images}
    with (
        simulation(folders["one"], *fast, files=roots["one"], **settings) as first,
        simulation(folders["two"], *fast, "--simulate-domain", "two.example", files=roots["two"], **settings) as second,
    ):
        servers = [
            {"name": name, "hostname": "127.0.0.1", "port": urlsplit(each["KADEPLOY_SERVER"]).port, "secure": False}
            for name, each in (("one", first), ("two", second))
        ]
        (home / "client.conf").write_text(yaml.safe_dump({"default": "one", "servers": servers}))
        environ = {"PATH": first["PATH"], "HOME": str(home), "KADEPLOY_CONFIG_DIR": str(home), "LC_ALL": "C.UTF-8"}
        sites = {name: Site(environ, images[name]) for name in images}
        for site in (*sites.values(), Site(environ, shared)):
            site.image.write_bytes(gzipped())
        yield Two(environ, sites, shared)


def gzipped() -> bytes:
    return gzip.compress(b"a system", mtime=0)


def test_kadeploy_installs_what_a_file_of_the_server_describes(two: Two, tmp_path: Path) -> None:
    one = two.sites["one"]
    file = "server://" + one.write(one.images / "d.yaml")
    done = two.tell("kadeploy", "-m", "node-[1-2]", "-a", file, cwd=tmp_path)
    assert (done.exit, done.stderr) == (0, "")
    assert "2 of 2 nodes OK" in done.stdout
    assert two.tell("kadeploy", "-m", "node-1", "-a", file, "--dry-run", cwd=tmp_path).exit == 0


def test_kaenv_records_checks_and_imports_them(two: Two, tmp_path: Path) -> None:
    one = two.sites["one"]
    file = "server://" + one.write(one.images / "recorded.yaml", name="recorded")
    ended(two.tell("kaenv", "-a", file, cwd=tmp_path), "recorded: recorded version 1 of alice, private\n")
    assert "image:" in two.tell("kaenv", "-p", "recorded", cwd=tmp_path).stdout
    checked = two.tell("kaenv", "--check", file, cwd=tmp_path)
    assert (checked.exit, checked.stderr) == (0, "")
    many = one.images / "many.yaml"
    many.write_text(yaml.safe_dump([one.description(name="first"), one.description(name="second")]))
    here = one.write(tmp_path / "third.yaml", name="third")
    imported = two.tell("kaenv", "--import", f"server://{many}", here, cwd=tmp_path)
    assert (imported.exit, imported.stderr) == (0, "")
    assert imported.stdout.splitlines()[-1] == "3 recorded"


def test_what_cannot_be_read_is_told_and_nothing_of_it_shown(two: Two, tmp_path: Path) -> None:
    one = two.sites["one"]
    (one.images / "plain.txt").write_text("password: hunter2\n")
    for file, why in {
        "/etc/shadow": "is not under a directory that this server may read images from",
        f"{one.images}/../secret.yaml": "is not under a directory that this server may read images from",
        f"{one.images}/gone.yaml": "does not exist",
        f"{one.images}/plain.txt": "is not the description of an environment",
    }.items():
        for words in (
            ("kadeploy", "-m", "node-1", "-a", f"server://{file}"),
            ("kaenv", "-a", f"server://{file}"),
            ("kaenv", "--check", f"server://{file}"),
            ("kaenv", "--import", f"server://{file}"),
        ):
            done = two.tell(*words, cwd=tmp_path)
            assert done.exit in (5, 7), done
            assert why in done.stderr
            assert "hunter2" not in done.stdout + done.stderr


def test_files_of_this_machine_mean_nothing_there(two: Two, tmp_path: Path) -> None:
    one = two.sites["one"]
    image = {"file": "here.tgz", "kind": "tar", "compression": "gzip"}
    scripts = [{"archive": "local:///tmp/scripts.tgz", "compression": "gzip", "script": "none"}]
    (tmp_path / "here.tgz").write_bytes(gzipped())
    path = one.write(one.images / "local.yaml", name="local", os="bsd", image=image, postinstalls=scripts)
    no_meaning = (
        "a description of the server names no file of this machine (write server:///PATH or an http(s) address)"
    )
    told = (
        f"server://{path}: os: must be linux, xen or other, not 'bsd'",
        f"server://{path}: here.tgz: {no_meaning}",
        f"server://{path}: local:///tmp/scripts.tgz: {no_meaning}",
    )
    done = two.tell("kaenv", "-a", f"server://{path}", cwd=tmp_path)
    ended(done, "", stderr="".join(f"kaenv: {each}\n" for each in (*told, "nothing was recorded")), exit_code=7)
    deployed = two.tell("kadeploy", "-m", "node-1", "-a", f"server://{path}", cwd=tmp_path)
    assert deployed.exit == 1
    assert deployed.stderr == "".join(f"kadeploy: -a {each}\n" for each in told)
    everywhere = two.tell("kadeploy", "-M", "-m", "node-1", "-a", f"server://{path}", cwd=tmp_path)
    assert (everywhere.exit, everywhere.stderr) == (1, f"[one] -a {'; -a '.join(told)}\n")


def test_each_server_reads_its_own(two: Two, tmp_path: Path) -> None:
    shared = Site(two.environ, two.shared)
    file = "server://" + shared.write(two.shared / "everywhere.yaml", name="everywhere")
    recorded = two.tell("kaenv", "-M", "-a", file, cwd=tmp_path)
    assert (recorded.exit, recorded.stderr) == (0, "")
    assert [line.split("]")[0] for line in recorded.stdout.splitlines()] == ["[one", "[two"]
    nodes = "node-1,node-1.two.example"
    deployed = two.tell("kadeploy", "-M", "-m", nodes, "-a", file, "--json", cwd=tmp_path)
    assert deployed.exit == 0, deployed.stderr
    assert sorted(json.loads(deployed.stdout)) == ["one", "two"]
    one = two.sites["one"]
    own = "server://" + one.write(one.images / "own.yaml")
    half = two.tell("kadeploy", "-M", "-m", nodes, "-a", own, cwd=tmp_path)
    assert half.exit == 5
    assert "[two] " in half.stderr
    assert "is not under a directory" in half.stderr
    assert "[one] D-" in half.stdout


def test_one_description_of_standard_input_is_for_every_server(two: Two, tmp_path: Path) -> None:
    written = yaml.safe_dump(two.sites["one"].description(name="piped"))
    done = run("kaenv", "-M", "--check", "-", env={**two.environ, "USER": "alice"}, cwd=tmp_path, stdin=written)
    assert (done.exit, done.stderr) == (0, "")
    assert [line.split("]")[0] for line in done.stdout.splitlines()] == ["[one", "[two"]
