"""The reference names every variable, with the words of the code."""

from __future__ import annotations

from pathlib import Path

from kadeploy.domain.exported import NAMES

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "custom-operations.md"


def test_every_variable_is_in_the_reference() -> None:
    text = REFERENCE.read_text()
    assert [name for name, meaning in NAMES.items() if f"| `{name}` | {meaning} |" not in text] == []
