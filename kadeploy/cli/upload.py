"""Sending a file to the server, which keeps what came of it: whoever is interrupted goes on where they were."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from kadeploy.cli.client import Client
from kadeploy.cli.progress_bar import Bar
from kadeploy.cli.refused import Refused
from kadeploy.errors import Conflict, InvalidFile, KadeployError, Unavailable

_BLOCK: Final = 1024 * 1024  # bytes
_TRIES: Final = 5  # in a row, without a byte more
_PAUSE: Final = 2.0  # seconds before another try, longer each time


def send_file(client: Client, path: Path, bar: Bar, *, pause: float = _PAUSE) -> str:
    """The URL by which the server knows the file afterwards. Raises InvalidFile, and what the server says."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if not size:
                raise InvalidFile(f"{path} is empty")
            sha256 = _hashed(file, size, bar)
            upload = _announced(client, path, size, sha256)
            bar.begin("sending", size, done=int(upload["received"]))
            return _sent(client, file, upload, bar, pause)
    except OSError as error:
        raise InvalidFile(f"{path} cannot be read: {error.strerror}") from error
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(f"interrupted; what came of {path.name} is kept, and the next try goes on") from error


def _hashed(file: BinaryIO, size: int, bar: Bar) -> str:
    bar.begin("checking", size)
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
        bar.advance(len(block))
    return digest.hexdigest()


def _announced(client: Client, path: Path, size: int, sha256: str) -> Mapping[str, Any]:
    answer = client.send("POST", "/uploads", {"size": size, "sha256": sha256, "name": path.name})
    return cast(Mapping[str, Any], answer)


def _sent(client: Client, file: BinaryIO, upload: Mapping[str, Any], bar: Bar, pause: float) -> str:
    """Until all of it is there; a connection that breaks is tried again, also when the server is started again."""
    size, failures = int(upload["size"]), 0
    place = f"/uploads/{upload['id']}"
    while not upload["complete"]:
        first = int(upload["received"])
        bar.set(first)
        try:
            told = f"bytes {first}-{size - 1}/{size}"
            upload = cast(Mapping[str, Any], client.put(place, _from(file, first, size, bar), size - first, told))
        except (Unavailable, Refused) as error:
            _refuse_for_good(error, failures)
            failures += 1
            time.sleep(pause * failures)
            with suppress(Unavailable):
                upload = cast(Mapping[str, Any], client.get(place))
                failures = 0 if int(upload["received"]) > first else failures
    return str(upload["url"])


def _refuse_for_good(error: KadeployError, failures: int) -> None:
    """A conflict passes: the server has not noticed yet that the last connection broke."""
    if failures >= _TRIES or (isinstance(error, Refused) and error.code != Conflict.code):
        raise error


def _from(file: BinaryIO, first: int, size: int, bar: Bar) -> Iterator[bytes]:
    """Never more than was announced, should the file have grown."""
    file.seek(first)
    left = size - first
    while left and (block := file.read(min(_BLOCK, left))):
        left -= len(block)
        yield block
        bar.advance(len(block))
