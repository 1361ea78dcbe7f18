"""What an image must be, byte for byte: the digest of each of its chunks, made once on the server.

A node gets the manifest over its authenticated connection to the server, so bytes may then come from
anybody: a chunk that does not match never reaches the disk. The chunk is the unit of checking and of
fetching again, never of forwarding.
"""

from __future__ import annotations

import base64
import os
import stat
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from kadeploy.broadcast.digests import EVERYWHERE, Digest, begun, digest_of
from kadeploy.errors import InvalidFile

SMALLEST_CHUNK = 1 << 20
USUAL_CHUNK = 4 << 20  # each costs a node some wake-ups, about a millisecond: as much as to digest it
FEW_CHUNKS = 64  # of a small image, so that its bytes do not wait for each other
MOST_CHUNKS = 4096


class BadManifest(ValueError):
    """The manifest contradicts itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Sizes are bytes. `total` is the digest of the sizes and of all chunk digests; `algorithm` makes them all."""

    size: int
    chunk_size: int
    digests: tuple[bytes, ...]
    total: bytes
    algorithm: str = EVERYWHERE

    @property
    def count(self) -> int:
        return len(self.digests)

    def span(self, index: int) -> tuple[int, int]:
        """Where a chunk starts and how long it is, in bytes."""
        start = index * self.chunk_size
        return start, min(self.chunk_size, self.size - start)

    def matches(self, index: int, chunk: bytes | memoryview, digest: Digest | None = None) -> bool:
        """Whether this is the chunk, or the rest of it where `digest` has seen what is before it."""
        if digest is None:
            return digest_of(self.algorithm, chunk) == self.digests[index]
        digest.update(chunk)
        return digest.digest() == self.digests[index]

    def to_json(self) -> dict[str, Any]:
        return {
            "size": self.size,
            "chunk_size": self.chunk_size,
            "digests": base64.b64encode(b"".join(self.digests)).decode(),
            "total": self.total.hex(),
            "algorithm": self.algorithm,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Manifest:
        """Raises BadManifest when the parts do not agree with each other."""
        try:
            algorithm = str(data["algorithm"])
            width = len(digest_of(algorithm, b""))
            packed = base64.b64decode(data["digests"], validate=True)
            digests = tuple(packed[i : i + width] for i in range(0, len(packed), width))
            manifest = manifest_from(int(data["size"]), int(data["chunk_size"]), digests, algorithm)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise BadManifest(f"the image's manifest cannot be read: {error}") from error
        if manifest.total.hex() != data.get("total"):
            raise BadManifest("the image's manifest does not match its own total")
        return manifest


def manifest_from(size: int, chunk_size: int, digests: Sequence[bytes], algorithm: str = EVERYWHERE) -> Manifest:
    """A manifest of digests already made. Raises BadManifest when there are not as many as there are chunks."""
    if size < 0 or chunk_size <= 0 or len(digests) != -(-size // chunk_size):
        raise BadManifest(f"{size} bytes in chunks of {chunk_size} do not make {len(digests)} chunks")
    root, width = begun(algorithm, f"{size}:{chunk_size}:".encode()), len(digest_of(algorithm, b""))
    for digest in digests:
        if len(digest) != width:
            raise BadManifest("a digest has the wrong length")
        root.update(digest)
    return Manifest(size=size, chunk_size=chunk_size, digests=tuple(digests), total=root.digest(), algorithm=algorithm)


def chunk_size_for(size: int) -> int:
    """A power of two, so that even a large image has a manifest of at most some hundred kilobytes."""
    chunk = SMALLEST_CHUNK
    while chunk * (FEW_CHUNKS if chunk < USUAL_CHUNK else MOST_CHUNKS) < size:
        chunk *= 2
    return chunk


def manifest_of(
    path: str | os.PathLike[str], *, chunk_size: int | None = None, algorithm: str = EVERYWHERE
) -> Manifest:
    """Read and digest a file, or a disk, on all cores. Blocks. Raises InvalidFile when it cannot be read or changes
    meanwhile."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe is refused, not waited for
    except OSError as error:
        raise InvalidFile(f"the image {os.fspath(path)} cannot be read: {error.strerror}") from error
    try:
        before = os.fstat(descriptor)
        size = _size_of(descriptor, path)
        step = chunk_size or chunk_size_for(size)

        def digest(start: int) -> bytes:
            chunk = os.pread(descriptor, min(step, size - start), start)
            if len(chunk) != min(step, size - start):
                raise InvalidFile(f"the image {os.fspath(path)} became shorter while it was read")
            return digest_of(algorithm, chunk)

        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            digests = tuple(pool.map(digest, range(0, size, step)))
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise _changed(path)
    return manifest_from(size, step, digests, algorithm)


def _size_of(descriptor: int, path: str | os.PathLike[str]) -> int:
    """Bytes that can be had again and again. A pipe, or a file of /proc, says 0 and has more: it is no image."""
    state = os.fstat(descriptor)
    if stat.S_ISBLK(state.st_mode):
        return os.lseek(descriptor, 0, os.SEEK_END)
    if not stat.S_ISREG(state.st_mode):
        raise InvalidFile(f"the image {os.fspath(path)} is no plain file", hint="bytes must be had again at any time")
    size = state.st_size
    if not size and os.pread(descriptor, 1, 0):
        raise InvalidFile(f"the image {os.fspath(path)} does not say how large it is", hint="make a copy of it")
    return size


class Manifests:
    """Of one file, by digest. Those made with the same chunk size differ in nothing else, so nodes of one chain may
    each have another."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = path
        self._made: dict[str, Manifest] = {}
        self._seen: tuple[int, int] | None = None  # bytes, and when they were last changed
        self._lock = threading.Lock()  # also keeps two from reading the same image at once

    def by(self, algorithm: str) -> Manifest:
        """Blocks while the file is read, the first time. Raises InvalidFile, UnknownDigest."""
        with self._lock:
            if algorithm not in self._made:
                made = manifest_of(self._path, algorithm=algorithm)
                state = os.stat(self._path)
                seen = state.st_size, state.st_mtime_ns
                if self._seen not in (None, seen):
                    raise _changed(self._path)
                self._seen, self._made[algorithm] = seen, made
            return self._made[algorithm]

    @property
    def is_stale(self) -> bool:
        """Whether the file is no longer what it was when it was read."""
        try:
            state = os.stat(self._path)
        except OSError:
            return True
        return self._seen not in (None, (state.st_size, state.st_mtime_ns))


def _changed(path: str | os.PathLike[str]) -> InvalidFile:
    return InvalidFile(f"the image {os.fspath(path)} changed while it was read", hint="try again when it is whole")
