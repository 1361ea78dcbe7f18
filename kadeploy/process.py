"""The only place a process is started.

A command is an argv list, never a shell string. It has a deadline, its own process group (killed as a
whole when the deadline passes or the caller is cancelled), standard input closed unless given, and its
output kept up to a limit. Standard library only: the agent uses it too.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import subprocess
import termios
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

OUTPUT_LIMIT = 64 * 1024  # bytes kept of each stream: its end, where the reason usually is
HANGUP = 2.0  # seconds a command has to end when its terminal is gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a command ended. `status` is the exit code, or minus the signal that ended it."""

    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        return self.status == 0 and not self.timed_out

    @property
    def reason(self) -> str:
        """Why it failed, in one line, with the last thing it said."""
        said = (self.stderr.strip() or self.stdout.strip()).splitlines()
        last = f": {said[-1].strip()[:500]}" if said else ""
        return f"{self.argv[0]} {self.ending}{last}"

    @property
    def ending(self) -> str:
        """How it ended, in words that follow its name."""
        if self.timed_out:
            return "did not end in time"
        if self.status == 127:
            return "was not found"
        if self.status < 0:
            return f"was ended by {signal.Signals(-self.status).name}"
        return f"exited with {self.status}"


def loggable(argv: Sequence[str]) -> str:
    """The command as one line that can be pasted into a shell."""
    return shlex.join(argv)


async def run(
    argv: Sequence[str],
    *,
    deadline: float,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    cwd: str | None = None,
) -> Finished:
    """Run a command for at most `deadline` seconds; never raises for how the command ended."""
    command = tuple(argv)
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(os.environ, **env) if env else None,
            cwd=cwd,
            start_new_session=True,
        )
    except OSError as error:
        return Finished(argv=command, status=127, stdout="", stderr=error.strerror or str(error))
    reads = asyncio.gather(_tail(process.stdout), _tail(process.stderr), _feed(process.stdin, stdin))
    timed_out = False
    try:
        async with asyncio.timeout(deadline):
            await process.wait()
            stdout, stderr, _ = await asyncio.shield(reads)
    except TimeoutError:
        timed_out = True
        _kill_group(process.pid)
        await process.wait()
        stdout, stderr, _ = await reads
    except asyncio.CancelledError:
        _kill_group(process.pid)
        reads.cancel()
        await asyncio.gather(process.wait(), reads, return_exceptions=True)
        raise
    assert process.returncode is not None
    return Finished(
        argv=command,
        status=process.returncode,
        stdout=stdout.decode(errors="replace"),
        stderr=stderr.decode(errors="replace"),
        timed_out=timed_out,
    )


def begin(argv: Sequence[str], *, stdin: int, stdout: int) -> subprocess.Popen[bytes]:
    """For threads that feed a command while it runs: start it in a process group of its own, and hand it over.

    `stdin` and `stdout` as for subprocess.Popen; raises OSError when it cannot be started.
    """
    return subprocess.Popen(list(argv), stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, start_new_session=True)


class OnTerminal:
    """A command on a pseudo-terminal of its own, whose other end is this. Made by `on_terminal`."""

    def __init__(self, process: asyncio.subprocess.Process, argv: Sequence[str], terminal: int) -> None:
        self._process = process
        self._argv = tuple(argv)
        self._terminal = terminal
        self._typed = bytearray()
        self._ready: asyncio.Future[None] | None = None
        self._closing = False

    async def read(self) -> bytes:
        """What it prints next; nothing when it has closed its terminal."""
        loop = asyncio.get_running_loop()
        while not self._closing:
            try:
                return os.read(self._terminal, 65536)
            except BlockingIOError:
                self._ready = loop.create_future()
                loop.add_reader(self._terminal, self._wake)
                try:
                    await self._ready
                finally:
                    if not self._closing:
                        loop.remove_reader(self._terminal)
            except OSError:  # EIO: nobody has the terminal open any more (pty(7))
                return b""
        return b""

    def write(self, data: bytes) -> None:
        """What does not fit any more is lost."""
        if self._closing:
            return
        self._typed += data[: max(0, OUTPUT_LIMIT - len(self._typed))]
        self._flush()

    async def close(self) -> Finished:
        """End it, whatever it does; again does nothing. How it ended, as far as it had before."""
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().remove_writer(self._terminal)
            asyncio.get_running_loop().remove_reader(self._terminal)
            self._wake()
            # The hangup lets it end in order, as it does when this whole server is killed.
            os.close(self._terminal)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HANGUP):
                    await self._process.wait()
            _kill_group(self._process.pid)
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        status = await self._process.wait()
        return Finished(argv=self._argv, status=status, stdout="", stderr="")

    def _wake(self) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(None)

    def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._typed:
                del self._typed[: os.write(self._terminal, self._typed)]
        except BlockingIOError:
            loop.add_writer(self._terminal, self._flush)
            return
        except OSError:  # it has gone
            self._typed.clear()
        loop.remove_writer(self._terminal)


async def on_terminal(argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> OnTerminal:
    """Run a command as on a terminal of 80 by 24.

    The terminal is its session's own (setsid(1)), so that the kernel hangs it up when this process dies, however.
    Raises OSError when it cannot be started.
    """
    ours, theirs = os.openpty()
    try:
        termios.tcsetwinsize(theirs, (24, 80))
        os.set_blocking(ours, False)
        process = await asyncio.create_subprocess_exec(
            *("setsid", "--ctty", *argv),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "vt100", **(env or {})},
        )
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    return OnTerminal(process, argv, ours)


async def _tail(stream: asyncio.StreamReader | None) -> bytes:
    kept = bytearray()
    while stream is not None and (block := await stream.read(65536)):
        kept += block
        del kept[:-OUTPUT_LIMIT]
    return bytes(kept)


async def _feed(stream: asyncio.StreamWriter | None, data: bytes | None) -> None:
    if stream is None or data is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        stream.write(data)
        await stream.drain()
    stream.close()


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
