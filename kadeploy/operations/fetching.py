"""Fetching what an operation wants, once it has begun: a few files side by side, and with every fault at once, for they
all keep it from going on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from kadeploy.domain.awaited import Fetched, FetchedFile, WantedFile
from kadeploy.errors import InvalidFile
from kadeploy.operations.checksums import AT_ONCE, pin_recorded
from kadeploy.operations.gathering import gathered
from kadeploy.operations.keys import check_keys
from kadeploy.operations.wants import ordered
from kadeploy.ports.fetcher import ReportFetched
from kadeploy.ports.files import Files


class Fetching:
    """`ports.fetcher.Fetcher` from `ports.files.Files`: what is fetched is pinned for the operation."""

    def __init__(self, files: Files) -> None:
        self._files = files

    async def fetch(self, operation: str, wanted: Sequence[WantedFile], report: ReportFetched) -> Fetched:
        sizes = {one.number: one.size for one in wanted}
        here: dict[int, int] = {}
        turns = asyncio.Semaphore(AT_ONCE)

        async def fetch_one(one: WantedFile) -> FetchedFile:
            def tell(done: int, total: int) -> None:
                here[one.number] = done
                sizes[one.number] = max(total, sizes[one.number], done)
                report(sum(here.values()), sum(sizes.values()))

            async with turns:
                fetched = await self._fetch(operation, one, tell)
                tell(fetched.file.size, fetched.file.size)
                return fetched

        found = await gathered(*(fetch_one(one) for one in wanted))
        return {one.number: fetched for one, fetched in zip(wanted, found, strict=True)}

    async def _fetch(self, operation: str, one: WantedFile, report: ReportFetched) -> FetchedFile:
        file = await pin_recorded(self._files, ordered(one), owner=operation, report=report)
        text = check_keys(await asyncio.to_thread(_read, Path(file.path))) if one.keys else ""
        return FetchedFile(file=file, text=text)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFile("ssh_authorized_keys: is not a text file of keys") from error
