"""What happens to every request, whatever its route: who asks, may they, what do they say; and it is written down."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kadeploy.api import answers, problems
from kadeploy.api.auth.chain import Chain
from kadeploy.api.auth.credentials import Credentials
from kadeploy.api.body import content_of
from kadeploy.api.call import NOBODY, Call
from kadeploy.api.carried import is_text
from kadeploy.api.origin import refuse_strange_pages
from kadeploy.api.parameters import merged
from kadeploy.api.paths import segment
from kadeploy.api.routes import Route
from kadeploy.api.server import Settings
from kadeploy.domain.access import Access
from kadeploy.errors import Forbidden, NotAuthenticated, NotFound, TooManyFailures
from kadeploy.operations.answered import Answered
from kadeploy.operations.audit import AuditTrail, Deed
from kadeploy.operations.caller import Caller
from kadeploy.operations.metrics import Metrics
from kadeploy.operations.repeats import once

CLIENT_CERTIFICATE = "client_certificate"  # what the HTTP server calls it in the state of a connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One route, behind the same door as all."""

    route: Route
    chain: Chain
    trail: AuditTrail
    metrics: Metrics
    answered: Answered
    settings: Settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.answer(Request(scope, receive, send))
        await response(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        began = time.monotonic()
        response = await self._answer(request)
        self.metrics.answered(request.method, self.route.path, response.status_code, time.monotonic() - began)
        return response

    async def _answer(self, request: Request) -> Response:
        caller, call = NOBODY, Call(path={name: segment(text) for name, text in request.path_params.items()})
        try:
            refuse_strange_pages(request)
            if not all(map(is_text, call.path.values())):
                raise NotFound("there is no such resource: its path has NUL in it")
            media = answers.negotiate(request.headers.get("accept", ""))
            if self.route.access is not Access.OPEN:
                caller = await self.chain.caller(credentials_of(request, self.settings))
                call = replace(call, caller=caller)  # who it was is written down even if the rest cannot be read
            call = Call(
                caller=caller,
                path=call.path,
                parameters={} if self.route.streams else await merged(request),
                last_event=request.headers.get("last-event-id", ""),
                key=request.headers.get("idempotency-key", ""),
                server=request.url.hostname or "",
                content=content_of(request) if self.route.streams else None,
                content_range=request.headers.get("content-range", ""),
            )
            refuse(caller, self.route.needs(call.parameters))
            said = await self._handled(call)
            await self._note(request, call, said, self._result(call, said))
            return answers.rendered(said, media)
        except Exception as error:
            if caller is not NOBODY or _is_tried(request, error):
                await self._note(request, call, None, str(error) or type(error).__name__)
            return problems.answer(error, challenge=self.chain.challenge)

    async def _handled(self, call: Call) -> object:
        if not (self.route.keyed and call.key) or self.route.is_dry(call.parameters):
            return await self.route.handler(call)
        asked = once(call.key, f"{self.route.method} {self.route.path}", call.parameters)
        assert asked is not None
        return await self.answered.once(call.caller, asked, lambda: self.route.handler(call))

    def _result(self, call: Call, said: object) -> str:
        if self.route.is_dry(call.parameters):
            return "dry run"
        return f"ok: {self.route.tells(call, said)}" if self.route.tells else "ok"

    async def _note(self, request: Request, call: Call, said: object, result: str) -> None:
        if not self.route.changes(call.parameters):
            return
        deed = Deed(
            action=f"{request.method} {request.scope['path'].rstrip('/')}",
            address=_address(request),
            operation=call.path.get("wid") or _started(said),
            nodes=_nodes(call),
            result=result,
        )
        await self.trail.note(call.caller, deed)


def refuse(caller: Caller, access: Access) -> None:
    """Raises Forbidden when the caller may not do such things."""
    if caller.has(access) or access is Access.OPEN:
        return
    if Caller(name=caller.name, role=caller.role).has(access):
        raise Forbidden(f"your token is for scope {caller.scope} only, and this is to {access}")
    raise Forbidden(f"your role is {caller.role}, which may not {access}")


def _is_tried(request: Request, error: Exception) -> bool:
    """Somebody said who they are, and was not believed; after too many of them they are not written down any more."""
    shown = "authorization" in request.headers or hasattr(request.state, CLIENT_CERTIFICATE)
    return isinstance(error, NotAuthenticated) and not isinstance(error, TooManyFailures) and shown


def credentials_of(request: HTTPConnection, settings: Settings) -> Credentials:
    """What somebody shows to say who they are, with a request or a WebSocket."""
    server, server_port = request.scope.get("server") or ("", 0)
    return Credentials(
        address=_address(request),
        port=request.client.port if request.client else 0,
        server=server,
        server_port=server_port or 0,
        user=request.headers.get(f"{settings.headers_prefix}User", ""),
        authorization=request.headers.get("authorization", ""),
        claimed_certificate=request.headers.get(f"{settings.headers_prefix}Certificate", ""),
        certificate=getattr(request.state, CLIENT_CERTIFICATE, b""),
    )


def _address(request: HTTPConnection) -> str:
    return request.client.host if request.client else ""


def _started(said: object) -> str:
    return str(said.get("wid", "")) if isinstance(said, Mapping) else ""


def _nodes(call: Call) -> Sequence[str]:
    """As they were given; none for an operation that exists already, which knows its own."""
    if "node" in call.path:
        return (call.path["node"],)
    given = call.parameters.get("nodes", call.parameters.get("node", ()))
    return tuple(map(str, given)) if isinstance(given, list | tuple) else (str(given),)
