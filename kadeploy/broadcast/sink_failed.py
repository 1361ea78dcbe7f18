"""Why a sink failed, in one line: what the system said, and of which path."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from kadeploy.broadcast.device import DeviceTooSmall


class SinkFailed(Exception):
    """The argument is the reason, one line."""


@contextlib.contextmanager
def reason(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SinkFailed(f"{path}: {error.strerror or error}") from error
    except DeviceTooSmall as error:
        raise SinkFailed(f"{path} is too small: {error}") from error
