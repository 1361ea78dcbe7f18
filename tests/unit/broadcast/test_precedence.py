"""How long a thread has waited for a processor, as far as its kernel says."""

from __future__ import annotations

from pathlib import Path

from kadeploy.broadcast.precedence import NOWHERE_QUEUED, Queued, queued


def test_what_the_kernel_says_is_read(tmp_path: Path) -> None:
    said = tmp_path / "schedstat"
    said.write_text("142361 62803000000 2\n")
    assert Queued(str(said)).seconds() == 62.803


def test_a_thread_that_is_gone_or_a_kernel_that_is_silent_is_zero(tmp_path: Path) -> None:
    assert NOWHERE_QUEUED.seconds() == 0
    assert Queued(str(tmp_path / "gone")).seconds() == 0


def test_this_thread_has_waited_some_time_or_none() -> None:
    assert 0 <= queued().seconds() < 3600
