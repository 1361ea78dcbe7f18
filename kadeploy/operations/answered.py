"""Requests that make something else than an operation, and may come twice: they are carried out once.

The answer is kept when all is done. A server that dies between the deed and its answer does it again when it is asked
again, which is then refused for what there is already, or harmless.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from kadeploy.domain.operation import Once
from kadeploy.errors import KeyReused
from kadeploy.operations.caller import Caller
from kadeploy.operations.repeats import Repeats
from kadeploy.ports.clock import Clock
from kadeploy.ports.store import Answers, KeptAnswer

KEPT: Final = 7 * 86400.0  # seconds
SECRETS_KEPT: Final = 600.0  # seconds that what must not be written down can be told again
SECRET: Final = "token"  # what of an answer must not be written down
SAID: Final = "said"
MANY: Final = 1000  # secrets at most

Act = Callable[[], Awaitable[object]]


class Answered:
    """The use case."""

    def __init__(self, answers: Answers, repeats: Repeats, clock: Clock) -> None:
        self._answers = answers
        self._repeats = repeats
        self._clock = clock
        self._going_on: dict[tuple[str, str], tuple[Once, asyncio.Future[object]]] = {}
        self._secrets: dict[tuple[str, str], tuple[float, object]] = {}

    async def once(self, caller: Caller, asked: Once, act: Act) -> object:
        """What `act` answers, or answered before. What it raises uses no key up. Raises KeyReused."""
        place = (caller.name, asked.key)
        if place in self._going_on:
            first, answer = self._going_on[place]
            if first != asked:
                raise _reused(asked)
            return await asyncio.shield(answer)
        answer = asyncio.ensure_future(self._settled(caller, asked, act))
        self._going_on[place] = (asked, answer)
        answer.add_done_callback(lambda ended: self._ended(place, ended))
        return await asyncio.shield(answer)

    def _ended(self, place: tuple[str, str], ended: asyncio.Future[object]) -> None:
        del self._going_on[place]
        if not ended.cancelled():
            ended.exception()  # whoever asked may have gone

    async def _settled(self, caller: Caller, asked: Once, act: Act) -> object:
        await self._repeats.first(caller, asked)  # an operation's key is no other request's
        known = await self._answers.get(caller.name, asked.key)
        if known is not None:
            return self._told_again(known, asked)
        said, now = await act(), self._clock.now()
        public = {name: value for name, value in said.items() if name != SECRET} if isinstance(said, Mapping) else said
        if is_secret := public != said:
            self._remember((caller.name, asked.key), said, now)
        kept = KeptAnswer(user=caller.name, once=asked, at=now, answer={SAID: public, SECRET: is_secret})
        await self._answers.keep(kept, forget_before=now - KEPT)
        return said

    def _remember(self, place: tuple[str, str], said: object, now: float) -> None:
        self._secrets = {place: told for place, told in self._secrets.items() if told[0] > now - SECRETS_KEPT}
        while len(self._secrets) >= MANY:
            del self._secrets[next(iter(self._secrets))]
        self._secrets[place] = (now, said)

    def _told_again(self, known: KeptAnswer, asked: Once) -> object:
        if known.once != asked:
            raise _reused(asked)
        if not known.answer[SECRET]:
            return known.answer[SAID]
        at, said = self._secrets.get((known.user, asked.key), (0.0, None))
        if at <= self._clock.now() - SECRETS_KEPT:
            made = known.answer[SAID].get("id", "")
            raise KeyReused(
                f"what the request with the key {asked.key!r} made, {made}, is told for {SECRETS_KEPT / 60:.0f} "
                "minutes and not kept",
                hint="revoke it, and make another with another key",
            )
        return said


def _reused(asked: Once) -> KeyReused:
    return KeyReused(f"the idempotency key {asked.key!r} belongs to another request")
