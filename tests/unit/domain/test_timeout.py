"""Timeout formulas: arithmetic in n, and nothing else."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.domain.timeout import Timeout
from kadeploy.errors import InvalidOption


@pytest.mark.parametrize(
    ("formula", "nodes", "seconds"),
    [
        ("120", 50, 120.0),
        ("100 + n * 2", 50, 200.0),
        ("120 + 20*log(n)", 100, 120 + 20 * math.log(100)),
        ("Math.log(n) * 10", 1, 0.0),
        ("max(60, n)", 10, 60.0),
        ("2 ** 3 - -1", 1, 9.0),
        ("(1 + 2) * 3", 1, 9.0),
        ("10 / 4", 1, 2.5),
    ],
)
def test_formulas(formula: str, nodes: int, seconds: float) -> None:
    assert Timeout(formula).seconds(nodes) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "formula",
    [
        "",
        "abc",
        "n n",
        "1 +",
        "(1",
        "1)",
        "__import__('os')",
        "n.real",
        "1/0",
        "-5",
        "9**9**9",
        "`id`",
        "1" * 300,
        "log()",
    ],
)
def test_nothing_else_is_a_formula(formula: str) -> None:
    with pytest.raises(InvalidOption):
        Timeout(formula)


@given(st.text(max_size=60))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    with contextlib.suppress(InvalidOption):
        assert Timeout(text).seconds(7) >= 0
