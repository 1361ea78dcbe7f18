"""What `kadmin migrate` writes says what Kadeploy3's files say, and tells what it left out."""

from __future__ import annotations

from pathlib import Path

from kadeploy.config.documents import read_originals
from kadeploy.config.load import examine
from kadeploy.config.migrated import migrated
from tests.unit.config.original_site import install


def test_reading_it_back_gives_the_same_values(tmp_path: Path) -> None:
    site = install(tmp_path / "kadeploy3")
    before = examine(site, read_originals)
    (tmp_path / "kadeploy.yaml").write_text(migrated(before, site))
    after = examine(tmp_path)
    assert after.findings.faults == []
    assert after.findings.warnings == [], "what was left out is not there to be warned of"
    assert after.server == before.server
    assert after.site == before.site


def test_each_thing_that_was_left_out_is_a_comment_in_its_place(tmp_path: Path) -> None:
    site = install(tmp_path)
    found = examine(site, read_originals)
    lines = [line.strip() for line in migrated(found, site).splitlines()]
    for warning in found.findings.warnings:
        path = warning.removeprefix(f"{site}/").partition(": ")[2]
        if not path.startswith("partitioning.layout"):
            assert f"# {path}" in lines
    place = lines.index("remoteops:")
    assert lines[place - 1].startswith("# remoteops.level_name: is Kadeploy3's and has no effect here")
