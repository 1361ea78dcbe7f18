"""The API as an ASGI application: each route of the table, wrapped alike."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Routed
from starlette.routing import WebSocketRoute

from kadeploy.api import body, console_stream, problems
from kadeploy.api.auth.chain import Chain
from kadeploy.api.call import Call
from kadeploy.api.console_ports import ConsolePorts
from kadeploy.api.console_stream import ConsoleStream
from kadeploy.api.described.document import document
from kadeploy.api.described.page import page
from kadeploy.api.endpoint import Endpoint
from kadeploy.api.parameters import LARGEST
from kadeploy.api.paths import RawPath
from kadeploy.api.routes import Route, routes
from kadeploy.api.server import Settings
from kadeploy.domain.access import Access
from kadeploy.operations.assemble import UseCases

_PLACE: Final = re.compile(r"{(\w+)}")


def create_app(use_cases: UseCases, authentication: Chain, settings: Settings, ports: ConsolePorts) -> Starlette:
    """The caller serves it; nothing is started here."""
    table = documented(routes(use_cases, settings, ports), settings)
    answering = [
        Endpoint(
            route=route,
            chain=authentication,
            trail=use_cases.audit,
            metrics=use_cases.metrics,
            answered=use_cases.answered,
            settings=settings,
        )
        for route in sorted(table, key=lambda route: "{wid}" not in route.path)  # found sooner: they are polled
    ]
    stream = ConsoleStream(use_cases.consoles, authentication, settings)
    app = Starlette(
        routes=[*map(_routed, answering), WebSocketRoute(console_stream.PATH, stream.answer)],
        middleware=[
            Middleware(RawPath),
            Middleware(GZipMiddleware, minimum_size=500, compresslevel=1),
            Middleware(RequestBodyLimitMiddleware, max_body_size=LARGEST),
        ],
        exception_handlers={HTTPException: _refused(table)},
    )
    app.router.redirect_slashes = False
    return app


def documented(table: tuple[Route, ...], settings: Settings) -> tuple[Route, ...]:
    """The table with the document of itself, and the page that shows it."""
    told: dict[str, Any] = {}

    async def openapi(call: Call) -> object:
        return told

    async def docs(call: Call) -> object:
        return page()

    whole = (
        *table,
        Route("GET", "/openapi.json", Access.OPEN, "This document", openapi),
        Route("GET", "/docs", Access.OPEN, "This document as a page", docs),
    )
    told.update(document(whole, version=settings.version))
    return whole


def _routed(endpoint: Endpoint) -> Routed:
    """An application by itself: what wraps functions takes as long as they do, and a thousand tools poll."""
    route = endpoint.route
    limited = RequestBodyLimitMiddleware(endpoint, max_body_size=body.LARGEST) if route.streams else endpoint
    routed = Routed(route.path, limited, methods=[route.method])
    routed.methods = {route.method}  # it adds HEAD
    return routed


def _refused(table: tuple[Route, ...]) -> Callable[[Request, Exception], Awaitable[Response]]:
    """What routing refuses. A 405 names every method of the path: the framework knows of one only."""
    patterns = [(route.method, re.compile(_PLACE.sub("[^/]+", route.path) + "/?")) for route in table]

    async def refused(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code == 405:
            allowed = {method for method, pattern in patterns if pattern.fullmatch(request.scope["path"])}
            error = HTTPException(405, error.detail, {"Allow": ", ".join(sorted(allowed))})
        return problems.answer(error)

    return refused
