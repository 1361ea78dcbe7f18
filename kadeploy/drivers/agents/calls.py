"""Commands that are asked of agents: kept until answered, said again on every new connection of the node."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from kadeploy.domain.meeting import Acknowledge, Advance, BadMessage, Cancel, Ended, Run
from kadeploy.drivers.agents.session import Session
from kadeploy.errors import Conflict
from kadeploy.ports.remote import Command, ReportBytes

_log = logging.getLogger(__name__)
_MOST: Final = 2**62  # bytes; more is nonsense, and no number of a database's

ReportDetail = Callable[[str, Mapping[str, object]], None]
"""(node, what the command says of itself beside its bytes)."""


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """`boot` is the boot of the node that it was first said to; `done` gets the result, `answered` if it is the
    agent's own; `alone_since` (seconds of the loop's clock) is when the node was last not connected. It fails when
    nothing that it counts has `moved` for `standstill` seconds, if that is not 0."""

    node: str
    key: str
    command: Command
    report: ReportBytes | None
    detail: ReportDetail | None = None
    standstill: float = 0.0
    counts: tuple[object, ...] = ()
    moved: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    done: asyncio.Future[Ended] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    boot: str = ""
    answered: bool = False
    alone_since: float | None = None


class Calls:
    """Everything asked and not answered, by node and key."""

    def __init__(self) -> None:
        self._calls: dict[str, dict[str, Call]] = {}
        self._given_up: dict[str, set[str]] = {}
        self._left: dict[str, dict[str, Call]] = {}
        self.silent = False  # once the server is leaving, commands go on without it

    def ask(self, call: Call, session: Session | None) -> None:
        """Raises Conflict when the same command is already being waited for."""
        waiting = self._calls.setdefault(call.node, {})
        if call.key in waiting:
            raise Conflict(f"the command {call.key} is already being run on {call.node}")
        waiting[call.key] = call
        if before := self._found_again(call):
            call.boot, call.alone_since = before.boot, before.alone_since
        if session:
            call.alone_since = None
            _say(call, session)
        elif call.alone_since is None:
            call.alone_since = _now()

    def leave(self, node: str, key: str) -> None:
        """Nobody waits for it any more, and it goes on: it will be asked for again, or stopped."""
        call = self._calls.get(node, {}).get(key)
        if call is not None and self._drop(call):
            self._left.setdefault(node, {})[key] = call

    def give_up(self, call: Call, session: Session | None) -> None:
        """Nobody waits for it any more; if it was not answered, nor left, the node is to end it."""
        if self._drop(call) and not self.silent:
            self._cancel(call, session)

    def _drop(self, call: Call) -> bool:
        """Whether it was being waited for."""
        call.done.cancel()
        waiting = self._calls.get(call.node, {})
        if waiting.get(call.key) is not call:
            return False
        del waiting[call.key]
        if not waiting:
            del self._calls[call.node]
        return True

    def _found_again(self, call: Call) -> Call | None:
        """The call that was left. In which boot of the node it was begun still counts: what another boot would do with
        it is not what was asked for."""
        left = self._left.get(call.node, {})
        before = left.pop(call.key, None)
        if not left:
            self._left.pop(call.node, None)
        return before

    def _cancel(self, call: Call, session: Session | None) -> None:
        if not call.answered and call.boot:
            self._cancel_key(call.node, call.key, session)

    def _cancel_key(self, node: str, key: str, session: Session | None) -> None:
        if session:
            session.link.send(Cancel(key=key))
        else:
            self._given_up.setdefault(node, set()).add(key)

    def stop(self, node: str, session: Session | None) -> None:
        """End what is being run there, and fail it for whoever waits for it."""
        for key in self._left.pop(node, ()):
            self._cancel_key(node, key, session)
        for call in tuple(self._calls.get(node, {}).values()):
            if not call.done.done():
                _fail(call, "stopped on request")
                self._cancel(call, session)

    def connected(self, session: Session) -> None:
        """Say everything again; what the node knows already it does not do twice."""
        for key in self._given_up.pop(session.node, ()):
            session.link.send(Cancel(key=key))
        for call in tuple(self._calls.get(session.node, {}).values()):
            call.alone_since = None
            _say(call, session)

    def lost(self, node: str) -> None:
        for call in self._calls.get(node, {}).values():
            call.alone_since = _now()

    def give_up_the_absent(self, limit: float) -> None:
        """Fail what is asked of nodes that have not been connected for `limit` seconds: they are dead, or rebooting."""
        now = _now()
        for calls in self._calls.values():
            for call in calls.values():
                if call.alone_since is not None and now - call.alone_since > limit and not call.done.done():
                    _fail(call, f"its agent has not been connected for {limit:.0f} s")

    def give_up_what_stands_still(self) -> None:
        """A node whose disk takes nothing any more is connected, and would be waited for to the end of its time."""
        now = _now()
        standing = [
            call
            for calls in self._calls.values()
            for call in calls.values()
            if call.standstill and now - call.moved > call.standstill and not call.done.done()
        ]
        for call in standing:
            _fail(call, f"{call.command.name} has stood still for {call.standstill:.0f} s{_counted(call.counts)}")

    def advanced(self, session: Session, message: Advance) -> None:
        call = self._calls.get(session.node, {}).get(message.key)
        if call and call.counts != (counts := _counts(message)):
            call.counts, call.moved = counts, _now()
        if call and call.detail and message.detail:
            call.detail(session.node, message.detail)
        if call and call.report and 0 <= message.done <= _MOST and 0 <= message.total <= _MOST:
            call.report(session.node, message.done, message.total)

    def ended(self, session: Session, message: Ended) -> None:
        """A result that nobody waits for is not acknowledged: who asks again will get it."""
        call = self._calls.get(session.node, {}).get(message.key)
        if call is None:
            _log.debug("%s has a result that nobody waits for: %s", session.node, message.key)
            return
        session.link.send(Acknowledge(key=message.key))
        call.answered = True
        if not call.done.done():
            call.done.set_result(message)


def _counts(message: Advance) -> tuple[object, ...]:
    """Whole numbers count what was done; broken ones are measured, and change while nothing is done."""
    return message.done, *(said for said in message.detail.values() if isinstance(said, int))


def _counted(counts: Sequence[object]) -> str:
    return f", after {counts[0]} bytes" if counts else ""


def _say(call: Call, session: Session) -> None:
    if call.done.done():
        return
    if call.boot and call.boot != session.boot:
        _fail(call, f"the node was restarted while it ran {call.command.name}")
        return
    call.boot = session.boot
    try:
        session.link.send(Run(key=call.key, name=call.command.name, args=call.command.args))
    except BadMessage as error:
        _fail(call, str(error))


def _fail(call: Call, reason: str) -> None:
    call.done.set_result(Ended(key=call.key, ok=False, reason=reason))


def _now() -> float:
    return asyncio.get_running_loop().time()
