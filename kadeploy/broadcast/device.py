"""A block device, written as disks like it: directly, in large pieces, and where the image has zeros not at all.

Discarding first tells a disk that what it has is worthless; it does not promise zeros, so runs of zeros are made by
fallocate(2), which does or says that it cannot.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

BLOCK = 4096  # direct I/O is aligned to this, in memory and on the disk
UNIT = 64 << 10  # zeros are looked for in pieces of this size
_ZEROS = bytes(UNIT)
_BLKDISCARD = 0x1277  # linux/fs.h
_PUNCH_HOLE = 0x01 | 0x02  # FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE
_libc = ctypes.CDLL(None, use_errno=True)


class DeviceTooSmall(Exception):
    """The argument says by how much."""


class Device:
    """Written from its start. Every method raises OSError for what the disk refuses."""

    def __init__(self, path: Path) -> None:
        self.skipped = 0  # bytes of zeros that were not written
        self._buffered = os.open(path, os.O_WRONLY | os.O_EXCL | os.O_CLOEXEC)
        self._position = 0
        self._can_zero = True
        try:
            if not stat.S_ISBLK(os.fstat(self._buffered).st_mode):
                raise OSError(errno.ENOTBLK, "is not a block device")
            self.size = os.lseek(self._buffered, 0, os.SEEK_END)
            self._direct = _reopened(self._buffered)
        except OSError:
            os.close(self._buffered)
            raise

    def discard(self, size: int) -> None:
        """What these first bytes hold is not needed any more; a disk that does not mind is left alone."""
        whole = size // BLOCK * BLOCK
        if whole:
            try:
                fcntl.ioctl(self._buffered, _BLKDISCARD, struct.pack("QQ", 0, whole))
            except OSError as error:
                if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOTTY):
                    raise

    def write(self, data: memoryview) -> None:
        """The next bytes. Raises DeviceTooSmall before it writes past the end."""
        if self._position + len(data) > self.size:
            raise DeviceTooSmall(f"it has {self.size} bytes, the image more")
        for start, end, is_zero in runs(data):
            if not (is_zero and self._zeroed(end - start)):
                self._put(data[start:end])
            self._position += end - start

    def _zeroed(self, count: int) -> bool:
        """Whether the disk itself has made these bytes zero."""
        if not self._can_zero or self._position % BLOCK or count % BLOCK:
            return False
        offset, length = ctypes.c_int64(self._position), ctypes.c_int64(count)
        if _libc.fallocate64(self._buffered, _PUNCH_HOLE, offset, length):
            self._can_zero = False
            return False
        self.skipped += count
        return True

    def _put(self, data: memoryview) -> None:
        offset = self._position
        while data:
            whole = len(data) // BLOCK * BLOCK if offset % BLOCK == 0 else 0
            written = self._put_direct(data[:whole], offset) if whole and self._direct >= 0 else 0
            written = written or os.pwrite(self._buffered, data, offset)
            data, offset = data[written:], offset + written

    def _put_direct(self, data: memoryview, offset: int) -> int:
        try:
            return os.pwrite(self._direct, data, offset)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            os.close(self._direct)  # this memory, or this disk, is aligned to something else
            self._direct = -1
            return 0

    def sync(self) -> None:
        os.fsync(self._buffered)

    def close(self) -> None:
        for descriptor in (self._direct, self._buffered):
            if descriptor >= 0:
                os.close(descriptor)
        self._direct = self._buffered = -1


def runs(data: memoryview) -> Iterator[tuple[int, int, bool]]:
    """Where stretches of zeros and of other bytes begin and end, in turn, in whole units but for the last."""
    begin, was_zero = 0, False
    for start in range(0, len(data), UNIT):
        piece = data[start : start + UNIT]
        is_zero = not piece[0] and piece.tobytes() == _ZEROS[: len(piece)]
        if is_zero != was_zero:
            if start > begin:
                yield begin, start, was_zero
            begin, was_zero = start, is_zero
    if begin < len(data):
        yield begin, len(data), was_zero


def _reopened(descriptor: int) -> int:
    """The same device without the kernel's cache; -1 where that cannot be. (O_EXCL is for one holder at a time.)"""
    try:
        return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_DIRECT | os.O_CLOEXEC)
    except OSError:
        return -1
