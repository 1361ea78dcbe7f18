"""The port `Remote` through agents."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.drivers.agents.calls import Call, ReportDetail
from kadeploy.drivers.agents.meeting import Meeting
from kadeploy.ports.remote import Command, ReportBytes

_AT_ONCE = 200  # commands said before others may use the loop


class AgentRemote:
    """Waits for an agent that is not connected (yet, or just now), until the deadline or the meeting's limit."""

    def __init__(self, meeting: Meeting) -> None:
        self._meeting = meeting

    async def run(
        self,
        nodes: NodeSet,
        make: Callable[[str], Command],
        *,
        key: str,
        deadline: float,
        report: ReportBytes | None = None,
        leaves: bool = False,
        detail: ReportDetail | None = None,
    ) -> Result:
        calls: list[Call] = []
        end = asyncio.get_running_loop().time() + deadline
        try:
            for node in nodes:
                call = Call(node=node, key=key, command=make(node), report=report, detail=detail)
                self._meeting.calls.ask(call, self._meeting.session(node))
                calls.append(call)
                if len(calls) % _AT_ONCE == 0:
                    await asyncio.sleep(0)
            if calls:
                left = end - asyncio.get_running_loop().time()
                await asyncio.wait([call.done for call in calls], timeout=max(0.0, left))
            return self._collect(calls, deadline, leaves)
        finally:
            for call in calls:
                self._meeting.calls.give_up(call, self._meeting.session(call.node))

    async def stop(self, nodes: NodeSet) -> None:
        for node in nodes:
            self._meeting.calls.stop(node, self._meeting.session(node))

    def _collect(self, calls: list[Call], deadline: float, leaves: bool) -> Result:
        ok: list[str] = []
        ko: dict[str, str] = {}
        outputs: dict[str, str] = {}
        for call in calls:
            if leaves and not call.answered and not self._meeting.session(call.node):
                ok.append(call.node)
                continue
            if not call.done.done():
                ko[call.node] = self._why_late(call, deadline)
                continue
            ended = call.done.result()
            if ended.ok:
                ok.append(call.node)
                outputs[call.node] = ended.output
            else:
                ko[call.node] = ended.reason
                if ended.output:
                    outputs[call.node] = ended.output
        return Result(ok=NodeSet(ok), ko=ko, outputs=outputs)

    def _why_late(self, call: Call, deadline: float) -> str:
        if self._meeting.session(call.node):
            return f"{call.command.name} did not end in {deadline:.0f} s"
        return f"its agent is not connected: {call.command.name} could not be run in {deadline:.0f} s"
