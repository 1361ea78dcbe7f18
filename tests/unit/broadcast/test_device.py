from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from kadeploy.broadcast.device import UNIT, runs

pieces = st.lists(st.tuples(st.booleans(), st.integers(1, UNIT)), max_size=8)


@given(pieces)
def test_stretches_cover_everything_once_and_only_zeros_are_called_zero(some: list[tuple[bool, int]]) -> None:
    data = b"".join(bytes(length) if is_zero else b"x" * length for is_zero, length in some)
    found = list(runs(memoryview(data)))
    assert [end for _, end, _ in found] == [begin for begin, _, _ in found[1:]] + [len(data)] * bool(data)
    assert all(begin % UNIT == 0 for begin, _, _ in found)
    for begin, end, is_zero in found:
        if is_zero:
            assert not any(data[begin:end])
        else:
            assert all(any(data[at : at + UNIT]) for at in range(begin, end, UNIT))
    assert all(one[2] != other[2] for one, other in itertools.pairwise(found))
