"""The port `Remote` through agents."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from kadeploy.domain.meeting import Ended
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.drivers.agents.calls import Call, ReportDetail
from kadeploy.drivers.agents.meeting import Meeting
from kadeploy.ports.company import Company
from kadeploy.ports.remote import Command, Terms

_AT_ONCE = 200  # commands said before others may use the loop


class AgentRemote:
    """Waits for an agent that is not connected (yet, or just now), until the deadline or the meeting's limit."""

    def __init__(self, meeting: Meeting) -> None:
        self._meeting = meeting

    async def run(
        self,
        nodes: NodeSet,
        make: Callable[[str], Command],
        terms: Terms,
        *,
        leaves: bool = False,
        detail: ReportDetail | None = None,
        standstill: float = 0.0,
    ) -> Result:
        """As in the port; `standstill` as in `Call`."""
        calls: list[Call] = []
        end = asyncio.get_running_loop().time() + terms.deadline
        try:
            for node in nodes:
                call = Call(
                    node=node,
                    key=terms.key,
                    command=make(node),
                    report=terms.report,
                    detail=detail,
                    standstill=standstill,
                )
                self._meeting.calls.ask(call, self._meeting.session(node))
                calls.append(call)
                if terms.company is not None:
                    call.done.add_done_callback(_tells(terms.company, node))
                if len(calls) % _AT_ONCE == 0:
                    await asyncio.sleep(0)
            if calls:
                await _until_ended([call.done for call in calls], end, terms.company)
            return self._collect(calls, terms, leaves)
        finally:
            for call in calls:
                self._meeting.calls.give_up(call, self._meeting.session(call.node))

    async def stop(self, nodes: NodeSet) -> None:
        for node in nodes:
            self._meeting.calls.stop(node, self._meeting.session(node))

    def leave(self, nodes: NodeSet, key: str) -> None:
        """Let what is known by this key go on there: whoever waits for it hears nothing of these nodes."""
        for node in nodes:
            self._meeting.calls.leave(node, key)

    def _collect(self, calls: list[Call], terms: Terms, leaves: bool) -> Result:
        is_parting = terms.company is not None and terms.company.late is not None
        ok: list[str] = []
        ko: dict[str, str] = {}
        outputs: dict[str, str] = {}
        for call in calls:
            if leaves and not call.answered and not self._meeting.session(call.node):
                ok.append(call.node)
                continue
            if not call.done.done() and is_parting:
                self._meeting.calls.leave(call.node, call.key)
                continue
            if not call.done.done():
                ko[call.node] = self._why_late(call, terms.deadline)
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


def _tells(company: Company, node: str) -> Callable[[asyncio.Future[Ended]], None]:
    def tell(done: asyncio.Future[Ended]) -> None:
        if not done.cancelled():
            company.ended(node)

    return tell


async def _until_ended(calls: Sequence[asyncio.Future[Ended]], end: float, company: Company | None) -> None:
    """Until all have ended, those that have not are late, or the time is over."""
    left = max(0.0, end - asyncio.get_running_loop().time())
    if company is None:
        await asyncio.wait(calls, timeout=left)
        return
    all_ended = asyncio.ensure_future(asyncio.wait(calls))
    parting = asyncio.ensure_future(company.parting())
    try:
        await asyncio.wait((all_ended, parting), timeout=left, return_when=asyncio.FIRST_COMPLETED)
    finally:
        all_ended.cancel()
        parting.cancel()
