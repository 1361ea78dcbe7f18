"""A console that many attend: what each of them hears."""

from __future__ import annotations

import asyncio

from kadeploy.domain.console import LeaveKey
from kadeploy.operations.console_line import Listener, SharedLine


class ScriptedLine:
    """Implements ports.console.Line: says what the test puts in, an empty text at the end."""

    def __init__(self, why: str = "") -> None:
        self.to_say: asyncio.Queue[bytes] = asyncio.Queue()
        self.typed = b""
        self.closed = 0
        self._why = why

    async def read(self) -> bytes:
        return await self.to_say.get()

    def write(self, data: bytes) -> None:
        self.typed += data

    async def close(self) -> str:
        self.closed += 1
        return self._why


async def hears(listener: Listener, until: bytes) -> bytes:
    heard = b""
    while until not in heard:
        heard += await listener.read()
    return heard


def test_who_comes_later_hears_what_was_said_before_up_to_the_bound() -> None:
    async def scenario() -> None:
        line, kept = ScriptedLine(), bytearray()
        shared = SharedLine(line, scrollback=10, keep=kept.extend)
        first = shared.listen()
        carrying = asyncio.create_task(shared.carry())
        line.to_say.put_nowait(b"0123456789")
        assert await hears(first, b"9") == b"0123456789"
        line.to_say.put_nowait(b"abc")
        assert await hears(first, b"c") == b"abc"
        assert await hears(shared.listen(), b"c") == b"3456789abc"
        assert bytes(kept) == b"0123456789abc"
        line.to_say.put_nowait(b"")
        assert await carrying == ""
        assert line.closed == 1

    asyncio.run(scenario())


def test_a_listener_who_does_not_listen_holds_up_nobody_and_loses_the_oldest() -> None:
    async def scenario() -> None:
        line = ScriptedLine()
        shared = SharedLine(line, scrollback=100, keep=lambda said: None)
        slow, quick = shared.listen(), shared.listen()
        carrying = asyncio.create_task(shared.carry())
        for number in range(50):
            line.to_say.put_nowait(b"%09d." % number)
        await hears(quick, b"049.")
        assert await slow.read() == b"".join(b"%09d." % number for number in range(40, 50))
        carrying.cancel()
        await asyncio.gather(carrying, return_exceptions=True)
        assert line.closed == 1

    asyncio.run(scenario())


def test_the_end_and_its_reason_are_told_to_everybody_after_all_that_was_said() -> None:
    async def scenario() -> None:
        line = ScriptedLine(why="its command exited with 3")
        shared = SharedLine(line, scrollback=100, keep=lambda said: None)
        listener = shared.listen()
        line.to_say.put_nowait(b"bye")
        line.to_say.put_nowait(b"")
        assert await shared.carry() == "its command exited with 3"
        assert await listener.read() == b"bye\r\n[kadeploy] its command exited with 3\r\n"
        assert await listener.read() == await listener.read() == b""
        shared.write(b"too late")
        assert line.typed == b""

    asyncio.run(scenario())


def test_four_escapes_in_a_row_leave() -> None:
    leaving = LeaveKey()
    assert not leaving.is_in(b"\x1b\x1b\x1ba\x1b\x1b")
    assert not leaving.is_in(b"\x1b")
    assert leaving.is_in(b"\x1b")
    assert LeaveKey().is_in(b"root\r\x1b\x1b\x1b\x1b")
