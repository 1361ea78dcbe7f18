"""The rows of a MySQL dump: what `INSERT` statements say, as mysqldump and its relatives write them.

A tolerant reader of that little of SQL: backquotes, both kinds of quotes with MySQL's escapes, several rows a
statement, NULL, numbers, hexadecimal and bit literals; comments and every other statement are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

Value = str | int | float | None

_TOKEN: Final = re.compile(
    r"""(?P<space>\s+|--[ \t][^\n]*|\#[^\n]*|/\*.*?\*/)
    |(?P<hex>0[xX][0-9A-Fa-f]+|[xX]'[0-9A-Fa-f]*')
    |(?P<bits>[bB]'[01]*'|0b[01]+)
    |(?P<text>'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'|"[^"\\]*(?:(?:\\.|"")[^"\\]*)*")
    |(?P<name>`[^`]*(?:``[^`]*)*`)
    |(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
    |(?P<word>[A-Za-z_][A-Za-z0-9_$]*)
    |(?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
_QUOTES: Final = ("'", '"', "`")
_ESCAPE: Final = re.compile(r"\\(.)|''|\"\"", re.DOTALL)
_ESCAPED: Final = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}
_INTRODUCER: Final = re.compile(r"_[a-z0-9]+\Z")  # of a text: _binary 'x', _utf8 'x'


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`line` is where its statement begins."""

    table: str
    line: int
    values: Mapping[str, Value]


class _Token(NamedTuple):  # a dump has millions of them
    kind: str
    text: str
    at: int


class _Bad(Exception):
    """This statement cannot be read."""


@dataclass(slots=True)
class Dump:
    """Reads the rows of some tables; `faults` are `line N: what`, complete when all rows were taken."""

    text: str
    tables: Collection[str]
    faults: list[str] = field(default_factory=list)
    _columns: dict[str, list[str]] = field(default_factory=dict)
    _counted: tuple[int, int] = (0, 1)  # a place in the text, and its line

    def rows(self) -> Iterator[Row]:
        for statement in self._statements():
            line = self._line(statement[0].at)
            try:
                match statement[0].text.upper():
                    case "CREATE":
                        self._learn(statement)
                    case "INSERT" | "REPLACE":
                        yield from self._inserted(statement, line)
            except _Bad as error:
                self.faults.append(f"line {line}: {error}")

    def _statements(self) -> Iterator[list[_Token]]:
        statement: list[_Token] = []
        for found in _TOKEN.finditer(self.text):
            kind = str(found.lastgroup)
            if kind == "space":
                continue
            if kind == "mark" and found.group() == ";":
                if statement:
                    yield statement
                statement = []
            else:
                statement.append(_Token(kind, found.group(), found.start()))
        if statement:
            line = self._line(statement[0].at)
            self.faults.append(f"line {line}: a statement has no end: the dump is cut off, or a quote is missing")

    def _line(self, at: int) -> int:
        """Of a place behind the one that was asked for before."""
        before, line = self._counted
        self._counted = (at, line + self.text.count("\n", before, at))
        return self._counted[1]

    def _learn(self, statement: list[_Token]) -> None:
        """The columns of a table, in the order of its rows."""
        if len(statement) < 2 or statement[1].text.upper() != "TABLE":
            return
        opening = next((index for index, token in enumerate(statement) if token.text == "("), 0)
        columns, depth, is_first = [], 0, False
        for token in statement[opening:]:
            if token.kind == "mark" and token.text in "()":
                depth += 1 if token.text == "(" else -1
                is_first = token.text == "(" and depth == 1
            elif depth == 1 and token.text == ",":
                is_first = True
            elif is_first:
                is_first = False
                if token.kind == "name":
                    columns.append(_name(token))
        if opening:
            self._columns[_name(statement[opening - 1])] = columns

    def _inserted(self, statement: list[_Token], line: int) -> Iterator[Row]:
        if not _has_into(statement):
            raise _Bad("an INSERT that cannot be understood")
        into = next(index for index, token in enumerate(statement) if token.text.upper() == "INTO") + 1
        while into + 2 < len(statement) and statement[into + 1].text == ".":
            into += 2
        table = _name(statement[into])
        if table not in self.tables:
            return
        start = next((i for i, token in enumerate(statement) if token.text.upper() in ("VALUES", "VALUE")), 0)
        if not start:
            raise _Bad(f"an INSERT into {table} without VALUES")
        named = [_name(token) for token in statement[into + 1 : start] if token.kind in ("name", "word")]
        columns = named or self._columns.get(table)
        if not columns:
            raise _Bad(f"the columns of {table} are not known: neither the INSERT nor a CREATE TABLE names them")
        for values in _tuples(statement[start + 1 :]):
            if len(values) != len(columns):
                raise _Bad(f"a row of {table} has {len(values)} values, and the table {len(columns)} columns")
            yield Row(table=table, line=line, values=dict(zip(columns, values, strict=True)))


def _has_into(statement: list[_Token]) -> bool:
    return any(token.text.upper() == "INTO" for token in statement[:4]) and len(statement) > 3


def _tuples(tokens: list[_Token]) -> Iterator[list[Value]]:
    values: list[Value] | None = None
    for token in tokens:
        if token.kind == "mark" and token.text == "(" and values is None:
            values = []
        elif token.kind == "mark" and token.text == ")" and values is not None:
            yield values
            values = None
        elif values is None:
            if token.text.upper() == "ON":  # DUPLICATE KEY UPDATE
                return
        elif token.text != "," and not (token.kind == "word" and _INTRODUCER.match(token.text)):
            values.append(_value(token))
    if values is not None:
        raise _Bad("a row has no end")


def _value(token: _Token) -> Value:
    match token.kind:
        case "text":
            return _unescaped(token.text[1:-1])
        case "number":
            return int(token.text) if token.text.lstrip("+-").isdecimal() else float(token.text)
        case "hex":
            digits = token.text[2:].strip("'")
            return bytes.fromhex(digits.zfill(len(digits) + len(digits) % 2)).decode("utf-8", "surrogateescape")
        case "bits":
            return int(token.text[1:].strip("b'") or "0", 2)
    if token.text in _QUOTES:
        raise _Bad("a quote has no end")
    known: Mapping[str, Value] = {"NULL": None, "TRUE": 1, "FALSE": 0}
    if token.text.upper() not in known:
        raise _Bad(f"{token.text[:40]!r} is no value")
    return known[token.text.upper()]


def _unescaped(text: str) -> str:
    if "\\" not in text and "''" not in text and '""' not in text:
        return text
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]) if found[1] else found[0][0], text)


def _name(token: _Token) -> str:
    return token.text[1:-1].replace("``", "`") if token.kind == "name" else token.text
