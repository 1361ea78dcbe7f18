"""The OpenAPI document (3.1), made from the table of routes: every parameter, answer, status and error in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from pydantic import TypeAdapter

from kadeploy.api.described.answers import ANSWERS, Described
from kadeploy.api.described.words import WORDS
from kadeploy.api.routes import Route
from kadeploy.domain.access import Access
from kadeploy.errors import KadeployError

Json = dict[str, Any]
_PLACE: Final = re.compile(r"{(\w+)}")
_WORDLESS: Final = re.compile(r"\W+")
_REFERENCE: Final = "#/components/schemas/{model}"
_LAUNCHES: Final = frozenset({("POST", "/deployment"), ("POST", "/reboot"), ("PUT", "/power"), ("GET", "/power")})
_WHY: Final[Mapping[int, str]] = {
    400: "The request cannot be done, or not read; the number in X-Application-Error-Code says of what kind it is.",
    401: "Who you are could not be established.",
    403: "You may not do this.",
    404: "There is no such thing.",
    405: "Not with this method.",
    406: "Answers are JSON or YAML, and neither is accepted.",
    409: "Somebody else is at it.",
    413: "The body is too large.",
    414: "The query is too long.",
    415: "The body is neither JSON nor YAML.",
    422: "The idempotency key was used for another request.",
    429: "Who you are was tried too often in vain: Retry-After says when to try again.",
    503: "The server cannot do it now.",
}


def document(table: Sequence[Route], *, version: str) -> Json:
    """Of both forms of a path only the one without a slash at its end is told."""
    schemas: Json = {}
    paths: dict[str, Json] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    _describe_fields(schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kadeploy",
            "summary": "Installs operating systems on whole clusters",
            "description": _INTRODUCTION,
            "version": version,
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {str(status): _refusal(status) for status in _WHY},
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic", "description": "A password of this server."},
                "bearer": {"type": "http", "scheme": "bearer", "description": "A token: this server's or an issuer's."},
                "trusted": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-Kadeploy-User",
                    "description": "The user's name, believed from hosts that the site trusts.",
                },
            },
        },
    }


_INTRODUCTION: Final = """Kadeploy3's API, extended.

Parameters come in the query or in a body, which is a mapping in JSON or YAML; the query wins. In a query a repeated key
is a list. Every path is the same with a slash at its end. Text answers end in a newline that is not part of them.
`Accept` chooses JSON or YAML, and `Accept-Encoding: gzip` compresses.
"""


def application_errors() -> Mapping[int, str]:
    """Every number that X-Application-Error-Code can have, with its fixed sentence."""

    def leaves(kind: type[KadeployError]) -> Iterator[type[KadeployError]]:
        yield kind
        for below in kind.__subclasses__():
            yield from leaves(below)

    numbered = {kind.code: (kind.__doc__ or "").strip() for kind in leaves(KadeployError) if kind.code}
    return dict(sorted(numbered.items()))


def _operation(route: Route, schemas: Json) -> Json:
    told = ANSWERS.get((route.method, route.path), Described(says="Done.", model=None))
    operation: Json = {
        "operationId": _WORDLESS.sub("_", f"{route.method}{route.path}").strip("_").lower(),
        "tags": [route.path.split("/")[1]],
        "summary": route.does,
        "description": f"{route.does}. Asked of who calls: {_asked(route)}.",
        "parameters": list(_parameters(route, schemas)),
        "responses": {
            "200": _success(told, schemas),
            **{str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses(route)},
        },
        "security": [] if route.access is Access.OPEN else [{"trusted": []}, {"basic": []}, {"bearer": []}],
    }
    if route.streams:
        operation["requestBody"] = {
            "description": "The bytes of the part.",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    elif route.method != "GET":
        operation["requestBody"] = _body(route, schemas)
    return operation


def _asked(route: Route) -> str:
    return "nothing" if route.access is Access.OPEN else f"to be known, and to be allowed to {route.access}"


def statuses(route: Route) -> Sequence[int]:
    """Those beside 200 that the route can have."""
    found = [400, 406, 413, 414, 415]
    if route.access is not Access.OPEN:
        found += [401, 403, 429]
    if route.path not in ("/version", "/health"):
        found += [404]
    if (route.method, route.path) in _LAUNCHES:
        found += [422, 503]
    if route.keyed:
        found += [422]
    if route.path == "/ready" or route.path.startswith("/console"):
        found += [503]
    if route.path.startswith(("/uploads", "/cache")):
        found += [409, 422, 503]
    return sorted(set(found))


def _parameters(route: Route, schemas: Json) -> Iterator[Json]:
    for name in _PLACE.findall(route.path):
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": WORDS.get(name, name),
            "schema": {"type": "string", "minLength": 1},
        }
    if (route.method, route.path) in _LAUNCHES:
        says = "The client's word for this request: sent again with it, the same operation is told, and none begun."
        yield _header("Idempotency-Key", says, {"type": "string", "minLength": 1, "maxLength": 255})
    if route.keyed:
        says = "The client's word for this request: sent again with it, the same is answered, and nothing done again."
        yield _header("Idempotency-Key", says, {"type": "string", "minLength": 1, "maxLength": 255})
    if route.path.endswith("/events"):
        yield _header("Last-Event-ID", "The last event that was seen.", {"type": "string", "pattern": "^[0-9]{1,15}$"})
    if route.streams:
        yield _header("Content-Range", "`bytes FIRST-LAST/SIZE`.", {"type": "string"})
    if route.method == "GET" and route.body is not None:
        model = _model(route.body, schemas)
        needed = model.get("required", ())
        for name, schema in model.get("properties", {}).items():
            yield {
                "name": name,
                "in": "query",
                "required": name in needed,
                "description": schema.get("description") or WORDS.get(name, ""),
                "schema": {key: value for key, value in schema.items() if key != "description"},
            }


def _header(name: str, says: str, schema: Json) -> Json:
    return {"name": name, "in": "header", "required": False, "description": says, "schema": schema}


def _body(route: Route, schemas: Json) -> Json:
    schema: Json = {"type": "object", "description": "A mapping; nothing in it is needed."}
    if route.body is not None:
        schema = _inlined(_model(route.body, schemas))
    content = {media: {"schema": schema} for media in ("application/json", "application/x-yaml")}
    return {"description": "The parameters.", "required": bool(schema.get("required")), "content": content}


def _inlined(schema: Json) -> Json:
    properties = {
        name: {"description": WORDS.get(name, ""), **inner} for name, inner in schema.get("properties", {}).items()
    }
    return {**schema, "properties": properties}


def _model(kind: Any, schemas: Json) -> Json:
    schema = TypeAdapter(kind).json_schema(ref_template=_REFERENCE)
    schemas.update(schema.pop("$defs", {}))
    return schema


def _success(told: Described, schemas: Json) -> Json:
    plain: Json = {"type": "string", "description": "Text."}
    schema = plain if told.model is None else _model(told.model, schemas)
    return {
        "description": told.says,
        "content": {media: {"schema": plain if media.startswith("text/") else schema} for media in told.media},
    }


def _refusal(status: int) -> Json:
    text: Json = {"type": "string", "description": "What is wrong, in words for people."}
    refusal: Json = {"description": _WHY[status], "content": {"text/plain": {"schema": text}}}
    if status == HTTPStatus.BAD_REQUEST:
        numbers = application_errors()
        meaning = "; ".join(f"{number}: {says}" for number, says in numbers.items())
        refusal["headers"] = {
            "X-Application-Error-Code": {
                "description": f"What kind of error it is. {meaning}",
                "schema": {"type": "integer", "enum": list(numbers)},
            },
            "X-Application-Error-Info": {
                "description": "The body in base64, its first 3000 bytes.",
                "schema": {"type": "string", "contentEncoding": "base64"},
            },
        }
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        refusal["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:  # what is not ready is told in data
        refusal["content"]["application/json"] = {"schema": {"type": "object", "description": "What is not ready."}}
    return refusal


def _describe_fields(schemas: Mapping[str, Json]) -> None:
    for schema in schemas.values():
        for name, inner in schema.get("properties", {}).items():
            inner.setdefault("description", WORDS.get(name, ""))


def undescribed(told: Mapping[str, Any]) -> Iterable[str]:
    """Places of the document that say nothing, for a test."""
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            if (method.upper(), path) not in ANSWERS:
                yield f"{where}: its answer"
            yield from (f"{where}: {one['name']}" for one in operation["parameters"] if not one["description"])
            for media in operation.get("requestBody", {}).get("content", {}).values():
                properties = media["schema"].get("properties", {})
                yield from (f"{where}: {name}" for name, inner in properties.items() if not inner["description"])
    for model, schema in told["components"]["schemas"].items():
        yield from (f"{model}.{name}" for name, one in schema.get("properties", {}).items() if not one["description"])
