"""A node's serial console: at a terminal to type on, elsewhere to read."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from kadeploy.lab.libvirtd import URI

ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|[@-Z\\-_=>])|[\x00-\x08\x0b-\x1f\x7f]")
TURN = 0.2  # seconds between two looks at a console that says nothing
TAIL = 16 * 1024  # bytes


def attach(domain: str) -> None:
    """Become an interactive console on the machine, left with ^]; returns only by raising OSError."""
    os.execvp("virsh", ("virsh", "--connect", URI, "console", domain, "--force"))


def follow(log: Path, *, lines: int) -> Iterator[str]:
    """The console's last lines, and then, for ever, what it says next, also into the log that replaces a full one."""
    while not log.exists():
        time.sleep(TURN)
    file = log.open("rb")
    try:
        file.seek(0, os.SEEK_END)
        yield "\n".join(last_lines(log, lines, plain=False)) + "\n"
        while True:
            if said := file.read():
                yield said.decode(errors="replace")
            elif log.exists() and log.stat().st_ino != os.fstat(file.fileno()).st_ino:
                file.close()
                file = log.open("rb")
            else:
                time.sleep(TURN)
    finally:
        file.close()


def last_lines(log: Path, count: int, *, plain: bool = True) -> list[str]:
    """The last non-empty lines a console said, without its escape sequences if `plain`."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    cleaned = ESCAPES.sub("", text) if plain else text
    return [line.rstrip() for line in cleaned.splitlines() if line.strip()][-count:]
