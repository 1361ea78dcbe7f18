"""Serial consoles: sessions of users at nodes on which they have a right.

A line to a node is open while somebody attends it. Who types is one at a time, others may watch. A session that nobody
attends is forgotten after a while: Kadeploy3's tool leaves some behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from kadeploy.domain.console import ConsoleSession, new_console_id
from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import (
    CommandFailed,
    Conflict,
    Forbidden,
    InvalidNodes,
    InvalidWorkflow,
    KadeployError,
    NoRights,
    Unavailable,
)
from kadeploy.operations.caller import Caller
from kadeploy.operations.console_line import Listener, SharedLine
from kadeploy.operations.open_lines import KeepOf, OpenLines
from kadeploy.operations.permission import Permission
from kadeploy.operations.selection import Selection
from kadeploy.ports.clock import Clock
from kadeploy.ports.console import Consoles as Lines

ROUND: Final = 5.0  # seconds between two looks for sessions that nobody attends
PER_USER: Final = 32  # sessions

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleOrder:
    """`watches`: only to read. `force`: in the place of who types there."""

    node: str
    watches: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolePolicy:
    """`scrollback` is in bytes, `unattended` the seconds that a session is kept with nobody at it."""

    scrollback: int = 64 * 1024
    unattended: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attended:
    """A session with somebody at it."""

    session: ConsoleSession
    line: SharedLine
    listener: Listener

    def type(self, keys: bytes) -> None:
        if not self.session.watches:
            self.line.write(keys)

    async def read(self) -> bytes:
        """What the node says next; nothing at the end."""
        return await self.listener.read()


class Consoles:
    """The use case. `keep_of` gives what a node's output is written to for later."""

    def __init__(
        self,
        *,
        lines: Lines,
        selection: Selection,
        permission: Permission,
        clock: Clock,
        policy: ConsolePolicy,
        keep_of: KeepOf,
    ) -> None:
        self._ways = lines
        self._lines = OpenLines(lines, scrollback=policy.scrollback, keep_of=keep_of, ended=self._line_ended)
        self._selection = selection
        self._permission = permission
        self._clock = clock
        self._policy = policy
        self._sessions: dict[str, ConsoleSession] = {}
        self._attended: dict[str, Attended] = {}
        self._told: list[Callable[[str], None]] = []

    def adopt(self, policy: ConsolePolicy) -> None:
        """For sessions and lines that are opened from now on, and for all that nobody attends."""
        self._policy = policy
        self._lines.scrollback = policy.scrollback

    def tell_ends(self, listener: Callable[[str], None]) -> None:
        """It is told the id of each session that ends."""
        self._told.append(listener)

    async def create(self, caller: Caller, order: ConsoleOrder, *, dry_run: bool = False) -> ConsoleSession:
        """Raises InvalidNodes, NoRights, Forbidden where there is no console, Conflict where somebody else types."""
        nodes = self._selection.resolve([order.node])
        if len(nodes) != 1:
            raise InvalidNodes(f"a console is one node's, and {order.node} is {len(nodes)}")
        await self._permission.check(caller, nodes)
        (node,) = nodes
        if not self._ways.has(node):
            raise Forbidden(f"no console is configured for {node}")
        if sum(session.user == caller.name for session in self._sessions.values()) >= PER_USER:
            raise Conflict(f"{caller.name} has {PER_USER} consoles open", hint="leave one of them")
        now = self._clock.now()
        session = ConsoleSession(
            id=new_console_id(),
            user=caller.name,
            groups=caller.groups,
            node=node,
            watches=order.watches,
            created=now,
            left=now,
        )
        typing = self._typing_at(node)
        if typing and not order.watches and not order.force:
            raise _taken(typing)
        if not dry_run:
            if typing and order.force and not order.watches:
                self._end(typing, Conflict(f"{caller.name} has taken the console of {node} over"))
            self._sessions[session.id] = session
            log.info(
                "%s: %s %s at the console of %s", session.id, caller.name, "watches" if order.watches else "is", node
            )
        return session

    def find(self, console_id: str) -> ConsoleSession:
        """Raises InvalidWorkflow."""
        if console_id not in self._sessions:
            raise InvalidWorkflow(f"there is no console {console_id!r}")
        return self._sessions[console_id]

    def find_own(self, caller: Caller, console_id: str) -> ConsoleSession:
        """Raises Forbidden when it is neither the caller's nor may they oversee it."""
        session = self.find(console_id)
        if not caller.may_oversee(session.user):
            raise Forbidden(f"{console_id} is {session.user}'s")
        return session

    def listed(self, texts: Sequence[str] = ()) -> Sequence[ConsoleSession]:
        """Those on these nodes, or all."""
        nodes = self._selection.resolve(texts) if texts else None
        return [session for session in self._sessions.values() if nodes is None or session.node in nodes]

    def delete(self, caller: Caller, console_id: str) -> None:
        """End it and forget it."""
        session = self.find_own(caller, console_id)
        self._end(session, None if session.user == caller.name else Forbidden(f"{caller.name} has ended this console"))
        del self._sessions[console_id]

    @contextlib.asynccontextmanager
    async def attend(self, caller: Caller, console_id: str) -> AsyncIterator[Attended]:
        """The console, which is only its own user's to attend. Raises Forbidden, NoRights, Conflict, CommandFailed."""
        session = self.find(console_id)
        if session.user != caller.name:
            raise Forbidden(f"{console_id} is {session.user}'s")
        await self._permission.check(caller, NodeSet([session.node]))
        if session.is_over:
            raise session.failure or CommandFailed(f"the console of {session.node} has ended")
        if session.is_attached:
            raise Conflict(f"somebody is at {console_id} already")
        typing = self._typing_at(session.node)
        if typing and not session.watches:
            raise _taken(typing)
        session.is_attached = True
        try:
            line, listener = await self._line_of(session)
            attended = self._attended[session.id] = Attended(session=session, line=line, listener=listener)
            try:
                if session.is_over:  # while the line was being opened
                    raise session.failure or CommandFailed(f"the console of {session.node} has ended")
                yield attended
            finally:
                del self._attended[session.id]
                self._lines.leave(session.node, line, listener)
        finally:
            session.is_attached, session.left = False, self._clock.now()

    async def close_without_rights(self) -> None:
        """End the sessions whose users have no right on their nodes any more."""
        for session in tuple(self._sessions.values()):
            if session.is_over:
                continue
            if await self._permission.lacking(session.user, session.groups, NodeSet([session.node])):
                self._end(session, NoRights(f"{session.user} has no right on {session.node} any more"))

    async def serve(self) -> None:
        """Until it is cancelled; then all are ended."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._lines.serve(), name="lines to consoles")
            try:
                while True:
                    await asyncio.sleep(ROUND)
                    self.forget_unattended()
            finally:
                for session in self._sessions.values():
                    self._end(session, Unavailable("the server is stopping"))

    def forget_unattended(self) -> None:
        """Sessions that nobody has been at for long."""
        oldest = self._clock.now() - self._policy.unattended
        for session in tuple(self._sessions.values()):
            if not session.is_attached and session.left < oldest:
                self._end(session, None)
                del self._sessions[session.id]

    async def _line_of(self, session: ConsoleSession) -> tuple[SharedLine, Listener]:
        try:
            return await self._lines.attend(session.node)
        except CommandFailed as error:
            self._end(session, error)
            raise

    def _line_ended(self, line: SharedLine, why: str) -> None:
        for attended in tuple(self._attended.values()):
            if attended.line is line:
                failure = CommandFailed(f"the console of {attended.session.node} has ended: {why}") if why else None
                self._end(attended.session, failure)

    def _end(self, session: ConsoleSession, failure: KadeployError | None) -> None:
        """Whoever is at it is told why, and is there no more."""
        if session.is_over:
            return
        session.is_over, session.failure = True, failure
        log.info("%s of %s at %s ends%s", session.id, session.user, session.node, f": {failure}" if failure else "")
        for tell in self._told:
            tell(session.id)
        attended = self._attended.get(session.id)
        if attended is not None:
            attended.listener.end(f"\r\n[kadeploy] {failure}\r\n".encode() if failure else b"")

    def _typing_at(self, node: str) -> ConsoleSession | None:
        """Who is at the node's console and types."""
        return next(
            (
                session
                for session in self._sessions.values()
                if session.node == node and session.is_attached and not session.watches and not session.is_over
            ),
            None,
        )


def _taken(typing: ConsoleSession) -> Conflict:
    return Conflict(f"{typing.user} is at the console of {typing.node}", hint="watch it, or take it over with force")
