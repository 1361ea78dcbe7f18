"""A tool as the foreground of a terminal of its own: what is typed there reaches it, Ctrl-C as a signal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.acceptance.cli.tools import program

SIZE = {"COLUMNS", "LINES"}  # which would be stronger than the terminal's own
CTRL_C, ENTER = "\x03", "\n"
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
FOREGROUND = """\
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """A pseudo-terminal, and the tool on it."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self._master = master
        self.shown = ""

    def until(self, part: str, *, after: int = 0) -> None:
        """It is shown; `after` is how many characters were shown before."""
        while part not in self.shown[after:]:
            assert self._read(), f"{part!r} was never shown, but: {self.shown[after:]}"

    def rest(self) -> int:
        while self._read():
            pass
        return self.process.wait(20)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def _read(self) -> bool:
        try:
            chunk = os.read(self._master, 65536)
        except OSError:  # the tool has closed its side
            return False
        self.shown += chunk.decode(errors="replace")
        return bool(chunk)


@contextmanager
def on_terminal(tool: str, *arguments: str, env: Mapping[str, str], columns: int = 100) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", FOREGROUND, program(tool), *arguments],
        env={name: value for name, value in env.items() if name not in SIZE},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=env["HOME"],
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)
