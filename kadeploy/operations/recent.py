"""What was asked for lately is kept, by its weight: ten thousand small operations or a few large ones."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """By key, at most `most` of weight in all: what was asked for least recently goes first, the newest never."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._weight = 0
        self._kept: OrderedDict[str, tuple[T, int]] = OrderedDict()

    def get(self, key: str) -> T | None:
        if key not in self._kept:
            return None
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def put(self, key: str, value: T, weight: int) -> None:
        """In place of what is there."""
        self.drop(key)
        self._kept[key] = value, weight
        self._weight += weight
        while self._weight > self._most and len(self._kept) > 1:
            self.drop(next(iter(self._kept)))

    def drop(self, key: str) -> None:
        """Nothing happens for an unknown one."""
        self._weight -= self._kept.pop(key, (None, 0))[1]
