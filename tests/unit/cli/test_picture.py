"""The picture in the README shows what the display shows now."""

from __future__ import annotations

from tests.unit.cli.draw_live import PICTURE, picture, words


def test_the_picture_is_up_to_date() -> None:
    assert words(PICTURE.read_text(encoding="utf-8")) == words(picture()), "python -m tests.unit.cli.draw_live"


def test_the_picture_asks_nothing_from_elsewhere() -> None:
    assert "url(http" not in PICTURE.read_text(encoding="utf-8")
    assert {"BroadcastEnvChain", "MB/s", "wait_reboot"} <= set(words(picture()))
