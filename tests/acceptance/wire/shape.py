"""Whether an answer has the keys and the types of a recorded one: all that the tools need of it."""

from __future__ import annotations

from collections.abc import Iterator


def differences(recorded: object, ours: object, place: str = "") -> Iterator[str]:
    """More keys than recorded do no harm; fewer do. Of a recorded list each kind of element must be there."""
    if isinstance(recorded, dict):
        if not isinstance(ours, dict):
            yield f"{place}: a mapping was recorded, not {ours!r}"
            return
        for key, value in recorded.items():
            if key not in ours:
                yield f"{place}.{key}: is missing in {sorted(ours)}"
            else:
                yield from differences(value, ours[key], f"{place}.{key}")
    elif isinstance(recorded, list):
        yield from _of_list(recorded, ours, place)
    elif recorded is not None and _type(recorded) is not _type(ours):
        yield f"{place}: a {_type(recorded).__name__} was recorded, not {ours!r}"


def _of_list(recorded: list[object], ours: object, place: str) -> Iterator[str]:
    if not isinstance(ours, list):
        yield f"{place}: a list was recorded, not {ours!r}"
        return
    for index, wanted in enumerate(recorded):
        found = [list(differences(wanted, one, f"{place}[{index}]")) for one in ours]
        if found and all(found):
            yield from min(found, key=len)


def _type(value: object) -> type:
    """JSON has one kind of numbers."""
    return float if isinstance(value, int | float) and not isinstance(value, bool) else type(value)
