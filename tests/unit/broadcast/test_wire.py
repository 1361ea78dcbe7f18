from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.broadcast import wire
from kadeploy.broadcast.wire import BadWire, Frame, Hello, Kind

u64 = st.integers(0, 2**64 - 1)
nonces = st.binary(min_size=16, max_size=16)
hops = st.integers(0, wire.MOST_HOPS)
frames = st.builds(
    Frame,
    kind=st.sampled_from([kind for kind in Kind if kind is not Kind.DATA]),
    length=st.just(0),
    value=u64,
    hops=hops,
) | st.builds(Frame, kind=st.just(Kind.DATA), length=st.integers(1, wire.MOST_DATA), value=u64, hops=hops)


@st.composite
def hellos(draw: st.DrawFn) -> Hello:
    offset, end = sorted((draw(u64), draw(u64)))
    return Hello(
        broadcast=draw(nonces),
        nonce=draw(nonces),
        name=draw(st.text(max_size=60)),
        rank=draw(st.integers(0, 2**31 - 1)),
        offset=offset,
        end=end,
        ranged=draw(st.booleans()),
    )


@given(frames)
def test_a_frame_comes_back(frame: Frame) -> None:
    data = wire.encode_frame(frame)
    assert len(data) == wire.FRAME_SIZE
    assert wire.decode_frame(data, frozenset(Kind)) == frame


@given(frames)
def test_a_reader_cannot_give_data_nor_a_source_insist(frame: Frame) -> None:
    data = wire.encode_frame(frame)
    for allowed in (wire.FROM_READER, wire.FROM_SOURCE):
        if frame.kind not in allowed:
            with pytest.raises(BadWire):
                wire.decode_frame(data, allowed)


@given(hellos())
def test_a_hello_comes_back(hello: Hello) -> None:
    data = wire.encode_hello(hello)
    assert wire.HELLO_SIZE + wire.name_size(data[: wire.HELLO_SIZE]) == len(data)
    assert wire.decode_hello(data) == hello


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda rest: wire.MAGIC + rest))
def test_garbage_is_refused_and_nothing_else_happens(data: bytes) -> None:
    with pytest.raises(BadWire):
        wire.decode_hello(data)


@given(st.binary(min_size=wire.FRAME_SIZE, max_size=wire.FRAME_SIZE))
def test_a_garbage_frame_is_refused_or_harmless(data: bytes) -> None:
    try:
        frame = wire.decode_frame(data, wire.FROM_SOURCE)
    except BadWire:
        return
    assert frame.length <= wire.MOST_DATA


@given(hellos(), nonces, st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_a_proof_is_of_its_secret_side_and_words(hello: Hello, nonce: bytes, secret: bytes, other: bytes) -> None:
    said = wire.encode_hello(hello)
    proof = wire.source_proof(secret, said, nonce)
    assert len(proof) == wire.PROOF_SIZE
    assert wire.same(proof, wire.source_proof(secret, said, nonce))
    assert not wire.same(proof, wire.reader_proof(secret, said, nonce))
    assert not wire.same(proof, wire.source_proof(secret, said + b"x", nonce))
    if other != secret:
        assert not wire.same(proof, wire.source_proof(other, said, nonce))
