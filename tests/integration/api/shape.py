"""Whether an answer has the shape of a recorded one: its keys, its types, and what in it cannot differ."""

from __future__ import annotations

from collections.abc import Iterator

_FREE = frozenset({"time", "start_time", "id"})  # numbers that are each server's own


def differences(expected: object, actual: object, place: str = "") -> Iterator[str]:
    """More keys than recorded do no harm to the tools; fewer do."""
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            yield f"{place}: a mapping was recorded, not {actual!r}"
            return
        for key, value in expected.items():
            yield from _value_differences(key, value, actual, f"{place}.{key}")
    elif isinstance(expected, list):
        yield from _list_differences(expected, actual, place)
    elif isinstance(expected, bool) or expected is None:
        if actual is not expected:
            yield f"{place}: {expected} was recorded, not {actual!r}"
    elif not isinstance(actual, type(expected)):
        yield f"{place}: a {type(expected).__name__} was recorded, not {actual!r}"


def _value_differences(key: str, expected: object, actual: dict[str, object], place: str) -> Iterator[str]:
    if key not in actual:
        yield f"{place}: is missing"
    elif key not in _FREE:
        yield from differences(expected, actual[key], place)
    elif not isinstance(actual[key], int | float) or isinstance(actual[key], bool):
        yield f"{place}: a number was recorded, not {actual[key]!r}"


def _list_differences(expected: list[object], actual: object, place: str) -> Iterator[str]:
    if not isinstance(actual, list) or len(actual) != len(expected):
        yield f"{place}: a list of {len(expected)} was recorded, not {actual!r}"
        return
    for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
        if isinstance(one, str) and one != other:
            yield f"{place}[{index}]: {one!r} was recorded, not {other!r}"
        else:
            yield from differences(one, other, f"{place}[{index}]")
