"""What a node says of its place in a broadcast, when it is not what its agent says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.drivers.agents.seal import Seal
from kadeploy.drivers.agents.seating import Opened, echo_of, read_place
from kadeploy.ports.head import Identity

KEY = "D-1/one/0/1.0.0.1"
SEAL = Seal(b"s" * 32)
HEAD = Identity(port=1, broadcast="ab" * 16, secret="cd" * 32)
ECHO = echo_of(HEAD, made=1.5, key=KEY, seal=SEAL)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


def read(said: object, key: str = KEY) -> Opened | None:
    return read_place(said if isinstance(said, str) else json.dumps(said), key=key, seal=SEAL)


@given(st.text(max_size=30))
def test_any_text_is_no_place(text: str) -> None:
    assert read(text) is None


@given(
    st.fixed_dictionaries({"port": VALUES, "echo": VALUES | st.fixed_dictionaries({"made": VALUES, "head": VALUES})})
)
def test_what_was_never_sealed_is_no_place(said: dict[str, object]) -> None:
    assert read(said) is None


@given(VALUES)
def test_a_port_is_a_port(port: object) -> None:
    found = read({"port": port, "digests": [], "echo": ECHO})
    assert (found is not None) == (type(port) is int and 0 < port < 65536)


def test_what_this_server_said_comes_back() -> None:
    found = read({"port": 4000, "digests": ["sha256"], "echo": ECHO})
    assert found == Opened(port=4000, digests=("sha256",), made=1.5, head=HEAD)


@given(VALUES)
def test_any_digests_are_survived(digests: object) -> None:
    found = read({"port": 4000, "digests": digests, "echo": ECHO})
    assert found is None or all(isinstance(name, str) for name in found.digests)


@pytest.mark.parametrize(
    "changed",
    [
        {"made": 0.5},
        {"head": {"port": 2, "broadcast": "ab" * 16, "secret": "cd" * 32}},
        {"seal": "0" * 64},
        {"seal": 7},
    ],
)
def test_nobody_else_can_say_which_head_there_was(changed: dict[str, object]) -> None:
    assert read({"port": 4000, "digests": [], "echo": {**ECHO, **changed}}) is None


def test_a_seal_is_for_one_broadcast() -> None:
    assert read({"port": 4000, "digests": [], "echo": ECHO}, key="D-2/one/0/1.0.0.1") is None


def test_the_secret_outlives_the_server(tmp_path: Path) -> None:
    first, again = Seal.kept(tmp_path / "seal"), Seal.kept(tmp_path / "seal")
    other = Seal.kept(tmp_path / "another")
    assert first.holds(KEY, {"a": 1}, again.of(KEY, {"a": 1}))
    assert not other.holds(KEY, {"a": 1}, again.of(KEY, {"a": 1}))
    assert (tmp_path / "seal").stat().st_mode & 0o777 == 0o600
