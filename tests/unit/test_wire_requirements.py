"""The tables of what Kadeploy3's tools need to hear name tests that exist, for each section."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parents[1]
WIRE: Final = TESTS / "acceptance" / "wire"
BEYOND: Final = ("test_beyond.py", "test_schema.py")  # what this server has and Kadeploy3 had not
ROW: Final = re.compile(r"\| (?P<said>[^|]+) \| (?P<proofs>`.+`) \|")
PROOF: Final = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


@cache
def table() -> dict[int, list[tuple[str, list[tuple[str, str]]]]]:
    """By section, each requirement with the files and names of its tests."""
    found: dict[int, list[tuple[str, list[tuple[str, str]]]]] = {}
    for part in re.split(r"(?m)^## ", (WIRE / "requirements.md").read_text(encoding="utf-8"))[1:]:
        number, _, text = part.partition(". ")
        lines = [line for line in text.splitlines() if line.startswith("| ")][1:]
        rows = [ROW.fullmatch(line) for line in lines]
        assert all(rows), [line for line, row in zip(lines, rows, strict=True) if not row]
        found[int(number)] = [(row["said"], PROOF.findall(row["proofs"])) for row in rows if row]
    return found


def named() -> set[tuple[str, str]]:
    return {proof for rows in table().values() for _, proofs in rows for proof in proofs}


@cache
def functions(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(
        node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


def test_every_section_has_requirements_and_each_is_said_once() -> None:
    assert list(table()) == list(range(1, 16))
    said = [words for rows in table().values() for words, _ in rows]
    assert len(said) == len(set(said)) > 90


def test_every_requirement_names_tests_that_exist() -> None:
    assert [words for rows in table().values() for words, proofs in rows if not proofs] == []
    assert sorted(proof for proof in named() if proof[1] not in functions(TESTS / proof[0])) == []


def test_every_test_on_the_wire_is_there_for_a_requirement() -> None:
    files = [path for path in WIRE.glob("test_*.py") if path.name not in BEYOND]
    there = {(f"acceptance/wire/{path.name}", name) for path in files for name in functions(path)}
    assert sorted(there - named()) == []
