"""Serial consoles of simulated nodes: they say what the node does, and there is a system to log in to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

KEPT: Final = 8 * 1024  # bytes of what a node has said
BANNER: Final = "Simulated system on {name} ttyS0\n\n{name} login: "
GREETING: Final = "\nWelcome to {name}, which is simulated: whatever you type is said back to you.\n{name}:~# "


@dataclass(slots=True, kw_only=True)
class SerialLine:
    """The node's end. `heard` is told what is typed."""

    kept: bytearray = field(default_factory=bytearray)
    open: set[SimulatedLine] = field(default_factory=set)
    heard: Callable[[bytes], None] = lambda typed: None

    def say(self, text: str) -> None:
        said = text.replace("\n", "\r\n").encode()
        self.kept += said
        del self.kept[:-KEPT]
        for line in self.open:
            line.said.put_nowait(said)


class SimulatedLine:
    """Implements ports.console.Line."""

    def __init__(self, serial: SerialLine) -> None:
        self._serial = serial
        self.said: asyncio.Queue[bytes] = asyncio.Queue()
        if serial.kept:
            self.said.put_nowait(bytes(serial.kept))
        serial.open.add(self)

    async def read(self) -> bytes:
        return await self.said.get()

    def write(self, data: bytes) -> None:
        self._serial.heard(data)

    async def close(self) -> str:
        self._serial.open.discard(self)
        self.said.put_nowait(b"")
        return ""


class SimulatedConsoles:
    """Implements ports.console.Consoles over nodes' serial lines."""

    def __init__(self, serials: Mapping[str, SerialLine]) -> None:
        self._serials = serials

    def has(self, node: str) -> bool:
        return node in self._serials

    async def open(self, node: str) -> SimulatedLine:
        return SimulatedLine(self._serials[node])


class Login:
    """What a system does with what is typed: it echoes, and lets in whoever gives a name."""

    def __init__(self, name: str, say: Callable[[str], None]) -> None:
        self._name = name
        self._say = say
        self._line = ""
        self._is_in = False

    def begin(self) -> None:
        """A system has come up."""
        self._line, self._is_in = "", False
        self._say(BANNER.format(name=self._name))

    def hear(self, typed: bytes) -> None:
        for letter in typed.decode(errors="replace"):
            if letter in "\r\n":
                self._enter(self._line)
                self._line = ""
            elif letter.isprintable():
                self._line += letter
                self._say(letter)

    def _enter(self, line: str) -> None:
        if self._is_in and line == "exit":
            self._say("\nlogout\n\n")
            self.begin()
        elif self._is_in:
            self._say(f"\n{line}{chr(10) if line else ''}{self._name}:~# ")
        elif line:
            self._is_in = True
            self._say(GREETING.format(name=self._name))
        else:
            self._say(f"\n{self._name} login: ")
