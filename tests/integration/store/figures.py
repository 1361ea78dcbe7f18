"""Times measured on the way: shown with `pytest -s`, asserted nowhere, since machines differ."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


@contextmanager
def timed(what: str) -> Iterator[None]:
    start = perf_counter()
    yield
    sys.stdout.write(f"\n{what}: {perf_counter() - start:.3f} s")
