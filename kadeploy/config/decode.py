"""From a mapping that people wrote to a pydantic model, with every fault told in plain words and its place.

`image.kind: must be tar, dd or fsa, not 'tra'`. Unknown keys are warnings, not faults: a file written for another
version must not stop a server.
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final, Generic, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

Place = tuple[int | str, ...]


class Section(BaseModel):
    """One mapping of a file. `KADEPLOY3` names keys that the original has and that nothing here uses, each with what
    an administrator should know instead."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True, use_attribute_docstrings=True)
    KADEPLOY3: ClassVar[Mapping[str, str]] = MappingProxyType({})


Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded(Generic[Model]):
    """The model, or None when there are faults; both lists hold `path.to.key: what`."""

    value: Model | None
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def decode(model: type[Model], data: object) -> Decoded[Model]:
    """Check `data` against the model; the data is not changed."""
    if not isinstance(data, Mapping):
        return Decoded(value=None, faults=(f"must be a mapping of keys to values, not {_shown(data)}",))
    cleaned, warnings = known_part(model, data)
    try:
        return Decoded(value=model.model_validate(cleaned), warnings=warnings)
    except ValidationError as error:
        return Decoded(value=None, faults=tuple(sentence(each) for each in error.errors()), warnings=warnings)


def sound_part(model: type[Model], data: object) -> Model | None:
    """What is left when all that has a fault is taken out; None where nothing is. For further checks, not for use."""
    if not isinstance(data, Mapping):
        return None
    cleaned, _ = known_part(model, data)
    while error := next(iter(_errors(model, cleaned)), None):
        place = error["loc"][:-1] if error["type"] == "missing" else error["loc"]
        if not place:
            return None
        try:
            _remove(cleaned, place)
        except (KeyError, IndexError, TypeError):  # pydantic's way into a union has parts of its own
            if cleaned.pop(place[0], None) is None:
                return None
    return model.model_validate(cleaned)


def known_part(model: type[BaseModel], data: Mapping[Any, object]) -> tuple[dict[Any, Any], tuple[str, ...]]:
    """The same without the keys that the model does not have, and a line for each of these."""
    cleaned = deepcopy(dict(data))
    unknown = [error["loc"] for error in _errors(model, cleaned) if error["type"] == "extra_forbidden"]
    for place in unknown:
        _remove(cleaned, place)
    return cleaned, tuple(_unknown(model, place) for place in unknown)


def path(place: Iterable[int | str]) -> str:
    """`clusters[0].nodes[2].mac`."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def sentence(error: ErrorDetails) -> str:
    """One of pydantic's errors as `path: what`."""
    where = path(error["loc"])
    context = error.get("ctx") or {}
    tell = _SENTENCES.get(error["type"])
    said = tell(context, error["input"]) if tell else f"{error['msg']}, not {_shown(error['input'])}"
    return f"{where}: {said}" if where else said


_Tell = Callable[[Mapping[str, Any], object], str]


def _must_be(what: str) -> _Tell:
    return lambda context, given: f"must be {what}, not {_shown(given)}"


def _bound(words: str, key: str) -> _Tell:
    return lambda context, given: f"must be {words} {context[key]}, not {_shown(given)}"


_SENTENCES: Final[Mapping[str, _Tell]] = {
    "missing": lambda context, given: "is required",
    "string_type": _must_be("text"),
    "int_type": _must_be("a whole number"),
    "int_parsing": _must_be("a whole number"),
    "int_from_float": _must_be("a whole number"),
    "bool_type": _must_be("true or false"),
    "bool_parsing": _must_be("true or false"),
    "list_type": _must_be("a list"),
    "tuple_type": _must_be("a list"),
    "dict_type": _must_be("a mapping of keys to values"),
    "model_type": _must_be("a mapping of keys to values"),
    "enum": lambda context, given: f"must be {context['expected'].replace(chr(39), '')}, not {_shown(given)}",
    "literal_error": lambda context, given: f"must be {context['expected'].replace(chr(39), '')}, not {_shown(given)}",
    "float_type": _must_be("a number"),
    "float_parsing": _must_be("a number"),
    "finite_number": _must_be("a finite number"),
    "greater_than": _bound("more than", "gt"),
    "greater_than_equal": _bound("at least", "ge"),
    "less_than_equal": _bound("at most", "le"),
    "string_too_short": lambda context, given: "must not be empty",
    "string_too_long": lambda context, given: f"must have at most {context['max_length']} characters",
    "value_error": lambda context, given: str(context.get("error", "is not valid")),
}


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return repr(value)[:80]


def _errors(model: type[BaseModel], data: Mapping[str, object]) -> list[ErrorDetails]:
    try:
        model.model_validate(data)
    except ValidationError as error:
        return error.errors()
    return []


def _remove(data: Any, place: Place) -> None:
    for part in place[:-1]:
        data = data[part]
    del data[place[-1]]


def _unknown(model: type[BaseModel], place: Place) -> str:
    section = _section_at(model, place[:-1])
    key = str(place[-1])
    if section is not None and issubclass(section, Section) and key in section.KADEPLOY3:
        return f"{path(place)}: is Kadeploy3's and has no effect here: {section.KADEPLOY3[key]}"
    near = difflib.get_close_matches(key, _keys(section) if section else (), n=1)
    return f"{path(place)}: is not a known key" + (f"; did you mean {near[0]}?" if near else "")


def _section_at(model: type[BaseModel], place: Place) -> type[BaseModel] | None:
    """The model that describes what stands at `place`, found through the annotations."""
    found: type[BaseModel] | None = model
    for part in place:
        if found is None:
            return None
        if isinstance(part, str):
            field = _keys(found).get(part)
            found = _model_in(field.annotation) if field else None
    return found


def _keys(section: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """The fields by the names that they have in files."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (Union, types.UnionType, list, tuple):
        return next((found for argument in get_args(annotation) if (found := _model_in(argument))), None)
    return None
