"""What the values of a request may be: what JSON, UTF-8 and the databases can all carry.

JSON lets people write more: half of a character (`"\\ud800"`), a number of any length, lists in lists without end. Such
a value is a fault of who sends it, told before anything is done with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kadeploy.domain.yaml_text import DEEPEST

LARGEST_NUMBER: Final = 2**63 - 1  # what SQLite's and PostgreSQL's integers hold
_SHOWN: Final = 60  # characters of a place
_TOLD: Final = 5  # faults of a request that are told: it can have a million of the same


def is_text(text: str) -> bool:
    """Whether it can be written as UTF-8 (RFC 3629, 3) and kept by PostgreSQL, which knows no NUL."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def faults(value: object) -> list[str]:
    """What cannot be carried, each with its place."""
    found = []
    for fault in _faults(value, "", 0):
        found.append(fault)
        if len(found) == _TOLD:
            break
    return found


def _faults(value: object, place: str, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        yield f"{place[:_SHOWN]}…: nested more than {DEEPEST} deep"
        return
    for name, key, entry in _entries(value):
        if not isinstance(entry, dict | list) and not _fault(key) and not _fault(entry):
            continue
        here = f"{place}{name.format(key=key)}".removeprefix(".")
        if fault := _fault(key):
            yield f"{here[:_SHOWN]!r}: is no key: {fault}"
        elif fault := _fault(entry):
            yield f"{here[:_SHOWN]}: {fault}"
        else:
            yield from _faults(entry, here, depth + 1)


def _entries(value: object) -> Iterator[tuple[str, object, object]]:
    """How each is found in it, and what it is."""
    if isinstance(value, dict):
        yield from ((".{key}", key, entry) for key, entry in value.items())
    elif isinstance(value, list):
        yield from (("[{key}]", index, entry) for index, entry in enumerate(value))


def _fault(value: object) -> str:
    if isinstance(value, str) and not is_text(value):
        return "must be text, without NUL and without halves of characters"
    if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
        return f"must be a number of at most {LARGEST_NUMBER}"
    return ""
