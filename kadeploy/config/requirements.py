"""What one key of an environment's description asks of others: one table, for checking and for the JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

_EMPTY: Final[tuple[object, ...]] = (None, "", [], {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """Where every key of `given` has its value, `key` must be there, or with `only` be that; `because` tells people."""

    given: Mapping[str, object]
    key: str
    because: str
    only: str = ""


REQUIREMENTS: Final = (
    Requirement(given={"image.kind": "tar"}, key="image.compression", because="for a tar image"),
    Requirement(given={"image.kind": "dd"}, key="image.compression", because="for a dd image"),
    Requirement(given={"image.kind": "fsa"}, key="image.compression", because="for an fsa image"),
    Requirement(given={"image.kind": "tar"}, key="boot.kernel", because="for a tar image"),
    Requirement(given={"image.kind": "tar"}, key="filesystem", because="for a tar image"),
    Requirement(
        given={"image.kind": "tar", "os": "xen"}, key="boot.hypervisor", because="for a tar image with os: xen"
    ),
    Requirement(given={"multipart": True}, key="image.kind", only="fsa", because="when multipart is true"),
    Requirement(given={"multipart": True}, key="boot.block_device", because="when multipart is true"),
    Requirement(given={"multipart": True}, key="boot.partition", because="when multipart is true"),
    Requirement(given={"multipart": True}, key="options.partitions", because="when multipart is true"),
)


def missing(description: Mapping[str, object]) -> Iterator[str]:
    """A fault for each requirement that is not met, from the mapping as people wrote it."""
    for one in REQUIREMENTS:
        if not all(_at(description, key) == value for key, value in one.given.items()):
            continue
        value = _at(description, one.key)
        if one.only and value not in (one.only, None):
            yield f"{one.key}: must be {one.only} {one.because}, not {value!r}"
        elif not one.only and value in _EMPTY and not isinstance(value, bool | int):
            yield f"{one.key}: is required {one.because}"


def conditions() -> list[dict[str, Any]]:
    """The same for the `allOf` of a JSON Schema."""
    return [{"if": _schema(one.given), "then": _then(one)} for one in REQUIREMENTS]


def _schema(given: Mapping[str, object]) -> dict[str, Any]:
    parts = [_nested(key, {"const": value}) for key, value in given.items()]
    return parts[0] if len(parts) == 1 else {"allOf": parts}


def _then(one: Requirement) -> dict[str, Any]:
    if one.only:
        return _nested(one.key, {"const": one.only})
    return _nested(one.key, {"not": {"enum": list(_EMPTY)}})


def _nested(key: str, inner: dict[str, Any]) -> dict[str, Any]:
    return reduce(
        lambda schema, part: {"type": "object", "properties": {part: schema}, "required": [part]},
        reversed(key.split(".")),
        inner,
    )


def _at(description: Mapping[str, object], key: str) -> object:
    value: object = description
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
