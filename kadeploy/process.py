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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

OUTPUT_LIMIT = 64 * 1024  # bytes kept of each stream: its end, where the reason usually is


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
