"""Timeout formulas: seconds, or arithmetic in `n`, the number of nodes: `120 + 20*log(n)`.

Parsed by a small grammar and evaluated over the parsed tree; never evaluated as code.

    sum     = product { ("+" | "-") product }
    product = power { ("*" | "/") power }
    power   = atom [ ("**" | "^") power ]
    atom    = number | "n" | function "(" sum { "," sum } ")" | "(" sum ")" | "-" atom
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from kadeploy.errors import InvalidOption

_TOKEN: Final = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([A-Za-z_][A-Za-z_0-9.]*)|(\*\*|[-+*/^(),]))")
_LONGEST: Final = 200  # characters
LARGEST: Final = 7 * 24 * 3600.0  # seconds

_FUNCTIONS: Final[Mapping[str, Callable[..., float]]] = {
    "log": math.log,
    "log10": math.log10,
    "log2": math.log2,
    "sqrt": math.sqrt,
    "ceil": lambda x: float(math.ceil(x)),
    "floor": lambda x: float(math.floor(x)),
    "min": min,
    "max": max,
}

Tree = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Timeout:
    """A duration in seconds, possibly depending on the number of nodes. `0` means no limit."""

    formula: str

    def __post_init__(self) -> None:
        self.seconds(1)

    def seconds(self, nodes: int) -> float:
        """The duration for so many nodes; raises InvalidOption when the formula makes no sense."""
        try:
            value = _Parser(self.formula).parse()(float(max(nodes, 1)))
        except (ValueError, OverflowError, ZeroDivisionError, TypeError, RecursionError) as error:
            raise InvalidOption(f"the timeout {self.formula!r} is not valid: {error}") from error
        if isinstance(value, complex) or not 0 <= value <= LARGEST:
            raise InvalidOption(f"the timeout {self.formula!r} gives {value} s, not 0 to {LARGEST:.0f} s")
        return value


class _Parser:
    """Recursive descent over the tokens of one formula, building a function of n."""

    def __init__(self, text: str) -> None:
        if len(text) > _LONGEST:
            raise ValueError(f"longer than {_LONGEST} characters")
        self.tokens = _tokens(text)
        self.position = 0

    def parse(self) -> Tree:
        tree = self.sum()
        if self.position != len(self.tokens):
            raise ValueError(f"unexpected {self.tokens[self.position]!r}")
        return tree

    def peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.position += 1
        return token

    def expect(self, token: str) -> None:
        if (found := self.take()) != token:
            raise ValueError(f"expected {token!r}, found {found or 'the end'!r}")

    def sum(self) -> Tree:
        left = self.product()
        while self.peek() in ("+", "-"):
            left = _combine(self.take(), left, self.product())
        return left

    def product(self) -> Tree:
        left = self.power()
        while self.peek() in ("*", "/"):
            left = _combine(self.take(), left, self.power())
        return left

    def power(self) -> Tree:
        left = self.atom()
        if self.peek() in ("**", "^"):
            self.take()
            return _combine("**", left, self.power())
        return left

    def atom(self) -> Tree:
        token = self.take()
        if token == "-":
            inner = self.atom()
            return lambda n: -inner(n)
        if token == "(":
            inside = self.sum()
            self.expect(")")
            return inside
        if token == "n":
            return lambda n: n
        name = token.removeprefix("Math.").removeprefix("Math::")
        if name in _FUNCTIONS:
            return self.call(_FUNCTIONS[name])
        number = float(token)
        return lambda n: number

    def call(self, function: Callable[..., float]) -> Tree:
        self.expect("(")
        arguments = [self.sum()]
        while self.peek() == ",":
            self.take()
            arguments.append(self.sum())
        self.expect(")")
        return lambda n: function(*(argument(n) for argument in arguments))


def _combine(operator: str, left: Tree, right: Tree) -> Tree:
    match operator:
        case "+":
            return lambda n: left(n) + right(n)
        case "-":
            return lambda n: left(n) - right(n)
        case "*":
            return lambda n: left(n) * right(n)
        case "/":
            return lambda n: left(n) / right(n)
    return lambda n: _power(left(n), right(n))


def _power(base: float, exponent: float) -> float:
    if abs(exponent) > 10:
        raise ValueError("an exponent above 10")
    return float(base**exponent)


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    position = 0
    text = text.replace("Math::", "Math.").rstrip()
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise ValueError(f"{text[position:].strip()[:20]!r} is not understood")
        tokens.append(found.group(1) or found.group(2) or found.group(3))
        position = found.end()
    return tokens
