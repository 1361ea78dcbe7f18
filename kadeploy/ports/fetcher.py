"""Fetcher: brings the files that an operation needs, and keeps them until it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from kadeploy.domain.awaited import Fetched, WantedFile

ReportFetched = Callable[[int, int], None]
"""Called with the bytes that are here, of how many in all, as far as that is known."""


class Fetcher(Protocol):
    async def fetch(self, operation: str, wanted: Sequence[WantedFile], report: ReportFetched) -> Fetched:
        """All of them, kept for the operation. May be repeated: what is here is not fetched again. Who is cancelled
        leaves nothing half-done. Raises what `ports.files.Files.pin` does, with everything that is wrong."""
        ...
