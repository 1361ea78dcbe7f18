"""Files that have come half: kept for who asks for them next, also after the server was killed.

halves.json     what each is half of
halves/NAME     the bytes that came

The bytes of a file are always of what halves.json says: it is emptied before anything else is noted of it, and that is
noted before the first byte comes. When the machine itself went down nobody knows which bytes reached the disk, so that
none of them are gone on with; nor after a day.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from kadeploy.files.fetch import Begun, Validators
from kadeploy.files.state_file import StateFile

KEPT: Final = 24 * 3600.0  # seconds after the last byte
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")  # random(4): another one each time the machine starts


class Halves:
    def __init__(self, directory: Path) -> None:
        """Blocking: what cannot be gone on with is removed."""
        self._directory = directory / "halves"
        self._state = StateFile(directory / "halves.json")
        self._boot = this_start()
        self._begun = _from_json(self._state.load(), self._boot)
        self._taken: set[str] = set()
        for path in self._directory.iterdir():
            if path.name not in self._begun or not path.stat().st_size:
                self.drop(path)
        self.drop_old()

    def take(self, place: str) -> Path | None:
        """Where what comes from there is written; None when somebody is writing it."""
        name = hashlib.sha256(place.encode()).hexdigest()
        if name in self._taken:
            return None
        self._taken.add(name)
        return self._directory / name

    def begun(self, path: Path) -> Begun | None:
        """What the bytes there are of."""
        return self._begun.get(path.name) if path.exists() else None

    async def note(self, path: Path, begun: Begun | None) -> None:
        """What the next bytes will be of; None when they cannot be gone on with. Raises CacheProblem."""
        self._begun.pop(path.name, None)
        if begun is not None:
            self._begun[path.name] = begun
        await self._state.save(self._to_json)

    def leave(self, path: Path) -> int:
        """Nobody is writing it any more. The bytes that are kept of it, 0 when none are."""
        self._taken.discard(path.name)
        size = path.stat().st_size if path.exists() else 0
        if not size or path.name not in self._begun:
            self.drop(path)
            return 0
        return size

    def drop(self, path: Path) -> None:
        self._begun.pop(path.name, None)
        path.unlink(missing_ok=True)

    def idle(self) -> Iterator[tuple[Path, int]]:
        """What may go, with its bytes; the longest untouched first."""
        there = [(path.stat(), path) for path in self._directory.iterdir() if path.name not in self._taken]
        for status, path in sorted(there, key=lambda one: (one[0].st_mtime, one[1])):
            yield path, status.st_size

    def drop_old(self) -> list[Path]:
        """Which they were."""
        old = [path for path, _ in self.idle() if time.time() - path.stat().st_mtime > KEPT]
        for path in old:
            self.drop(path)
        return old

    def _to_json(self) -> dict[str, object]:
        return {"boot": self._boot, "halves": {name: asdict(begun) for name, begun in self._begun.items()}}


def this_start() -> str:
    """Of the machine; empty when that cannot be told."""
    return _BOOT.read_text().strip() if _BOOT.exists() else ""


def begun_from(saved: Mapping[str, Any]) -> Begun:
    """As `asdict` gave it; raises TypeError and KeyError for anything else."""
    return Begun(validators=Validators(**saved["validators"]), total=saved["total"])


def _from_json(data: Mapping[str, Any], boot: str) -> dict[str, Begun]:
    """Anything that is not as it was written is left out."""
    halves = data.get("halves")
    if not boot or data.get("boot") != boot or not isinstance(halves, dict):
        return {}
    found = {}
    for name, saved in halves.items():
        try:
            found[name] = begun_from(saved)
        except (TypeError, KeyError):
            continue
    return found
