"""What is remembered about files."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from kadeploy.domain.image import Compression
from kadeploy.files.checksum import Version
from kadeploy.files.memo import Memo

VERSION = Version(path="/srv/a", size=1, mtime_ns=2, ctime_ns=3, inode=4, device=5)


def test_a_checksum_is_of_one_content_of_one_file() -> None:
    memo = Memo()
    memo.remember_checksum(VERSION, "abc")
    assert memo.checksum(VERSION) == "abc"
    for other in (
        replace(VERSION, size=99),
        replace(VERSION, mtime_ns=99),
        replace(VERSION, ctime_ns=99),
        replace(VERSION, inode=99),
        replace(VERSION, device=99),
    ):
        assert memo.checksum(other) is None
    memo.remember_checksum(replace(VERSION, size=7), "def")
    assert memo.checksum(VERSION) is None


def test_it_survives_in_json() -> None:
    memo = Memo()
    memo.remember_checksum(VERSION, "abc")
    memo.remember_intact("abc", Compression.XZ)
    again = Memo.from_json(json.loads(json.dumps(memo.to_json())))
    assert again.checksum(VERSION) == "abc"
    assert again.is_intact("abc", Compression.XZ)
    assert not again.is_intact("abc", Compression.GZIP)
    assert not again.is_intact("def", Compression.XZ)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"checksums": 1, "intact": 2},
        {"checksums": [1, {}, {"sha256": "x"}, {"sha256": "x", "odd": 1}], "intact": []},
    ],
)
def test_what_cannot_be_understood_is_left_out(data: dict[str, object]) -> None:
    memo = Memo.from_json(data)
    assert memo.to_json() == {"checksums": [], "intact": {}}


def test_the_oldest_are_forgotten() -> None:
    memo = Memo()
    for number in range(10_001):
        memo.remember_checksum(replace(VERSION, path=f"/srv/{number}"), "abc")
    assert memo.checksum(replace(VERSION, path="/srv/0")) is None
    assert memo.checksum(replace(VERSION, path="/srv/1")) == "abc"
