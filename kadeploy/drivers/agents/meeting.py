"""The meeting point: where agents of minimal environments call in, prove who they are, and are given work.

The token of a node's present boot opens a session; the newest connection of a node wins. A restart of the server
costs the agents nothing: they call again and go on.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable

from kadeploy.domain.meeting import (
    PROTOCOL,
    SILENCE_LIMIT,
    Advance,
    Announce,
    Ended,
    Hello,
    Message,
    Welcome,
    prove,
    same,
)
from kadeploy.drivers.agents.calls import Calls
from kadeploy.drivers.agents.link import AgentLink
from kadeploy.drivers.agents.session import Session
from kadeploy.errors import Unavailable
from kadeploy.ports.store import Tokens

_log = logging.getLogger(__name__)
_ROUND = 2.0  # seconds between two looks for the silent
_HANDSHAKE = 10.0  # seconds that a stranger has to prove who it is
_BACKLOG = 4096  # connections that wait to be accepted: all agents come back at once after a restart
_NOT_KNOWN = "this node is not expected, or its token is not of its latest boot"
_ELSEWHERE = "this node has another address; boot.also_from of server.conf names the networks nodes may come from, too"


class Meeting:
    """Usage: `await listen(...)`, then run `attend()` for as long as the server lives.

    `may_be` tells whether a node may speak from an address: a token that was stolen is of no use elsewhere.
    `absence_limit`: seconds without a connection after which a node has failed what is asked of it.
    """

    def __init__(self, tokens: Tokens, may_be: Callable[[str, str], bool], *, absence_limit: float = 30.0) -> None:
        self.calls = Calls()
        self.followers: set[Callable[[Session], None]] = set()  # told of every session that begins
        self._tokens = tokens
        self._may_be = may_be
        self._absence_limit = absence_limit
        self._sessions: dict[str, Session] = {}
        self._links: set[AgentLink] = set()
        self._group: asyncio.TaskGroup | None = None
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> int:
        """Take the port (0: any), and answer which; nobody is served before `attend`. Raises Unavailable."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: AgentLink(self, loop.time), host, port, ssl=tls, backlog=_BACKLOG, start_serving=False
            )
        except OSError as error:
            raise Unavailable(f"the agents' meeting point cannot listen on {host}:{port}: {error.strerror}") from error
        return int(self._server.sockets[0].getsockname()[1])

    async def attend(self) -> None:
        """Serve until cancelled."""
        assert self._server is not None, "listen first"
        try:
            async with asyncio.TaskGroup() as self._group:
                await self._server.start_serving()
                await self._look_for_silent()
        finally:
            self.leave()
            self._server.close()
            for link in tuple(self._links):
                link.abort()

    @property
    def connected(self) -> int:
        """How many agents are."""
        return len(self._sessions)

    def leave(self) -> None:
        """The server is about to stop: whoever stops waiting for a command from now on does not end it."""
        self.calls.silent = True

    def session(self, node: str) -> Session | None:
        return self._sessions.get(node)

    # What the links tell.

    def opened(self, link: AgentLink) -> None:
        self._links.add(link)

    def said(self, link: AgentLink, message: Message) -> None:
        session = self._sessions.get(link.node)
        if session is None or session.link is not link:
            self._meet(link, message)
            return
        match message:
            case Advance():
                self.calls.advanced(session, message)
            case Ended():
                self.calls.ended(session, message)
            case Announce():
                _log.debug("%s runs %s", session.node, message.running)
                self.calls.connected(session)
            case _:
                link.close("only a server says that")

    def closed(self, link: AgentLink) -> None:
        self._links.discard(link)
        session = self._sessions.get(link.node)
        if session and session.link is link:
            del self._sessions[link.node]
            self.calls.lost(link.node)
            _log.info("the agent of %s is gone", link.node)

    # The handshake.

    def _meet(self, link: AgentLink, message: Message) -> None:
        if not isinstance(message, Hello) or link.node or self._group is None:
            link.close("say hello first, and once")
            return
        link.node = "?"  # being looked up: a second hello is refused
        self._group.create_task(self._verify(link, message), name="hello")

    async def _verify(self, link: AgentLink, hello: Hello) -> None:
        try:
            understood = hello.protocol == PROTOCOL and hello.node.isprintable()
            known = await self._tokens.current(hello.node) if understood else None
        except Exception:
            _log.exception("cannot check the token of %r", hello.node)
            link.close("the server cannot check tokens at the moment")
            return

        def proof(role: str, hashed: str) -> str:
            return prove(hashed, role=role, node=hello.node, server_nonce=link.nonce, agent_nonce=hello.nonce)

        if known is None or not same(hello.proof, proof("agent", known.token_hash)):
            _log.warning("%s is not %r, as it says", link.address, hello.node)
            link.close(_NOT_KNOWN)
            return
        if not self._may_be(hello.node, link.address):
            _log.warning("%s has the token of %s, whose address is another", link.address, hello.node)
            link.close(_ELSEWHERE)
            return
        if link not in self._links:
            return
        link.send(Welcome(proof=proof("server", known.token_hash)))
        self._admit(link, hello, known.issued_at)

    def _admit(self, link: AgentLink, hello: Hello, issued_at: float) -> None:
        old = self._sessions.pop(hello.node, None)
        link.node = hello.node
        session = Session(
            node=hello.node,
            boot=hello.boot,
            issued_at=issued_at,
            address=link.address,
            server=link.server,
            link=link,
            facts=hello.facts,
        )
        self._sessions[hello.node] = session
        if old:
            old.link.close("a newer connection of this node")
        _log.info("the agent of %s is here (%s, boot %.80r)", session.node, session.address, session.boot)
        for follower in tuple(self.followers):
            follower(session)

    async def _look_for_silent(self) -> None:
        """Silence that is our own doing (a busy loop) is forgiven."""
        loop = asyncio.get_running_loop()
        looked = loop.time()
        while True:
            await asyncio.sleep(_ROUND)
            now, before, looked = loop.time(), looked, loop.time()
            if now - before > 2 * _ROUND:
                continue
            self.calls.give_up_the_absent(self._absence_limit)
            self.calls.give_up_what_stands_still()
            for link in tuple(self._links):
                known = link.node in self._sessions
                if now - link.heard_at > SILENCE_LIMIT or (not known and now - link.opened_at > _HANDSHAKE):
                    _log.warning("%s is silent", link.node or link.address)
                    link.abort()
