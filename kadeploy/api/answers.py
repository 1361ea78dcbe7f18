"""From what a handler answers to the bytes and headers that Kadeploy3's tools need.

Text is plain with one newline added; everything else is JSON or YAML, by what the request accepts. Success is 200.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
import yaml
from starlette.exceptions import HTTPException
from starlette.responses import Response

JSON: Final = "application/json"
YAML: Final = "application/x-yaml"
TEXT: Final = "text/plain"
LARGE: Final = 20_000  # bytes from which nobody reads JSON: it is not indented
FRESH: Final = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}
_ACCEPTED: Final[Mapping[str, str]] = {
    "application/json": JSON,
    "application/x-yaml": YAML,
    "application/yaml": YAML,
    "text/yaml": YAML,
    "application/*": JSON,
    "*/*": JSON,
    "text/plain": JSON,
    "text/event-stream": JSON,
    "text/*": JSON,
}


class _Dumper(yaml.CSafeDumper):
    """Writes what occurs twice twice: aliases are for machines."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def negotiate(accept: str) -> str:
    """JSON or YAML, whichever is wanted more; JSON when nothing is said. Raises HTTPException 406."""
    best: tuple[float, str] | None = None
    for part in accept.split(",") if accept.strip() else ["*/*"]:
        kind, *options = (piece.strip().lower() for piece in part.split(";"))
        media, quality = _ACCEPTED.get(kind), _quality(options)
        if media and quality > 0 and (best is None or quality > best[0]):
            best = (quality, media)
    if best is None:
        raise HTTPException(406, f"answers are {JSON} or {YAML}")
    return best[1]


def rendered(value: object, media: str, *, status: int = 200) -> Response:
    """A response is passed on; None and text are plain text whatever was asked for."""
    if isinstance(value, Response):
        value.headers.update(FRESH)
        return value
    if value is None or isinstance(value, str | bool):
        said = str(value).lower() if isinstance(value, bool) else value or ""
        return text(f"{said}\n")
    headers = {**FRESH, "Content-Type": f'{media}; charset="UTF-8"'}
    return Response(_dumped(value, media), status_code=status, headers=headers)


def text(body: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Plain text as it is."""
    every = {**FRESH, **(headers or {}), "Content-Type": f'{TEXT}; charset="UTF-8"'}
    return Response(body.encode(), status_code=status, headers=every)


def _dumped(value: object, media: str) -> bytes:
    if media == YAML:
        # Through JSON, so that enumerations and tuples are what they are there.
        plain = orjson.loads(orjson.dumps(value))
        return yaml.dump(
            plain, Dumper=_Dumper, explicit_start=True, sort_keys=False, allow_unicode=True, encoding="utf-8"
        )
    plainly = orjson.dumps(value)
    return plainly if len(plainly) > LARGE else orjson.dumps(value, option=orjson.OPT_INDENT_2)


def _quality(options: list[str]) -> float:
    for option in options:
        if option.startswith("q="):
            try:
                return float(option[2:])
            except ValueError:
                return 0.0
    return 1.0
