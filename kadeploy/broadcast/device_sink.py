"""Sinks that are block devices: the image as it is, or what commands make of it."""

from __future__ import annotations

import io
import mmap
import threading
from collections.abc import Sequence
from pathlib import Path

from kadeploy.broadcast.device import Device
from kadeploy.broadcast.pipeline import Pipeline, PipelineFailed
from kadeploy.broadcast.sink_failed import SinkFailed, reason

PIECE = 4 << 20  # bytes written to a device in one go


class DeviceSink:
    """A block device, written from its start."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._device: Device | None = None

    def open(self, size: int) -> None:
        with reason(self._path):
            self._device = Device(self._path)
            if self._device.size < size:
                raise SinkFailed(f"{self._path} is too small: it has {self._device.size} bytes, the image {size}")
            self._device.discard(size)

    def write(self, data: memoryview) -> None:
        assert self._device is not None
        with reason(self._path):
            self._device.write(data)

    def finish(self) -> None:
        assert self._device is not None
        with reason(self._path):
            self._device.sync()
        self.abort()

    def abort(self) -> None:
        if self._device is not None:
            self._device.close()
            self._device = None

    def interrupt(self) -> None: ...


class UnpackedDeviceSink:
    """A block device that gets what commands make of the image: `(("zstd", "-dc"),)`."""

    def __init__(self, path: str, commands: Sequence[Sequence[str]]) -> None:
        self._path, self._commands = Path(path), commands
        self._pipeline: Pipeline | None = None
        self._target: DeviceSink | None = None
        self._failure = ""
        self._filler = threading.Thread(target=self._fill, name="device", daemon=True)

    def open(self, size: int) -> None:
        self._target = DeviceSink(str(self._path))
        self._target.open(0)
        try:
            self._pipeline = Pipeline(self._commands, keeps_output=True)
        except PipelineFailed as failed:
            raise SinkFailed(str(failed)) from failed
        self._filler.start()

    def _fill(self) -> None:
        assert self._pipeline is not None
        assert self._target is not None
        piece = memoryview(mmap.mmap(-1, PIECE))  # aligned for direct I/O
        with self._pipeline.output() as output:
            while filled := _filled(output, piece):
                try:
                    self._target.write(piece[:filled])
                except SinkFailed as failed:
                    self._failure = str(failed)
                    return  # which ends the commands: nobody reads what they say

    def write(self, data: memoryview) -> None:
        assert self._pipeline is not None
        try:
            self._pipeline.write(data)
        except PipelineFailed as failed:
            self._filler.join()
            raise SinkFailed(self._failure or str(failed)) from failed
        if self._failure:
            raise SinkFailed(self._failure)

    def finish(self) -> None:
        assert self._pipeline is not None
        assert self._target is not None
        try:
            self._pipeline.finish()
        except PipelineFailed as failed:
            self._filler.join()
            raise SinkFailed(self._failure or str(failed)) from failed
        self._filler.join()
        if self._failure:
            raise SinkFailed(self._failure)
        self._target.finish()

    def abort(self) -> None:
        if self._pipeline is not None:
            self._pipeline.abort()
            if self._filler.is_alive():
                self._filler.join()
        if self._target is not None:
            self._target.abort()

    def interrupt(self) -> None:
        if self._pipeline is not None:
            self._pipeline.interrupt()


def _filled(output: io.RawIOBase, piece: memoryview) -> int:
    """As many bytes as there are, up to a whole piece: disks like large ones, and pipes give small ones."""
    filled = 0
    while filled < len(piece) and (count := output.readinto(piece[filled:])):
        filled += count
    return filled
