"""The JSON Schema (2020-12) of an environment's description, made from what checks descriptions.

For editors and other programs. A description may hold keys that nobody knows, so the schema allows them, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kadeploy.config.environment import Description
from kadeploy.config.requirements import conditions

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_PARTS_OF_REQUESTS: Final = ("kind",)


def environment_schema() -> dict[str, Any]:
    schema: dict[str, Any] = _opened(Description.model_json_schema())
    for key in _PARTS_OF_REQUESTS:
        del schema["properties"][key]
    return {"$schema": DIALECT, **schema, "title": "Kadeploy environment", "allOf": conditions()}


def fields(schema: dict[str, Any]) -> dict[str, str]:
    """Every key by its path (`image.file`, `postinstalls[].archive`), and what it means."""
    return dict(_fields(schema, schema["$defs"], ""))


def _fields(part: dict[str, Any], definitions: dict[str, Any], place: str) -> Iterator[tuple[str, str]]:
    for key, inner in part.get("properties", {}).items():
        sections = [(_section(shape, definitions), "") for shape in (inner, *inner.get("anyOf", ()))]
        sections += [
            (_section(shape.get("items", {}), definitions), "[]") for shape in (inner, *inner.get("anyOf", ()))
        ]
        yield place + key, inner.get("description") or sections[0][0].get("description", "")
        for section, many in sections:
            yield from _fields(section, definitions, f"{place}{key}{many}.")


def _section(shape: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = definitions.get(shape.get("$ref", "").rpartition("/")[2], {})
    return found


def _opened(part: Any) -> Any:
    """Without the prohibition of other keys, and without pydantic's titles, which only repeat the names."""
    if isinstance(part, dict):
        plain = {key: value for key, value in part.items() if key != "additionalProperties" or value is not False}
        if isinstance(plain.get("title"), str):
            del plain["title"]
        return {key: _opened(value) for key, value in plain.items()}
    return [_opened(each) for each in part] if isinstance(part, list) else part
