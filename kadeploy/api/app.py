"""The API as an ASGI application: each route of the table, wrapped alike."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from kadeploy.api import answers, problems
from kadeploy.api.auth.chain import Chain
from kadeploy.api.auth.credentials import Credentials
from kadeploy.api.call import NOBODY, Call
from kadeploy.api.parameters import LARGEST, merged, schema
from kadeploy.api.paths import RawPath, segment
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
        max_body_size=LARGEST,
    )
    table = routes(use_cases, settings)
    for route in table:
        endpoint = _endpoint(route, authentication, settings)
        _add(app, route, endpoint)
    app.add_exception_handler(HTTPException, _refused(table))
    app.add_middleware(GZipMiddleware, minimum_size=500, compresslevel=5)
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


def _endpoint(route: Route, authentication: Chain, settings: Settings) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            media = answers.negotiate(request.headers.get("accept", ""))
            shown = _credentials(request, settings)
            call = Call(
                caller=NOBODY if route.is_open else await authentication.caller(shown),
                path={name: segment(text) for name, text in request.path_params.items()},
                parameters=await merged(request),
                last_event=request.headers.get("last-event-id", ""),
            )
            return answers.rendered(await route.handler(call), media)
        except Exception as error:
            return problems.answer(error, challenge=authentication.challenge)

    return endpoint


def _credentials(request: Request, settings: Settings) -> Credentials:
    return Credentials(
        address=request.client.host if request.client else "",
        user=request.headers.get(f"{settings.headers_prefix}User", ""),
        authorization=request.headers.get("authorization", ""),
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
