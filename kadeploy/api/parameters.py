"""What a request says: query and body merged, as Kadeploy3 does, then decoded into a handler's own model.

The query wins over the body. In a query a repeated key is a list, and a list of one looks like a single value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Final, NoReturn, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from kadeploy.api import carried
from kadeploy.config.decode import sentence
from kadeploy.domain import yaml_text
from kadeploy.errors import Faults, InvalidOption, MissingOption, Unavailable
from kadeploy.operations.gathering import Gathering

LARGEST: Final = 1024 * 1024  # bytes of a body, and of a query
_JSON: Final = frozenset({"application/json"})
_YAML: Final = frozenset({"application/x-yaml", "application/yaml", "text/yaml"})


def _as_list(value: object) -> object:
    if value is None:
        return []
    return value if isinstance(value, list | tuple) else [value]


def _as_toggle(value: object) -> object:
    """Being there means true, unless it literally says false."""
    return value not in (None, False, "false")


def _empty_is_absent(value: object) -> object:
    return None if value == "" else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_as_list)]
Toggle = Annotated[bool, BeforeValidator(_as_toggle)]
Number = Annotated[
    Annotated[int, Field(ge=-carried.LARGEST_NUMBER, le=carried.LARGEST_NUMBER)] | None,
    BeforeValidator(_empty_is_absent),
]


class Parameters(BaseModel):
    """A handler's parameters. Unknown ones are ignored: Kadeploy3's tools send some that mean nothing."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)


Model = TypeVar("Model", bound=Parameters)


def decoded(model: type[Model], parameters: Mapping[str, object], *, place: str = "") -> Model:
    """`place` is put before each fault's path.

    Raises InvalidOption with every fault, or MissingOption when something is only missing.
    """
    given = {key: value for key, value in parameters.items() if value is not None}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        errors = error.errors()
        told = [place + sentence(each) for each in errors]
        kind = MissingOption if all(each["type"] == "missing" for each in errors) else InvalidOption
        refusal = kind("; ".join(told))
        refusal.parts = tuple(kind(each) for each in told) if len(told) > 1 else ()
        raise refusal from error


def decoded_partly(
    model: type[Model], parameters: Mapping[str, object], heard: Gathering
) -> tuple[Model, frozenset[str]]:
    """For who has more to say of the request: what is wrong is heard, and the rest as it was given, with the names of
    what was left out. Raises what was heard when there is no rest."""
    with heard:
        return decoded(model, parameters), frozenset()
    try:
        model.model_validate({key: value for key, value in parameters.items() if value is not None})
    except ValidationError as error:
        faulty = frozenset(str(each["loc"][0]) for each in error.errors() if each["loc"])
        with heard:
            return decoded(model, {key: value for key, value in parameters.items() if key not in faulty}), faulty
    heard.settle()
    raise AssertionError("what cannot be decoded was heard")


async def merged(request: Request) -> Mapping[str, object]:
    """Raises InvalidOption for a body or query that cannot be read, HTTPException 413, 414 and 415,
    Unavailable when the client has left."""
    said = {**await _body(request), **_query(request.scope["query_string"])}
    if faults := carried.faults(said):
        raise InvalidOption("; ".join(faults))
    return said


def _query(text: bytes) -> Mapping[str, object]:
    if len(text) > LARGEST:
        raise HTTPException(414, f"a query has at most {LARGEST} bytes")
    values: dict[str, list[str]] = {}
    for key, value in parse_qsl(text.decode("latin-1"), keep_blank_values=True, errors="replace"):
        values.setdefault(key, []).append(value)
    return {key: found[0] if len(found) == 1 else found for key, found in values.items()}


async def _body(request: Request) -> Mapping[str, object]:
    try:
        content = await request.body()
    except ClientDisconnect as error:
        raise Unavailable("the request ended before its body was whole") from error
    if not content.strip():
        return {}
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    try:
        if kind in _JSON:
            body = json.loads(content, parse_constant=_no_number)
        elif kind in _YAML:
            body = yaml_text.parse(content)
        else:
            raise HTTPException(415, f"a body must be {' or '.join(sorted(_JSON | _YAML))}, not {kind}")
    except RecursionError as error:
        raise InvalidOption("the body cannot be read: it is nested too deep") from error
    except ValueError as error:
        told = "; ".join(error.faults) if isinstance(error, Faults) else str(error)
        raise InvalidOption(f"the body cannot be read: {told}") from error
    if not isinstance(body, dict) or not all(isinstance(key, str) for key in body):
        raise InvalidOption("the body must be a mapping of names to values")
    return body


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")
