"""For those who watch the server: is it there, can it work, and its numbers."""

from __future__ import annotations

from starlette.responses import Response

from kadeploy.api import answers
from kadeploy.api.call import Call
from kadeploy.operations.metrics import CONTENT_TYPE, Metrics
from kadeploy.operations.readiness import Readiness


class HealthResource:
    def __init__(self, readiness: Readiness, metrics: Metrics) -> None:
        self._readiness = readiness
        self._metrics = metrics

    async def health(self, call: Call) -> object:
        """Whoever can answer this is there."""
        return {"status": "ok"}

    async def ready(self, call: Call) -> object:
        """503 when a part of the server is not ready; which, and why, is for those who know the server already."""
        faults = await self._readiness.faults()
        view = {"ready": not faults, "parts": {name: faults.get(name, "ok") for name in self._readiness.parts}}
        return answers.rendered(view, answers.JSON, status=503 if faults else 200)

    async def metrics(self, call: Call) -> object:
        return Response(await self._metrics.text(), headers={"Content-Type": CONTENT_TYPE})
