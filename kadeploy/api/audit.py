"""GET /audit: what was done."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from kadeploy.api.call import Call
from kadeploy.api.parameters import Parameters, decoded
from kadeploy.domain.audit import to_json
from kadeploy.operations.audit import AuditTrail


class AuditParameters(Parameters):
    """`since` is in seconds since the epoch; the newest `limit` entries that fit, oldest first."""

    user: str | None = None
    node: str | None = None
    since: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    limit: Annotated[int, Field(ge=1, le=10_000)] = 1000


class AuditResource:
    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail

    async def show(self, call: Call) -> object:
        asked = decoded(AuditParameters, call.parameters)
        entries = await self._trail.read(
            call.caller, user=asked.user, since=asked.since, node=asked.node, limit=asked.limit
        )
        return [to_json(entry) for entry in entries]
