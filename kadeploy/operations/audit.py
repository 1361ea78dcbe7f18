"""Writing down who did what to which nodes, from where, and with what result: when it is asked for, and at its end."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kadeploy.domain.access import Access
from kadeploy.domain.audit import AuditEntry
from kadeploy.domain.event import Event, OperationEnded
from kadeploy.domain.plain_text import one_line
from kadeploy.errors import Forbidden, KadeployError
from kadeploy.operations.caller import Caller
from kadeploy.operations.selection import Selection
from kadeploy.ports.clock import Clock
from kadeploy.ports.store import Audit, Operations

_LONGEST = 2000  # characters of a result, and of nodes that are none

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What was asked for. `nodes` is as given; `operation` is the one that was started, or that it is about."""

    action: str
    address: str
    operation: str = ""
    nodes: Sequence[str] = ()
    result: str = "ok"


class AuditTrail:
    """A deed that cannot be written down has happened all the same: that is told to the log, and nobody else."""

    def __init__(self, *, audit: Audit, operations: Operations, selection: Selection, clock: Clock) -> None:
        self._audit = audit
        self._operations = operations
        self._selection = selection
        self._clock = clock

    async def note(self, caller: Caller, deed: Deed) -> None:
        entry = AuditEntry(
            at=self._clock.now(),
            user=caller.name,
            role=str(caller.role) if caller.name else "",
            scheme=f"{caller.scheme} {caller.token}".strip(),
            address=deed.address,
            action=deed.action,
            operation=deed.operation,
            nodes=await self._nodes(deed),
            result=deed.result[:_LONGEST],
        )
        await self._write(entry)

    async def ended(self, events: Sequence[Event]) -> None:
        """A listener of events."""
        for event in events:
            if isinstance(event, OperationEnded):
                operation = await self._operations.get(event.operation, even_forgotten=True)
                told = "; ".join(f"{state}: {nodes}" for state, nodes in (("ok", event.ok), ("ko", event.ko)) if nodes)
                entry = AuditEntry(
                    at=event.at,
                    user=operation.user,
                    action="end",
                    operation=event.operation,
                    nodes=str(operation.nodes),
                    result=" ".join(filter(None, (str(event.state), told, event.error)))[:_LONGEST],
                )
                await self._write(entry)

    async def read(
        self, caller: Caller, *, user: str | None = None, since: float = 0.0, node: str | None = None, limit: int = 1000
    ) -> Sequence[AuditEntry]:
        """The newest that fit, oldest first."""
        if not caller.has(Access.OVERSEE):
            raise Forbidden("what others did is for operators and administrators")
        return await self._audit.read(user=user, since=since, node=node, limit=limit)

    async def _nodes(self, deed: Deed) -> str:
        """Whole names, of what was asked for as far as that can be read, else of the operation it is about."""
        try:
            if deed.nodes:
                return str(self._selection.resolve(deed.nodes))
            if deed.operation:
                return str((await self._operations.get(deed.operation, even_forgotten=True)).nodes)
        except KadeployError:
            pass  # there are no such nodes, or no such operation
        return ",".join(deed.nodes)[:_LONGEST]

    async def _write(self, entry: AuditEntry) -> None:
        told = replace(
            entry,
            action=one_line(entry.action),
            operation=one_line(entry.operation),
            nodes=one_line(entry.nodes),
            result=one_line(entry.result),
        )
        try:
            await self._audit.add(told)
        except (KadeployError, OSError):
            log.exception("the audit log cannot be written: %s", entry)
