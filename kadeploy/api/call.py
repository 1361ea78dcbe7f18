"""What a handler gets: who calls, which resource, and what was said."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from kadeploy.operations.caller import Caller

NOBODY = Caller(name="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`path` holds the decoded segments by name; `parameters` the query and the body, merged. `server` is the host that
    the client calls this server by, `key` its word for this request, which it may repeat. `content` is the body of a
    route that streams: bytes, not parameters, of which `content_range` says where they belong."""

    caller: Caller = NOBODY
    path: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)
    last_event: str = ""
    key: str = ""
    server: str = ""
    content: AsyncIterator[bytes] | None = None
    content_range: str = ""


Handler = Callable[[Call], Awaitable[object]]
"""Answers with a Response, or with what is to be rendered: text, None, or what JSON can carry."""
