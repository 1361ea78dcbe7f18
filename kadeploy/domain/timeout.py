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
from typing import Final, NamedTuple

from kadeploy.errors import InvalidOption

_TOKEN: Final = re.compile(r"(\d+(?:\.\d+)?)|([A-Za-z_](?:[A-Za-z_0-9.]|::)*)|(\*\*|[-+*/^(),])")
_STRANGE: Final = re.compile(r"[^\sA-Za-z_0-9.*+/^(),-]+|.", re.DOTALL)
_LONGEST: Final = 200  # characters
LARGEST: Final = 7 * 24 * 3600.0  # seconds


class _Function(NamedTuple):
    """`most`: arguments that it takes, 0 for any number."""

    of: Callable[..., float]
    most: int


_FUNCTIONS: Final[Mapping[str, _Function]] = {
    "log": _Function(math.log, 2),
    "log10": _Function(math.log10, 1),
    "log2": _Function(math.log2, 1),
    "sqrt": _Function(math.sqrt, 1),
    "ceil": _Function(lambda x: float(math.ceil(x)), 1),
    "floor": _Function(lambda x: float(math.floor(x)), 1),
    "min": _Function(lambda *these: min(these), 0),
    "max": _Function(lambda *these: max(these), 0),
}
ALLOWED: Final = (
    "seconds, or arithmetic in n, the number of nodes, as 120 + 20*log(n); "
    f"there are + - * / ** ( ) and {', '.join(_FUNCTIONS)}"
)

Tree = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Timeout:
    """A duration in seconds, possibly depending on the number of nodes. `0` means no limit."""

    formula: str

    def __post_init__(self) -> None:
        self.seconds(1)

    def seconds(self, nodes: int) -> float:
        """The duration for so many nodes; raises InvalidOption, which tells where the formula makes no sense."""
        count = max(nodes, 1)
        try:
            value = _Parser(self.formula).parse()(float(count))
        except (ZeroDivisionError, OverflowError) as error:
            what = "divides by 0" if isinstance(error, ZeroDivisionError) else "gives too large a number"
            raise self._refused(f"it {what} for n = {count}") from error
        except RecursionError as error:
            raise self._refused("it has too many parentheses") from error
        except ValueError as error:
            raise self._refused(str(error)) from error
        if isinstance(value, complex) or not 0 <= value <= LARGEST:
            raise InvalidOption(f"the timeout {self.formula!r} gives {value} s, not 0 to {LARGEST:.0f} s")
        return value

    def _refused(self, why: str) -> InvalidOption:
        return InvalidOption(f"the timeout {self.formula!r} is not valid: {why}", hint=ALLOWED)


class _Token(NamedTuple):
    """`at` counts characters from 1; the end of the formula is an empty text."""

    text: str
    at: int

    def __str__(self) -> str:
        return f"{self.text!r} (character {self.at})" if self.text else "the end"


class _Parser:
    """Recursive descent over the tokens of one formula, building a function of n."""

    def __init__(self, text: str) -> None:
        if len(text) > _LONGEST:
            raise ValueError(f"it is longer than {_LONGEST} characters")
        self.tokens = _tokens(text)
        self.position = 0

    def parse(self) -> Tree:
        if not self.peek().text:
            raise ValueError("it is empty")
        tree = self.sum()
        if self.peek().text:
            raise ValueError(f"{self.peek()} cannot be there: an operator is expected, or the end")
        return tree

    def peek(self) -> _Token:
        return self.tokens[min(self.position, len(self.tokens) - 1)]

    def take(self) -> _Token:
        token = self.peek()
        self.position += 1
        return token

    def expect(self, wanted: str, why: str) -> None:
        if (found := self.take()).text != wanted:
            raise ValueError(f"{wanted!r} is expected {why}, not {found}")

    def sum(self) -> Tree:
        left = self.product()
        while self.peek().text in ("+", "-"):
            left = _combine(self.take().text, left, self.product())
        return left

    def product(self) -> Tree:
        left = self.power()
        while self.peek().text in ("*", "/"):
            left = _combine(self.take().text, left, self.power())
        return left

    def power(self) -> Tree:
        left = self.atom()
        if self.peek().text in ("**", "^"):
            self.take()
            return _combine("**", left, self.power())
        return left

    def atom(self) -> Tree:
        token = self.take()
        if token.text == "-":
            inner = self.atom()
            return lambda n: -inner(n)
        if token.text == "(":
            inside = self.sum()
            self.expect(")", f"for the '(' at character {token.at}")
            return inside
        if token.text == "n":
            return lambda n: n
        if token.text[:1].isdigit():
            number = float(token.text)
            return lambda n: number
        name = token.text.removeprefix("Math.").removeprefix("Math::")
        if name in _FUNCTIONS:
            return self.call(token, _FUNCTIONS[name])
        if token.text[:1].isalpha() or token.text[:1] == "_":
            raise ValueError(f"{token} is not known")
        raise ValueError(f"a number, n, a function or '(' is expected, not {token}")

    def call(self, name: _Token, function: _Function) -> Tree:
        self.expect("(", f"behind {name}")
        arguments = [self.sum()]
        while self.peek().text == ",":
            self.take()
            arguments.append(self.sum())
        self.expect(")", f"for the arguments of {name}")
        if function.most and len(arguments) > function.most:
            raise ValueError(f"{name} takes {function.most} at most, not {len(arguments)}")
        return lambda n: function.of(*(argument(n) for argument in arguments))


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
        raise ValueError("an exponent is above 10")
    if base < 0 and not exponent.is_integer():
        raise ValueError("a root of a negative number")
    return float(base**exponent)


def _tokens(text: str) -> list[_Token]:
    """The last one is the end."""
    tokens: list[_Token] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        if text[position].isspace():
            position += 1
            continue
        found = _TOKEN.match(text, position)
        if found is None:
            strange = _STRANGE.match(text, position)
            assert strange is not None
            raise ValueError(f"{_Token(strange.group()[:20], position + 1)} is not understood")
        tokens.append(_Token(found.group(), position + 1))
        position = found.end()
    return [*tokens, _Token("", end + 1)]
