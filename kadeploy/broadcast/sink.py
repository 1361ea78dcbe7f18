"""Where verified bytes land on a node: a command, a file, a block device.

`finish` returns only when all of it is really there: the consumer has ended well, or the bytes are synced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from kadeploy.broadcast.device_sink import DeviceSink, UnpackedDeviceSink
from kadeploy.broadcast.file_sink import USUAL_MODE, FileSink
from kadeploy.broadcast.pipeline import Pipeline, PipelineFailed
from kadeploy.broadcast.sink_failed import SinkFailed


class Sink(Protocol):
    """Called from one thread; each verb but the last two may raise SinkFailed, and is then followed by `abort`."""

    def open(self, size: int) -> None:
        """`size` bytes will come."""
        ...

    def write(self, data: memoryview) -> None: ...

    def finish(self) -> None: ...

    def abort(self) -> None:
        """Tidy up what will not be finished."""
        ...

    def interrupt(self) -> None:
        """From any thread: make a blocked `write` or `finish` return, where that can be done."""
        ...


class CommandSink:
    """A pipeline of commands that reads the image: `(("zstd", "-dc"), ("tar", "-xf", "-", "-C", "/mnt"))`."""

    def __init__(self, commands: Sequence[Sequence[str]], *, sync: str = "") -> None:
        """`sync`: a path of the file system to sync when the commands have ended."""
        self._commands, self._sync = commands, sync
        self._pipeline: Pipeline | None = None

    def open(self, size: int) -> None:
        self._pipeline = self._started(self._commands)

    def write(self, data: memoryview) -> None:
        assert self._pipeline is not None
        try:
            self._pipeline.write(data)
        except PipelineFailed as failed:
            raise SinkFailed(str(failed)) from failed

    def finish(self) -> None:
        assert self._pipeline is not None
        try:
            self._pipeline.finish()
            if self._sync:
                self._started((("sync", "-f", self._sync),)).finish()  # syncfs(2), which Python does not have
        except PipelineFailed as failed:
            raise SinkFailed(str(failed)) from failed

    def abort(self) -> None:
        if self._pipeline is not None:
            self._pipeline.abort()

    def interrupt(self) -> None:
        if self._pipeline is not None:
            self._pipeline.interrupt()

    def _started(self, commands: Sequence[Sequence[str]]) -> Pipeline:
        try:
            return Pipeline(commands)
        except PipelineFailed as failed:
            raise SinkFailed(str(failed)) from failed


class NoSink:
    """Bytes are checked and passed on, and that is all: for measuring."""

    def open(self, size: int) -> None: ...

    def write(self, data: memoryview) -> None: ...

    def finish(self) -> None: ...

    def abort(self) -> None: ...

    def interrupt(self) -> None: ...


class SinkKind(StrEnum):
    COMMAND = "command"
    FILE = "file"
    DEVICE = "device"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkOrder:
    """Which sink a node opens, as it travels: `path` of a file or device (of what to sync, for commands). A device gets
    what the commands make of the image, if there are any; `mode` is of a new file."""

    kind: SinkKind
    path: str = ""
    mode: int = USUAL_MODE
    commands: tuple[tuple[str, ...], ...] = ()

    def to_json(self) -> dict[str, Any]:
        commands = [list(one) for one in self.commands]
        return {"kind": self.kind.value, "path": self.path, "mode": self.mode, "commands": commands}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SinkOrder:
        commands = tuple(tuple(str(word) for word in one) for one in data["commands"])
        return cls(kind=SinkKind(data["kind"]), path=str(data["path"]), mode=int(data["mode"]), commands=commands)

    def sink(self) -> Sink:
        match self.kind:
            case SinkKind.COMMAND:
                return CommandSink(self.commands, sync=self.path)
            case SinkKind.FILE:
                return FileSink(self.path, self.mode)
            case SinkKind.DEVICE if self.commands:
                return UnpackedDeviceSink(self.path, self.commands)
            case SinkKind.DEVICE:
                return DeviceSink(self.path)
            case SinkKind.NONE:
                return NoSink()
