"""Every option of `kaenv` but for many at once, as a process against `kadeployd --simulate`: output and end."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml

from tests.acceptance.cli.environment_site import Site, ended, serving

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("kaenv")) as served:
        yield served


def test_record_list_print_and_delete(site: Site, tmp_path: Path) -> None:
    kaenv = partial(site.kaenv, "ann", cwd=tmp_path)
    file = site.write(tmp_path / "d.yaml", version=2, bogus=1, author="ann@example.org")
    ended(
        kaenv("-a", file),
        "recorded: debian12 version 2 of ann, private\n",
        stderr="kaenv: warning: bogus: is not a known key\n",
    )
    again = kaenv("--add", file)
    assert (again.stdout, again.exit) == ("", 10)
    assert "environment debian12 version 2 of ann exists already" in again.stderr
    site.write(tmp_path / "d.yaml", version=10, visibility="shared", description="The newest")
    assert kaenv("-a", file).exit == 0
    listed = "name      version  user  visibility  description\ndebian12  10       ann   shared      The newest\n"
    ended(kaenv("-l", "deb%"), listed)
    ended(kaenv("--list", "debian12", "--env-version", "10"), listed)
    every = kaenv("-l", "-s", "-u", "ann", "--columns", "version,image.kind,bogus")
    ended(every, "version  image.kind  bogus\n2        tar         1\n10       tar         -\n")
    unknown = kaenv("-l", "-s", "-u", "ann", "--columns", "name,vresion")
    assert (unknown.exit, unknown.stdout) == (1, "")
    assert unknown.stderr.startswith("kaenv: --columns vresion: there is no such key (there are name, version, ")
    ended(kaenv("-l", "nothing%"), "no environment\n")
    printed = kaenv("-p", "debian12", "--env-version", "2")
    assert (printed.stderr, printed.exit) == ("", 0)
    shown = yaml.safe_load(printed.stdout)
    assert shown == site.description(version=2, bogus=1, author="ann@example.org", description="") | {
        "visibility": "private",
        "destructive": False,
    }
    assert list(shown)[:3] == ["name", "os", "image"]
    both = kaenv("--print", "debian12", "--all-versions")
    assert [one["version"] for one in yaml.safe_load_all(both.stdout)] == [2, 10]
    missing = "kaenv: the environment 'none' version 3 does not exist (kaenv -l -s lists all of them)\n"
    ended(kaenv("-p", "none", "--env-version", "3"), "", stderr=missing, exit_code=1)
    ended(kaenv("-d", "debian12", "--dry-run"), "would be deleted: debian12 version 10 of ann, shared\n")
    ended(kaenv("-d", "debian12"), "deleted: debian12 version 10 of ann, shared\n")
    assert kaenv("-a", file).exit == 0
    gone = "deleted: debian12 version 2 of ann, private\ndeleted: debian12 version 10 of ann, shared\n"
    ended(kaenv("--delete", "debian12", "-s"), gone)
    assert kaenv("-d", "debian12").exit == 1


def test_names_with_owner_and_version_and_the_shape_of_answers(site: Site, tmp_path: Path) -> None:
    bob = partial(site.kaenv, "bob", cwd=tmp_path)
    carl = partial(site.kaenv, "carl", cwd=tmp_path)
    for version in (1, 2):
        assert bob("-a", site.write(tmp_path / "d.yaml", version=version, visibility="shared", alias="deb")).exit == 0
    assert yaml.safe_load(carl("-p", "debian12@bob:1").stdout)["version"] == 1
    assert yaml.safe_load(carl("-p", "deb@bob").stdout)["version"] == 2
    assert yaml.safe_load(carl("-p", "debian12", "--env-user", "bob").stdout)["version"] == 2
    told = json.loads(carl("-l", "-u", "bob", "-o", "json").stdout)
    assert [(one["user"], one["version"]) for one in told] == [("bob", 2)]
    assert json.loads(carl("-l", "-u", "bob", "--json").stdout) == told
    assert yaml.safe_load(carl("-l", "-u", "bob", "--output", "yaml").stdout) == told
    summed = yaml.safe_load(bob("-p", "debian12", "--with-checksums").stdout)
    assert summed["image"]["checksum"] == hashlib.sha256(site.image.read_bytes()).hexdigest()
    refused = carl("-d", "debian12@bob:1")
    assert (refused.exit, "the environments of bob are theirs to change" in refused.stderr) == (2, True)
    ended(bob("-d", "debian12:1"), "deleted: debian12 version 1 of bob, shared\n")


def test_tags_and_checksums(site: Site, tmp_path: Path) -> None:
    dora = partial(site.kaenv, "dora", cwd=tmp_path)
    scripts = site.images / "dora.tgz"
    scripts.write_bytes(gzip.compress(b"scripts", mtime=0))
    archive = {"archive": f"server://{scripts}", "compression": "gzip"}
    image = site.images / "dora-image.tgz"
    image.write_bytes(gzip.compress(b"a system", mtime=0))
    described = {"file": f"server://{image}", "kind": "tar", "compression": "gzip"}
    file = site.write(tmp_path / "d.yaml", name="d", image=described, preinstall=archive, postinstalls=[archive])
    assert dora("-a", file).exit == 0
    ended(dora("--set-visibility-tag", "d", "-t", "shared"), "changed: d version 1 of dora, shared\n")
    public = dora("--set-visibility-tag", "d", "--visibility-tag", "public")
    assert (public.exit, "only an administrator makes an environment public" in public.stderr) == (2, True)
    ended(
        site.kaenv("root", "--set-visibility-tag", "d", "-u", "dora", "-t", "public", "--no-dry-run", cwd=tmp_path),
        "changed: d version 1 of dora, public\n",
    )
    changed = "changed: d version 1 of dora, public, destructive\n"
    ended(dora("--toggle-destructive-tag", "d", "--env-version", "1"), changed)
    assert yaml.safe_load(dora("-p", "d").stdout)["destructive"] is True
    image.write_bytes(gzip.compress(b"another system", mtime=0))
    scripts.write_bytes(gzip.compress(b"other scripts", mtime=0))
    for letters in ("--update-image-checksum", "--update-preinstall-checksum", "--update-postinstalls-checksum"):
        ended(dora(letters, "d", "--dry-run"), f"would be {changed}")
        ended(dora(letters, "d"), changed)
        nothing = dora(letters, "d", "--all-versions")
        assert (nothing.exit, nothing.stdout) == (14, "")
    known = yaml.safe_load(dora("-p", "d", "--with-checksums").stdout)
    digest = hashlib.sha256(scripts.read_bytes()).hexdigest()
    assert (known["preinstall"]["checksum"], known["postinstalls"][0]["checksum"]) == (digest, digest)


def test_files_are_moved(site: Site, tmp_path: Path) -> None:
    assert site.kaenv("eve", "-a", site.write(tmp_path / "d.yaml", name="moving"), cwd=tmp_path).exit == 0
    moves = (f"server://{site.images}/d::server:///srv/new", "server:///nowhere::http://web")
    arguments = ("--move-files", "-m", ",".join(moves))
    assert site.kaenv("eve", *arguments, cwd=tmp_path).exit == 2
    dry = site.kaenv("root", *arguments, "--dry-run", cwd=tmp_path)
    line = "would be changed: moving version 1 of eve, private, server:///srv/new.tgz\n"
    assert (line in dry.stdout, dry.stderr, dry.exit) == (True, "", 0)
    assert "server:///srv/new.tgz" not in site.kaenv("eve", "-p", "moving", cwd=tmp_path).stdout
    moved = site.kaenv("root", "--move-files", "--files-to-move", moves[0], "-m", moves[1], cwd=tmp_path)
    assert "changed: moving version 1 of eve, private, server:///srv/new.tgz\n" in moved.stdout
    assert "file: server:///srv/new.tgz" in site.kaenv("eve", "-p", "moving", cwd=tmp_path).stdout
    back = f"server:///srv/new::server://{site.images}/d"
    assert site.kaenv("root", "--move-files", "-m", back, cwd=tmp_path).exit == 0
    assert site.kaenv("root", "--move-files", "-m", "server:///srv/new::x", cwd=tmp_path).exit == 3


def test_the_schema_is_the_published_one(site: Site, tmp_path: Path) -> None:
    published = json.loads((REFERENCE / "environment.schema.json").read_text())
    assert json.loads(site.kaenv("jo", "--schema", cwd=tmp_path).stdout) == published
    assert yaml.safe_load(site.kaenv("jo", "--schema", "-o", "yaml", cwd=tmp_path).stdout) == published


def test_an_image_of_this_machine(site: Site, tmp_path: Path) -> None:
    image = {"file": "here.tgz", "kind": "tar", "compression": "gzip"}
    file = site.write(tmp_path / "d.yaml", name="local", image=image)
    missing = site.kaenv("kim", "-a", file, "--secure", cwd=tmp_path)
    assert (missing.exit, "here.tgz: there is no such file on this machine" in missing.stderr) == (1, True)
    (tmp_path / "here.tgz").write_bytes(gzip.compress(b"a system", mtime=0))
    dry = site.kaenv("kim", "-a", file, "--dry-run", cwd=tmp_path)
    ended(dry, "would be recorded: local version 1 of kim\n")
    done = site.kaenv("kim", "-a", file, "--no-secure", cwd=tmp_path)
    assert (done.stdout, done.exit) == ("recorded: local version 1 of kim, private\n", 0)
    assert yaml.safe_load(site.kaenv("kim", "-p", "local", cwd=tmp_path).stdout)["image"]["file"].startswith("upload:")
    site.write(tmp_path / "more.yaml", name="more", image=image)
    imported = site.kaenv("kim", "--import", "more.yaml", cwd=tmp_path)
    assert (imported.stdout, imported.exit) == ("recorded: more version 1 of kim, private\n1 recorded\n", 0)


@pytest.mark.parametrize(
    ("arguments", "faults"),
    [
        (("--check",), ["--check needs files, directories or URLs"]),
        (("--import", "x", "--skip", "--replace"), ["--existing, --skip and --replace exclude each other"]),
        (("--import", "x", "--existing", "ask"), ["--existing ask: must be refuse, skip, replace"]),
        (("-l", "x", "y"), ["y: nothing is expected here"]),
        (("-l", "-o", "xml"), ["-o xml: must be table, json, yaml, kadeploy3"]),
        (("-l", "-s", "--env-version", "1"), ["-s and --env-version exclude each other"]),
        (("-l", "--env-version", "new"), ["--env-version new: must be a number of 0 or more"]),
        (("-d", "x", "-t", "public", "--skip"), ["-t goes with --set-visibility-tag", "--skip goes with --import"]),
        (("-p", "x", "--columns", "name"), ["--columns goes with -l"]),
        (("-d", "x", "--with-checksums"), ["--with-checksums goes with -l and -p"]),
        (("--move-files",), ["--move-files needs -m OLD::NEW"]),
        (("--move-files", "-m", "a,b::c,b::d"), ["-m a: must be OLD::NEW", "-m b::d: b goes to c already"]),
        (("-l", "-m", "a::b"), ["-m goes with --move-files"]),
        (("--import", "x", "--env-version", "1"), ["--env-version does not go with --import: it is described"]),
        (("--schema", "--export", "x"), ["--export and --schema exclude each other"]),
        (("--set-visibility-tag", "x", "-t", "secret"), ["-t secret: must be private, shared, public"]),
    ],
)
def test_what_does_not_go_together(site: Site, tmp_path: Path, arguments: tuple[str, ...], faults: list[str]) -> None:
    ended(
        site.kaenv("leo", *arguments, cwd=tmp_path),
        "",
        stderr="".join(f"kaenv: {fault}\n" for fault in faults),
        exit_code=1,
    )


def test_everything_wrong_with_a_description_is_told_also_what_only_this_machine_knows(
    site: Site, tmp_path: Path
) -> None:
    image = {"file": "gone.tgz", "kind": "tar", "compression": "gzip"}
    scripts = [{"archive": "local://scripts.tgz", "compression": "gzip", "script": "none"}]
    file = site.write(tmp_path / "d.yaml", name="wrong", os="bsd", boot=None, image=image, postinstalls=scripts)
    told = (
        "kaenv: d.yaml: os: must be linux, xen or other, not 'bsd'\n"
        "kaenv: d.yaml: boot.kernel: is required for a tar image\n"
        "kaenv: d.yaml: gone.tgz: there is no such file on this machine\n"
        "kaenv: d.yaml: local://scripts.tgz: there is no such file on this machine\n"
        "kaenv: nothing was recorded\n"
    )
    for words in (("-a", "d.yaml"), ("-a", "d.yaml", "--dry-run"), ("--import", file)):
        ended(site.kaenv("lou", *words, cwd=tmp_path), "", stderr=told.replace("d.yaml", words[1]), exit_code=7)
    said = json.loads(site.kaenv("lou", "-a", "d.yaml", "--json", cwd=tmp_path).stdout)
    assert len(said["faults"]) == 4
    assert site.kaenv("lou", "-l", "-u", "lou", cwd=tmp_path).stdout == "no environment\n"


def test_a_file_is_not_sent_for_a_description_that_is_refused(site: Site, tmp_path: Path) -> None:
    image = {"file": "here.tgz", "kind": "tar", "compression": "gzip"}
    (tmp_path / "here.tgz").write_bytes(gzip.compress(b"a system of lou's", mtime=0))
    site.write(tmp_path / "d.yaml", name="wrong", os="bsd", image=image)
    refused = site.kaenv("lou", "-a", "d.yaml", cwd=tmp_path)
    told = "kaenv: d.yaml: os: must be linux, xen or other, not 'bsd'\nkaenv: nothing was recorded\n"
    ended(refused, "", stderr=told, exit_code=7)
