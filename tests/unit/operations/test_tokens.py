"""Tokens of the API: made, recognised, revoked, and what they must not do."""

from __future__ import annotations

import asyncio

import pytest

from kadeploy.domain.access import Role, Scope
from kadeploy.domain.api_token import hash_of, parts, text_of
from kadeploy.errors import Forbidden, InvalidOption, NotAuthenticated, NotFound
from kadeploy.operations.caller import Caller
from kadeploy.operations.tokens import DAY, INVALID, Lifetimes, TokenOrder, Tokens
from kadeploy.testing.tokens import MemoryApiTokens

ALICE = Caller(name="alice", groups=("staff",))
ROOT = Caller(name="root", role=Role.ADMIN)


class Clock:
    def __init__(self) -> None:
        self.at = 1_000_000.0

    def now(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> MemoryApiTokens:
    return MemoryApiTokens()


@pytest.fixture
def tokens(store: MemoryApiTokens, clock: Clock) -> Tokens:
    return Tokens(store, clock, Lifetimes(usual=DAY, longest=2 * DAY))


def test_a_token_is_recognised_and_kept_as_a_hash_only(tokens: Tokens, store: MemoryApiTokens) -> None:
    async def story() -> None:
        token, text = await tokens.create(ALICE, TokenOrder(user="alice", name="ci", scope=Scope.READ))
        assert text.startswith("kdp_")
        secret = (parts(text) or ("", ""))[1]
        assert secret not in repr(store.rows[token.id])
        assert store.rows[token.id].secret_hash == hash_of(secret)
        found = await tokens.recognise(text)
        assert (found.user, found.scope, found.groups, found.name) == ("alice", Scope.READ, ("staff",), "ci")

    asyncio.run(story())


def test_what_is_wrong_with_a_token_is_not_told(tokens: Tokens, clock: Clock) -> None:
    async def story() -> None:
        token, text = await tokens.create(ALICE, TokenOrder(user="alice"))
        wrong = [
            text[:-1] + ("A" if text[-1] != "A" else "B"),
            text_of("0" * 12, (parts(text) or ("", ""))[1]),
            "kdp_",
            text + "x",
            text.upper(),
        ]
        for each in wrong:
            with pytest.raises(NotAuthenticated) as caught:
                await tokens.recognise(each)
            assert caught.value.message == INVALID
        clock.at += DAY
        with pytest.raises(NotAuthenticated, match="has expired or was revoked"):
            await tokens.recognise(text)
        clock.at -= DAY
        await tokens.revoke(ALICE, token.id)
        with pytest.raises(NotAuthenticated, match="has expired or was revoked"):
            await tokens.recognise(text)

    asyncio.run(story())


def test_the_last_use_is_known_to_a_minute(tokens: Tokens, store: MemoryApiTokens, clock: Clock) -> None:
    async def story() -> None:
        token, text = await tokens.create(ALICE, TokenOrder(user="alice"))
        await tokens.recognise(text)
        first = store.rows[token.id].used
        clock.at += 30
        await tokens.recognise(text)
        assert store.rows[token.id].used == first == 1_000_000.0
        clock.at += 31
        await tokens.recognise(text)
        assert store.rows[token.id].used == clock.at

    asyncio.run(story())


def test_a_token_makes_no_tokens_and_a_reading_one_revokes_only_itself(tokens: Tokens) -> None:
    async def story() -> None:
        one, _ = await tokens.create(ALICE, TokenOrder(user="alice", scope=Scope.READ))
        other, _ = await tokens.create(ALICE, TokenOrder(user="alice"))
        shown = Caller(name="alice", scope=Scope.READ, token=one.id)
        with pytest.raises(Forbidden, match="a token makes no tokens"):
            await tokens.create(shown, TokenOrder(user="alice", scope=Scope.READ))
        with pytest.raises(Forbidden, match="none but itself"):
            await tokens.revoke(shown, other.id)
        await tokens.revoke(shown, one.id)
        assert await tokens.listed(ALICE, "alice") == [other]

    asyncio.run(story())


def test_others_tokens_are_for_administrators(tokens: Tokens) -> None:
    async def story() -> None:
        token, _ = await tokens.create(ALICE, TokenOrder(user="alice"))
        bob = Caller(name="bob", role=Role.OPERATOR)
        with pytest.raises(NotFound):
            await tokens.revoke(bob, token.id)
        for user in ("alice", None):
            with pytest.raises(Forbidden):
                await tokens.listed(bob, user)
        with pytest.raises(Forbidden):
            await tokens.create(bob, TokenOrder(user="alice"))
        made, _ = await tokens.create(ROOT, TokenOrder(user="oar"))
        assert made.groups == ()
        assert [each.user for each in await tokens.listed(ROOT, None)] == ["alice", "oar"]

    asyncio.run(story())


@pytest.mark.parametrize(
    "order",
    [
        TokenOrder(user="alice", lifetime=0),
        TokenOrder(user="alice", lifetime=3 * DAY),
        TokenOrder(user="alice", lifetime=float("nan")),
        TokenOrder(user="alice", name="x" * 101),
        TokenOrder(user="alice", name="a\nb"),
    ],
)
def test_orders_that_are_refused(tokens: Tokens, order: TokenOrder) -> None:
    with pytest.raises(InvalidOption):
        asyncio.run(tokens.create(ALICE, order))
