"""Commands joined by pipes, fed from this process: `zstd -dc | tar -x` without a shell.

`kadeploy.process` runs one command to its end; here gigabytes go in while the commands run, from a plain
thread. Same rules: argv lists, a process group of their own, the end of what they say is kept.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import signal
import subprocess
import threading
from collections.abc import Sequence

from kadeploy.process import begin

KEPT = 4096  # bytes kept of what each command says
PIPE_SIZE = 1 << 20


class PipelineFailed(Exception):
    """The argument says which command failed, how, and the last thing it said."""


class Pipeline:
    def __init__(self, commands: Sequence[Sequence[str]], *, keeps_output: bool = False) -> None:
        """Starts all commands, the first reading what `write` gives; what the last one says is for `output`, or for
        nobody. Raises PipelineFailed."""
        self._processes: list[subprocess.Popen[bytes]] = []
        self._names = [command[0] for command in commands]
        self._said: list[bytearray] = []
        self._listeners: list[threading.Thread] = []
        self._ended_early = False
        self._out_of = -1
        read, self._into = os.pipe()
        with contextlib.suppress(OSError):  # beyond the user's share of pipe memory: the default serves, too
            fcntl.fcntl(self._into, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
        for number, command in enumerate(commands, start=1):
            try:
                following = self._start(command, read, is_last=number == len(commands) and not keeps_output)
            except OSError as error:
                self.interrupt()
                self.abort()
                raise PipelineFailed(f"{command[0]} cannot be started: {error.strerror}") from error
            finally:
                os.close(read)
            read = following
        self._out_of = read

    def output(self) -> io.FileIO:
        """What the last command says; whoever takes it closes it."""
        taken, self._out_of = self._out_of, -1
        return io.FileIO(taken, closefd=True)

    def _start(self, command: Sequence[str], stdin: int, *, is_last: bool) -> int:
        """Returns what the next command reads."""
        process = begin(command, stdin=stdin, stdout=subprocess.DEVNULL if is_last else subprocess.PIPE)
        said = bytearray()
        listener = threading.Thread(target=_listen, args=(process, said), name="stderr", daemon=True)
        listener.start()
        self._processes.append(process)
        self._said.append(said)
        self._listeners.append(listener)
        if process.stdout is None:
            return -1
        with process.stdout as stdout:
            return os.dup(stdout.fileno())

    def write(self, data: memoryview) -> None:
        """Blocks while the commands are busy. Raises PipelineFailed when one has failed."""
        if self._ended_early:
            return
        try:
            while data:
                data = data[os.write(self._into, data) :]
        except BrokenPipeError:
            # It need not read to the end (tar stops at its end mark): how it ended decides.
            self._ended_early = True
            self.finish()

    def finish(self) -> None:
        """Close the input and wait for all to end. Raises PipelineFailed."""
        self._close()
        statuses = [process.wait() for process in self._processes]
        for listener in self._listeners:
            listener.join()
        # One that was cut off by the end of the next is not the one at fault.
        at_fault = [number for number, status in enumerate(statuses) if status not in (0, -signal.SIGPIPE)]
        if not at_fault and statuses[-1]:
            at_fault = [len(statuses) - 1]
        if at_fault:
            raise PipelineFailed("; ".join(self._told(number, statuses[number]) for number in at_fault))

    def _told(self, number: int, status: int) -> str:
        said = self._said[number].decode(errors="replace").strip().splitlines()
        ended = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"exited with {status}"
        return f"{self._names[number]} {ended}" + (f": {said[-1].strip()[:500]}" if said else "")

    def interrupt(self) -> None:
        """From any thread: kill what still runs, so that a blocked `write` or `finish` returns."""
        for process in self._processes:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def abort(self) -> None:
        """Kill what still runs, and tidy up."""
        self.interrupt()
        self._close()
        if self._out_of >= 0:
            os.close(self._out_of)
            self._out_of = -1
        for process, listener in zip(self._processes, self._listeners, strict=True):
            process.wait()
            listener.join()

    def _close(self) -> None:
        if self._into >= 0:
            os.close(self._into)
            self._into = -1


def _listen(process: subprocess.Popen[bytes], said: bytearray) -> None:
    assert process.stderr is not None
    with process.stderr as stream:
        while data := os.read(stream.fileno(), KEPT):
            said += data
            del said[:-KEPT]
