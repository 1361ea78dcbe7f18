"""Ranges in clusters.conf keep the order they are written in."""

from __future__ import annotations

import pytest

from kadeploy.config.ranges import expand


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("node-1", ("node-1",)),
        ("node-[1-3]", ("node-1", "node-2", "node-3")),
        ("node-[08-10].site", ("node-08.site", "node-09.site", "node-10.site")),
        ("node-[8-10]", ("node-8", "node-9", "node-10")),
        ("node-[3,1]", ("node-3", "node-1")),
        ("r[1-2]-n[1-2]", ("r1-n1", "r1-n2", "r2-n1", "r2-n2")),
        ("10.0.0.[1-2]", ("10.0.0.1", "10.0.0.2")),
    ],
)
def test_names(text: str, names: tuple[str, ...]) -> None:
    assert expand(text) == names


@pytest.mark.parametrize(
    "text", ["node-[3-1]", "node-[a]", "node-[]", "node-[1", "node-1]", "n[1-999999999]", "n[1-9999][1-9999]"]
)
def test_what_is_no_range(text: str) -> None:
    with pytest.raises(ValueError, match=r"node-|n\["):
        expand(text)
