"""A stamp says "nothing to do" only when nothing has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from kadeploy.minienv import stamp


@pytest.fixture(name="output")
def fixture_output(tmp_path: Path) -> Path:
    path = tmp_path / "initrd"
    path.write_bytes(b"x" * 100)
    return path


@pytest.fixture(name="mark")
def fixture_mark(tmp_path: Path, output: Path) -> Path:
    mark = tmp_path / ".stamp"
    stamp.write(mark, "recipe", [output])
    return mark


def test_the_same_recipe_and_outputs_are_current(mark: Path, output: Path) -> None:
    assert stamp.is_current(mark, "recipe", [output])


def test_another_recipe_is_not(mark: Path, output: Path) -> None:
    assert not stamp.is_current(mark, "another", [output])


def test_an_output_cut_short_is_not(mark: Path, output: Path) -> None:
    output.write_bytes(b"x" * 99)
    assert not stamp.is_current(mark, "recipe", [output])


def test_a_missing_output_is_not(mark: Path, output: Path) -> None:
    output.unlink()
    assert not stamp.is_current(mark, "recipe", [output])


def test_what_had_to_be_left_out_is_remembered(mark: Path, output: Path) -> None:
    assert stamp.left_out(mark) == ()
    stamp.write(mark, "recipe", [output], ["blake3==1.0"])
    assert stamp.left_out(mark) == ("blake3==1.0",)
    assert stamp.is_current(mark, "recipe", [output]), "whether it can be had by now is asked apart"


@pytest.mark.parametrize("content", ["", "not json", "[]", "{}"])
def test_of_a_damaged_stamp_nothing_is_known_to_be_left_out(mark: Path, content: str) -> None:
    mark.write_text(content)
    assert stamp.left_out(mark) == ()


@pytest.mark.parametrize("content", ["", "not json", "[]", '{"recipe": "recipe"}'])
def test_a_damaged_stamp_is_not(mark: Path, output: Path, content: str) -> None:
    mark.write_text(content)
    assert not stamp.is_current(mark, "recipe", [output])


def test_without_a_stamp_it_is_not(tmp_path: Path, output: Path) -> None:
    assert not stamp.is_current(tmp_path / "none", "recipe", [output])


def test_order_and_borders_of_the_parts_count() -> None:
    assert stamp.recipe_hash(["ab", "c"]) != stamp.recipe_hash(["a", "bc"])
    assert stamp.recipe_hash(["a", "b"]) != stamp.recipe_hash(["b", "a"])
    assert stamp.recipe_hash(["a", b"b"]) == stamp.recipe_hash([b"a", "b"])


def test_the_sources_are_names_and_contents_without_what_python_leaves_there(tmp_path: Path) -> None:
    room = tmp_path / "room"
    (room / "__pycache__").mkdir(parents=True)
    (room / "__pycache__/b.pyc").write_bytes(b"compiled")
    (room / "b.py").write_text("b")
    (room / "a.py").write_text("a")
    assert stamp.sources(room) == ["room/a.py", b"a", "room/b.py", b"b"]


def test_a_renamed_source_changes_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("same")
    before = stamp.recipe_hash(stamp.sources(tmp_path))
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert stamp.recipe_hash(stamp.sources(tmp_path)) != before
