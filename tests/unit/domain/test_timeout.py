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
        ("Math::log10( n )", 1000, 3.0),
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


@pytest.mark.parametrize(
    ("formula", "why"),
    [
        ("120 + x", "'x' (character 7) is not known"),
        ("120 secs", "'secs' (character 5) cannot be there: an operator is expected, or the end"),
        ("120 +", "a number, n, a function or '(' is expected, not the end"),
        ("2 * / n", "a number, n, a function or '(' is expected, not '/' (character 5)"),
        ("3 * (n + 1", "')' is expected for the '(' at character 5, not the end"),
        ("log n", "'(' is expected behind 'log' (character 1), not 'n' (character 5)"),
        ("sqrt(1, 2)", "'sqrt' (character 1) takes 1 at most, not 2"),
        ("10 € n", "'€' (character 4) is not understood"),
        ("Math::exp(n)", "'Math::exp' (character 1) is not known"),
        ("  ", "it is empty"),
        ("60/(n-1)", "it divides by 0 for n = 1"),
        ("n**20", "an exponent is above 10"),
        ("(-8)**0.5", "a root of a negative number"),
        ("(" * 150 + "1", "is expected for the '(' at character 150"),
    ],
)
def test_it_is_told_where_the_fault_is_and_what_there_is(formula: str, why: str) -> None:
    with pytest.raises(InvalidOption) as refused:
        Timeout(formula)
    assert why in refused.value.message
    assert str(refused.value).endswith("there are + - * / ** ( ) and log, log10, log2, sqrt, ceil, floor, min, max)")


@given(st.text(max_size=60))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    with contextlib.suppress(InvalidOption):
        assert Timeout(text).seconds(7) >= 0
