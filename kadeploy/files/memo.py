"""What was found out about files and is not worth finding out again: their SHA-256, and that they are intact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Final, TypeVar

from kadeploy.domain.image import Compression
from kadeploy.files.checksum import Version

_MOST: Final = 10_000  # of each; the oldest are forgotten

T = TypeVar("T")


class Memo:
    """Pure bookkeeping; `to_json` and `from_json` make it last."""

    def __init__(self) -> None:
        self._checksums: dict[str, tuple[Version, str]] = {}
        self._intact: dict[str, str] = {}

    def checksum(self, version: Version) -> str | None:
        """The SHA-256 of just this content."""
        known = self._checksums.get(version.path)
        return known[1] if known is not None and known[0] == version else None

    def remember_checksum(self, version: Version, sha256: str) -> None:
        _put(self._checksums, version.path, (version, sha256))

    def is_intact(self, sha256: str, compression: Compression) -> bool:
        return self._intact.get(sha256) == compression.value

    def remember_intact(self, sha256: str, compression: Compression) -> None:
        _put(self._intact, sha256, compression.value)

    def to_json(self) -> dict[str, object]:
        checksums = [{**asdict(version), "sha256": sha256} for version, sha256 in self._checksums.values()]
        return {"checksums": checksums, "intact": dict(self._intact)}

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Memo:
        """Anything that is not as `to_json` writes it is left out: it is found out again."""
        memo = cls()
        checksums, intact = data.get("checksums"), data.get("intact")
        for entry in checksums if isinstance(checksums, list) else ():
            try:
                sha256 = str(entry.pop("sha256"))
                memo.remember_checksum(Version(**entry), sha256)
            except (AttributeError, KeyError, TypeError):
                continue
        memo._intact = dict(intact) if isinstance(intact, dict) else {}
        return memo


def _put(kept: dict[str, T], key: str, value: T) -> None:
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > _MOST:
        kept.pop(next(iter(kept)))
