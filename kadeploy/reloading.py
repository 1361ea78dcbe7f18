"""Reading the configuration again: one place that knows which parts of a running server can take a new one.

In two steps, so that nothing is half done: every part makes ready what it will use, which may find a fault, and only
when all are ready do all of them turn to it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from kadeploy.api.auth.chain import Chain, chain_of
from kadeploy.composition import Inside, policy_of
from kadeploy.config.changes import changes, is_reloaded
from kadeploy.config.load import Loaded
from kadeploy.config.server import ServerConfig
from kadeploy.errors import KadeployError
from kadeploy.fetching import rules_of
from kadeploy.files.cache import FileCache
from kadeploy.operations.adopt import adopt
from kadeploy.operations.tokens import Tokens
from kadeploy.ports.reload import Reloaded
from kadeploy.securing import now, wanted_tls
from kadeploy.tls.opened import ServerTls

log = logging.getLogger(__name__)

Turn = Callable[[], object]


class Reloadable(Protocol):
    """A part of the server."""

    def prepare(self, new: Loaded) -> Turn:
        """Make ready for the new configuration, and answer with what turns to it. Raises KadeployError."""
        ...


class Reloading:
    """Implements ports.reload.Reload. `read` raises BadConfiguration; `parts` are set when the server is whole."""

    def __init__(self, read: Callable[[], Loaded], started: Loaded) -> None:
        self._read = read
        self._started = started
        self._current = started
        self._turn = asyncio.Lock()
        self.parts: Sequence[Reloadable] = ()

    async def reload(self) -> Reloaded:
        async with self._turn:
            new = await asyncio.to_thread(self._read)
            turns = [part.prepare(new) for part in self.parts]
            for turn in turns:
                turn()
            told = Reloaded(
                changed=tuple(path for path in changes(self._current, new) if is_reloaded(path)),
                kept=tuple(path for path in changes(self._started, new) if not is_reloaded(path)),
                warnings=new.warnings,
            )
            self._current = new
        log.info("the configuration is read again; changed: %s", ", ".join(told.changed) or "nothing")
        if told.kept:
            log.warning("these change only at the next start: %s", ", ".join(told.kept))
        return told

    async def follow(self, asked: asyncio.Event) -> None:
        """Until cancelled: reload whenever somebody asks."""
        while True:
            await asked.wait()
            asked.clear()
            try:
                await self.reload()
            except KadeployError as error:
                log.error("the configuration stays as it is: %s", error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What use cases go by, the commands at the ends of operations, and where what is done and said is written to."""

    inside: Inside

    def prepare(self, new: Loaded) -> Turn:
        policy, hooks, server = policy_of(new.server), new.server.hooks, new.server

        def turn() -> None:
            adopt(self.inside.use_cases, policy)
            self.inside.use_cases.selection.look_again()
            self.inside.hooks.commands, self.inside.hooks.deadline = hooks.commands, hooks.deadline
            self.inside.audit.file = server.audit.file
            self.inside.console_logs.directory = server.console.log_directory

        return turn


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedFiles:
    """Where files may come from, and how much is kept of them."""

    files: FileCache

    def prepare(self, new: Loaded) -> Turn:
        return partial(self.files.become, **rules_of(new.server))


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Who is let in as whom."""

    chain: Chain
    tokens: Tokens

    def prepare(self, new: Loaded) -> Turn:
        return partial(self.chain.become, chain_from(new.server, self.tokens))


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """The API's certificate, the authorities of its clients' and what these revoked, read from their files again."""

    tls: ServerTls

    def prepare(self, new: Loaded) -> Turn:
        return self.tls.prepare(wanted_tls(new.server), now())


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLevel:
    """`least`: what the command line asked for."""

    least: int

    def prepare(self, new: Loaded) -> Turn:
        return partial(logging.getLogger().setLevel, min(self.least, new.server.verbosity.level))


def chain_from(config: ServerConfig, tokens: Tokens) -> Chain:
    """Raises BadConfiguration for files that cannot be used."""
    return chain_of(config.authentication, config.roles, tokens, administrators=frozenset(config.rights.almighty_users))
