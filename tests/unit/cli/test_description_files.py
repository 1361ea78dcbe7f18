"""Reading descriptions: files, directories, several documents; every fault of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from kadeploy.cli.client import Client
from kadeploy.cli.description import Source, read_all, read_source
from kadeploy.cli.servers import Server
from kadeploy.errors import Faults

KADEPLOY3 = """\
---
name: debian12
version: 1
image:
  file: server:///srv/d.tgz
  kind: tar
  compression: gzip
preinstall:
postinstalls:
---
name: debian12
version: 2
"""


def described_in(places: Sequence[str]) -> tuple[Sequence[Source], Sequence[str]]:
    with Client(Server(name="nobody", url="http://127.0.0.1:1"), "alice") as client:
        return read_all(places, client)


def test_what_kaenv3_prints_is_one_description_a_document(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(KADEPLOY3)
    sources, faults = described_in([str(tmp_path / "all.yaml")])
    assert faults == []
    assert [source.content["version"] for source in sources] == [1, 2]
    assert sources[0].place == f"{tmp_path}/all.yaml (1 of 2)"
    assert sources[0].content["preinstall"] is None


def test_a_directory_is_searched_and_a_list_is_many(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text('[{"name": "x"}, {"name": "y"}]')
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "c.env").write_text("name: c\n")
    (tmp_path / "a" / "README").write_text("not: one\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "z.yaml").write_text("name: z\n")
    sources, faults = described_in([str(tmp_path)])
    assert faults == []
    assert [source.content["name"] for source in sources] == ["c", "x", "y"]


def test_every_fault_of_every_file(tmp_path: Path) -> None:
    (tmp_path / "twice.yaml").write_text("a: 1\na: 2\n")
    (tmp_path / "text.yaml").write_text("just text\n")
    (tmp_path / "empty.yaml").write_text("---\n")
    (tmp_path / "keys.yaml").write_text("1: 2\n---\nname: fine\n")
    (tmp_path / "good.yaml").write_text("name: good\n")
    (tmp_path / "itself.yaml").write_text("a: &a [*a]\n")
    (tmp_path / "infinite.yaml").write_text("a: .inf\nb: 1\n---\na: !!set {x, y}\n---\na: &b [1]\nc: *b\n")
    (tmp_path / "latin.yaml").write_bytes(b"name: \xe9\n")
    (tmp_path / "nothing").mkdir()
    sources, faults = described_in([str(tmp_path), str(tmp_path / "nothing"), str(tmp_path / "gone")])
    assert [source.content.get("name", source.content) for source in sources] == [
        "good",
        {"a": ".inf", "b": 1},
        {"a": [1], "c": [1]},
        "fine",
    ]
    told = [fault.replace(f"{tmp_path}/", "") for fault in faults]
    assert told == [
        "empty.yaml: is empty",
        "infinite.yaml (2 of 3): holds what cannot be sent: Object of type set is not JSON serializable",
        "itself.yaml: holds what cannot be sent: Circular reference detected",
        "keys.yaml (1 of 2): is not the description of an environment (keys and values)",
        "latin.yaml: cannot be read: it is not text in UTF-8 (at byte 6)",
        "text.yaml: is not the description of an environment (keys and values)",
        "twice.yaml: line 2, column 1: the key 'a' is given twice",
        "nothing: holds no description (files in .yaml, .yml, .json, .dsc, .env)",
        "gone: cannot be read: No such file or directory",
    ]


def test_one_is_read_as_one(tmp_path: Path) -> None:
    file = tmp_path / "env.yaml"
    file.write_text("name: d\nreleased: 2024-01-02\nsize: 12:30:45\n")
    assert read_source(str(file)).content == {"name": "d", "released": "2024-01-02", "size": "12:30:45"}
    file.write_text(KADEPLOY3)
    with pytest.raises(Faults, match="holds 2 descriptions, not one"):
        read_source(str(file))
    file.write_text("a: [")
    with pytest.raises(Faults) as caught:
        read_source(str(file))
    assert caught.value.faults[0].startswith(f"-a {file}: line 2, column 1: did not find expected node content")


def test_files_that_are_not_there_are_told_beside_the_description(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("name: mine\nimage: {file: /nowhere/image.tgz}\n")
    source = read_source(str(tmp_path / "mine.yaml"))
    assert source.content["name"] == "mine"
    assert source.missing == ("/nowhere/image.tgz: there is no such file on this machine",)
    assert described_in([str(tmp_path)]) == ([source], [])
