"""`kaenv --check`, `--import` and `--export`, as a process against `kadeployd --simulate`."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from tests.acceptance.cli.environment_site import Site, ended, serving

WARNED = "kaenv: warning: two.json: bogus: is not a known key\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("kaenv")) as served:
        yield served


def test_everything_wrong_with_many_files_is_told_before_anything_is_recorded(site: Site, tmp_path: Path) -> None:
    fred = partial(site.kaenv, "fred", cwd=tmp_path)
    folder = tmp_path / "all"
    folder.mkdir()
    site.write(folder / "good.yaml", name="good", filesytem="ext4")
    site.write(folder / "bad.yaml", name="bad%", os="bsd", visibility="public", boot=None)
    (folder / "text.yaml").write_text("name: [\n")
    site.write(folder / "twice.json", name="good", version=1)
    told = (
        "kaenv: warning: all/good.yaml: filesytem: is not a known key; did you mean filesystem?\n"
        "kaenv: all/text.yaml: line 2, column 1: did not find expected node content\n"
        "kaenv: all/bad.yaml: visibility: only an administrator makes an environment public\n"
        "kaenv: all/bad.yaml: name: must not hold %, which stands for any text when environments are searched\n"
        "kaenv: all/bad.yaml: os: must be linux, xen or other, not 'bsd'\n"
        "kaenv: all/bad.yaml: boot.kernel: is required for a tar image\n"
        "kaenv: all/twice.json: good version 1 of fred is described in all/good.yaml as well\n"
    )
    valid = "valid: good version 1 of fred\n" * 2
    ended(fred("--check", "all"), valid, stderr=told, exit_code=7)
    ended(fred("--import", "all"), "", stderr=f"{told}kaenv: nothing was recorded\n", exit_code=7)
    assert fred("-l", "-u", "fred").stdout == "no environment\n"
    said = json.loads(fred("--check", "all", "--json").stdout)
    assert [entry["name"] for entry in said["valid"]] == ["good", "good"]
    assert len(said["faults"]) == 6


def test_import_and_export(site: Site, tmp_path: Path) -> None:
    gail = partial(site.kaenv, "gail", cwd=tmp_path)
    documents = [site.description(name="one", version=version) for version in (1, 2)]
    (tmp_path / "one.yaml").write_text(yaml.safe_dump_all(documents, explicit_start=True))
    (tmp_path / "two.json").write_text(json.dumps([site.description(name="two/x", bogus=1)]))
    would = "".join(f"would be recorded: one version {version} of gail\n" for version in (1, 2))
    ended(gail("--import", "one.yaml", "--dry-run"), would)
    lines = "".join(f"recorded: one version {version} of gail, private\n" for version in (1, 2))
    ended(gail("--import", "one.yaml"), f"{lines}2 recorded\n")
    there = "".join(f"kaenv: one.yaml ({n} of 2): one version {n} of gail exists already\n" for n in (1, 2))
    hint = "kaenv: nothing was recorded; --skip and --replace say what to do with what exists\n"
    ended(gail("--import", "one.yaml", "two.json"), "", stderr=f"{WARNED}{there}{hint}", exit_code=10)
    skipped = lines.replace("recorded", "skipped")
    both = gail("--import", "one.yaml", "two.json", "--skip")
    ended(both, f"{skipped}recorded: two/x version 1 of gail, private\n2 skipped, 1 recorded\n", stderr=WARNED)
    ended(gail("--import", "one.yaml", "--existing", "replace"), f"{lines.replace('recorded', 'replaced')}2 replaced\n")
    assert json.loads(gail("--import", "one.yaml", "--replace", "-o", "json").stdout)["faults"] == []
    dry = gail("--export", "out", "--dry-run", "-u", "gail", "one")
    ended(dry, "would be written: one version 1 of gail, private\nwould be written: one version 2 of gail, private\n")
    exported = gail("--export", "out", "-u", "gail", "one", "two%")
    paths = ["out/gail/one-v1.yaml", "out/gail/one-v2.yaml", "out/gail/two%2Fx-v1.yaml"]
    ended(exported, "".join(f"written: {path}\n" for path in paths))
    assert gail("--export", "out", "nothing").exit == 1
    before = site.kaenv("root", "-l", "-s", "-u", "gail", "--with-checksums", "-o", "yaml", cwd=tmp_path).stdout
    for name in ("one", "two/x"):
        assert gail("-d", name, "-s").exit == 0
    back = site.kaenv("root", "--import", "out", cwd=tmp_path)
    assert back.stdout.endswith("3 recorded\n"), back
    after = site.kaenv("root", "-l", "-s", "-u", "gail", "--with-checksums", "-o", "yaml", cwd=tmp_path).stdout
    assert yaml.safe_load(after) == yaml.safe_load(before)


def test_a_missing_image_stops_only_its_own(site: Site, tmp_path: Path) -> None:
    hugo = partial(site.kaenv, "hugo", cwd=tmp_path)
    image = {"file": f"server://{site.images}/none.tgz", "kind": "tar", "compression": "gzip"}
    documents = [site.description(name="a", image=image), site.description(name="b")]
    (tmp_path / "many.yaml").write_text(yaml.safe_dump_all(documents))
    done = hugo("--import", "many.yaml")
    assert (done.stdout, done.exit) == ("recorded: b version 1 of hugo, private\n1 recorded, 1 failed\n", 5)
    assert done.stderr.startswith("kaenv: many.yaml (1 of 2): ")
    assert "none.tgz" in done.stderr


def test_descriptions_from_the_web_and_for_others(site: Site, tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    site.write(tmp_path / "web" / "list.yaml", name="web")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "web"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/list.yaml"
            checked = site.kaenv("ivan", "--check", url, cwd=tmp_path)
            added = site.kaenv("root", "-a", url, "-u", "ivan", "--dry-run", cwd=tmp_path)
            imported = site.kaenv("root", "--import", url, "-u", "ivan", cwd=tmp_path)
            refused = site.kaenv("ivan", "--check", url, "-u", "root", cwd=tmp_path)
        finally:
            server.shutdown()
            thread.join()
    ended(checked, "valid: web version 1 of ivan\n")
    ended(added, "would be recorded: web version 1 of ivan\n")
    ended(imported, "recorded: web version 1 of ivan, private\n1 recorded\n")
    assert refused.exit == 7
    assert "only an administrator records environments for others, here for root" in refused.stderr
    piped = site.kaenv("ivan", "--check", "-", cwd=tmp_path, stdin=(tmp_path / "web" / "list.yaml").read_text())
    ended(piped, "valid: web version 1 of ivan\n")
