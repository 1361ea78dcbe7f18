"""Reading a serial console that somebody else writes."""

from __future__ import annotations

from pathlib import Path

from kadeploy.lab.console import follow, last_lines


def test_the_last_lines_are_plain_text(tmp_path: Path) -> None:
    log = tmp_path / "node-1.log"
    log.write_bytes(b"\x1b[2J\x1b[01;01H\x1b[=3hiPXE 1.0\r\n\r\n\x1b[0;32m  OK  \x1b[0m Started ssh\r\n\r\nlogin: ")
    assert last_lines(log, 2) == ["  OK   Started ssh", "login:"]
    assert last_lines(log, 1) == ["login:"]


def test_a_console_that_said_nothing_has_no_last_line(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "missing.log", 1) == []


def test_following_begins_with_the_end_and_goes_on_in_the_next_log(tmp_path: Path) -> None:
    log = tmp_path / "node-1.log"
    log.write_text("one\ntwo\nthree\n")
    said = follow(log, lines=2)
    assert next(said) == "two\nthree\n"
    with log.open("a") as file:
        file.write("four\n")
    assert next(said) == "four\n"
    log.rename(tmp_path / "node-1.log.0")
    log.write_text("five\n")
    assert next(said) == "five\n"
