"""What the cache holds: contents by their SHA-256, where each came from, who uses it, and what goes first.

Pure bookkeeping: the files themselves are `cache.py`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from kadeploy.files.fetch import Validators


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """`size` in bytes; `used` is when it was last pinned, in seconds since the epoch."""

    size: int
    used: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a URL gave when it was last fetched, and how to ask whether it still does."""

    sha256: str
    validators: Validators


class Index:
    def __init__(self) -> None:
        self.contents: dict[str, Content] = {}
        self.origins: dict[str, Origin] = {}
        self.pins: dict[str, set[str]] = {}

    def add(self, sha256: str, *, size: int, at: float) -> None:
        self.contents[sha256] = Content(size=size, used=at)

    def drop(self, sha256: str) -> None:
        """It is gone: nobody uses it, no URL leads to it."""
        self.contents.pop(sha256, None)
        self.origins = {url: origin for url, origin in self.origins.items() if origin.sha256 != sha256}
        for pinned in self.pins.values():
            pinned.discard(sha256)

    def pin(self, sha256: str, owner: str, *, at: float) -> bool:
        """Whether it is new to this owner."""
        self.contents[sha256] = replace(self.contents[sha256], used=at)
        pinned = self.pins.setdefault(owner, set())
        is_new = sha256 not in pinned
        pinned.add(sha256)
        return is_new

    def unpin(self, sha256: str, owner: str) -> None:
        pinned = self.pins.get(owner, set())
        pinned.discard(sha256)
        if not pinned:
            self.pins.pop(owner, None)

    def release(self, owner: str) -> bool:
        """Whether there was anything to release."""
        return self.pins.pop(owner, None) is not None

    def in_use(self) -> frozenset[str]:
        return frozenset().union(*self.pins.values())

    def users_of(self, sha256: str) -> list[str]:
        return sorted(owner for owner, pinned in self.pins.items() if sha256 in pinned)

    def origins_of(self, sha256: str) -> list[str]:
        return sorted(url for url, origin in self.origins.items() if origin.sha256 == sha256)

    def victims(self, space: int) -> list[str] | None:
        """What must go so that all fits in so many bytes, least recently used first; None when that cannot be."""
        held = sum(content.size for content in self.contents.values())
        in_use = self.in_use()
        chosen = []
        for sha256, content in sorted(self.contents.items(), key=lambda item: item[1].used):
            if held <= space:
                break
            if sha256 not in in_use:
                chosen.append(sha256)
                held -= content.size
        return chosen if held <= space else None

    def to_json(self) -> dict[str, object]:
        return {
            "contents": {sha256: asdict(content) for sha256, content in self.contents.items()},
            "origins": {url: asdict(origin) for url, origin in self.origins.items()},
            "pins": {owner: sorted(pinned) for owner, pinned in self.pins.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], sizes: Mapping[str, int], *, at: float) -> Index:
        """What was saved about the contents that are there (`sizes`); one that nothing is known about is kept too."""
        index = cls()
        contents, origins, pins = (_mapping(data.get(key)) for key in ("contents", "origins", "pins"))
        for sha256, size in sizes.items():
            used = _mapping(contents.get(sha256)).get("used", at)
            index.add(sha256, size=size, at=used if isinstance(used, float) else at)
        for url, origin in origins.items():
            saved = _mapping(origin)
            validators = _mapping(saved.get("validators"))
            if saved.get("sha256") in sizes:
                known = Validators(**{name: str(validators.get(name, "")) for name in ("etag", "modified")})
                index.origins[url] = Origin(sha256=str(saved["sha256"]), validators=known)
        for owner, pinned in pins.items():
            if isinstance(pinned, Collection) and (present := sizes.keys() & set(pinned)):
                index.pins[owner] = set(present)
        return index


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
