from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.domain.meeting import (
    LINE_LIMIT,
    Acknowledge,
    Advance,
    Announce,
    BadMessage,
    Cancel,
    Challenge,
    Ended,
    Hello,
    Message,
    Refused,
    Run,
    Welcome,
    decode,
    encode,
    last_part,
    prove,
    same,
    token_hash,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
OBJECTS = st.dictionaries(st.text(), JSON, max_size=4)
TEXT = st.text()
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(Challenge, protocol=st.integers(), nonce=TEXT),
    st.builds(Hello, protocol=st.integers(), node=TEXT, boot=TEXT, nonce=TEXT, proof=TEXT, facts=OBJECTS),
    st.builds(Welcome, proof=TEXT),
    st.builds(Refused, reason=TEXT),
    st.builds(Announce, running=st.lists(TEXT).map(tuple), unacknowledged=st.lists(TEXT).map(tuple)),
    st.builds(Run, key=TEXT, name=TEXT, args=OBJECTS),
    st.builds(Cancel, key=TEXT),
    st.builds(Acknowledge, key=TEXT),
    st.builds(Advance, key=TEXT, done=st.integers(), total=st.integers()),
    st.builds(Ended, key=TEXT, ok=st.booleans(), output=TEXT, reason=TEXT),
)


@given(MESSAGES)
def test_what_is_said_is_understood(message: Message) -> None:
    line = encode(message)
    assert line.count(b"\n") == 1
    assert decode(line) == message


@given(st.binary())
def test_noise_is_a_bad_message_or_unknown(noise: bytes) -> None:
    with contextlib.suppress(BadMessage):
        assert decode(noise) is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"[]", "not a JSON object"),
        (b'{"kind":"run","key":1,"name":"x"}', "run: key is not str"),
        (b'{"kind":"run","key":"k"}', "run: a field is missing"),
        (b'{"kind":"advance","key":"k","done":true,"total":2}', "advance: done is not int"),
    ],
)
def test_a_wrong_message_is_named(line: bytes, why: str) -> None:
    with pytest.raises(BadMessage, match=why):
        decode(line)


def test_a_later_version_may_say_more() -> None:
    assert decode(b'{"kind":"sing"}') is None
    assert decode(b'{"kind":"cancel","key":"k","politely":true}') == Cancel(key="k")


def test_a_message_has_a_longest_size() -> None:
    with pytest.raises(BadMessage, match="is longer than"):
        encode(Refused(reason="x" * LINE_LIMIT))
    longest = last_part("\N{PILE OF POO}" * LINE_LIMIT)
    encode(Ended(key="k", ok=False, output=longest, reason=longest))


def test_the_end_of_a_long_text_is_kept() -> None:
    assert last_part("short") == "short"
    assert last_part("x" * 100_000 + "the reason").endswith("the reason")


def test_a_proof_is_of_one_role_node_and_conversation() -> None:
    hashed = token_hash("secret")

    def proof(hashed: str = hashed, role: str = "agent", node: str = "n", server: str = "1", agent: str = "2") -> str:
        return prove(hashed, role=role, node=node, server_nonce=server, agent_nonce=agent)

    assert same(proof(), proof())
    others = {
        proof(token_hash("guess")),
        proof(role="server"),
        proof(node="m"),
        proof(server="3"),
        proof(agent="3"),
        proof(server="12", agent=""),
    }
    assert len(others) == 6
    assert proof() not in others
