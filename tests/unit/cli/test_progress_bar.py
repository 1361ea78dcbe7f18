"""The line that says how far a file has come."""

from __future__ import annotations

import io

from kadeploy.cli.progress_bar import Bar, picture


def test_a_picture_tells_share_rate_and_what_is_left() -> None:
    assert picture("a.tgz", "sending", 300_000_000, 600_000_000, 100_000_000, 2.0) == (
        "sending a.tgz ████████████░░░░░░░░░░░░  50 % of 600 MB, 100 MB/s, 0:03 left"
    )
    assert picture("a.tgz", "checking", 0, 600, 0, 1.0) == f"checking a.tgz {'░' * 24}   0 % of 600 B, 0 B/s"


def test_without_a_terminal_only_the_end_is_told() -> None:
    said = io.StringIO()
    with Bar("a.tgz", said) as bar:
        bar.begin("sending", 2_000_000, done=500_000)
        bar.advance(1_500_000)
    with Bar("b.tgz", said) as bar:
        bar.begin("sending", 2_000_000, done=2_000_000)
    assert said.getvalue() == "a.tgz: 1.5 MB sent\nb.tgz: is there already\n"
