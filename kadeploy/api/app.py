"""The API as an ASGI application: each route of the table, wrapped alike."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from kadeploy.api import problems
from kadeploy.api.auth.chain import Chain
from kadeploy.api.endpoint import Endpoint
from kadeploy.api.parameters import LARGEST, schema
from kadeploy.api.paths import RawPath
from kadeploy.api.routes import Route, routes
from kadeploy.api.server import Settings
from kadeploy.operations.assemble import UseCases

_PLACE: Final = re.compile(r"{(\w+)}")
_WORDLESS: Final = re.compile(r"\W+")


def create_app(use_cases: UseCases, authentication: Chain, settings: Settings) -> FastAPI:
    """The caller serves it; nothing is started here."""
    app = FastAPI(
        title="Kadeploy",
        summary="Installs operating systems on whole clusters",
        version=settings.version,
        redirect_slashes=False,
        docs_url=None,  # these pages run scripts of other hosts, with what the reader may do here
        redoc_url=None,
        max_body_size=LARGEST,
    )
    table = routes(use_cases, settings)
    for route in table:
        endpoint = Endpoint(route=route, chain=authentication, trail=use_cases.audit, settings=settings)
        _add(app, route, endpoint.answer)
    app.add_exception_handler(HTTPException, _refused(table))
    app.add_middleware(GZipMiddleware, minimum_size=500, compresslevel=1)
    app.add_middleware(RawPath)
    return app


def _add(app: FastAPI, route: Route, endpoint: Callable[[Request], Awaitable[Response]]) -> None:
    extra: dict[str, Any] = {
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in _PLACE.findall(route.path)
        ]
    }
    if route.body is not None:
        extra["requestBody"] = schema(route.body)
    for path, is_shown in ((route.path, True), (f"{route.path}/", False)):
        app.add_api_route(
            path,
            endpoint,
            methods=[route.method],
            summary=route.does,
            response_model=None,
            include_in_schema=is_shown,
            operation_id=_WORDLESS.sub("_", f"{route.method}{route.path}").strip("_").lower(),
            openapi_extra=extra,
        )


def _refused(table: tuple[Route, ...]) -> Callable[[Request, Exception], Awaitable[Response]]:
    """What routing refuses. A 405 names every method of the path: the framework knows of one only."""
    patterns = [(route.method, re.compile(_PLACE.sub("[^/]+", route.path) + "/?")) for route in table]

    async def refused(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code == 405:
            allowed = {method for method, pattern in patterns if pattern.fullmatch(request.scope["path"])}
            error = HTTPException(405, error.detail, {"Allow": ", ".join(sorted(allowed))})
        return problems.answer(error)

    return refused
