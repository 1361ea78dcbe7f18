"""The forms in which `kastat` answers."""

from __future__ import annotations

import csv
import importlib
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import yaml

from kadeploy.cli.client import Json
from kadeploy.cli.columns import columns
from kadeploy.errors import InvalidFile, InvalidOption

SHOWN: Final = ("hostname", "kind", "start", "duration", "retries", "env", "success", "error")  # of rows, in a table
NUMBERS: Final = ("duration", "retries", "rate", "failures", "runs", "score", "operations", "boot", "times")


class Form(StrEnum):
    """`plain` is Kadeploy3's own."""

    PLAIN = "plain"
    CSV = "csv"
    JSON = "json"
    YAML = "yaml"
    TABLE = "table"
    PARQUET = "parquet"


def tell(text: str, file: str) -> None:
    """Raises InvalidFile."""
    if not file:
        sys.stdout.write(text)
        return
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidFile(f"{file} cannot be written: {error.strerror}") from error


def write_parquet(rows: Sequence[Json], path: Path) -> None:
    """One column a field, types as they come. Raises InvalidOption without pyarrow, InvalidFile."""
    arrow, parquet = optional_library("pyarrow"), optional_library("pyarrow.parquet")
    try:
        with path.open("wb") as file:
            parquet.write_table(arrow.Table.from_pylist([dict(row) for row in rows]), file, compression="zstd")
    except OSError as error:
        raise InvalidFile(f"{path} cannot be written: {error.strerror}") from error


def optional_library(name: str) -> Any:
    """One that few need, and that takes long to load; raises InvalidOption when it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise InvalidOption(
            f"this needs {package}, which is not installed", hint="pip install 'kadeploy[stats]'"
        ) from error


def health_lines(found: Sequence[Json]) -> Iterator[str]:
    if not found:
        yield "no statistics yet"
        return
    rows = [
        (
            each["node"],
            each["verdict"],
            each["score"],
            each["operations"],
            each["failures"],
            each["retries"],
            f"{each['boot_seconds']:.0f} s" if each["boot_ratio"] else None,
            f"{each['boot_ratio']:.2f}x" if each["boot_ratio"] else None,
            each["reason"],
        )
        for each in found
    ]
    headings = ("node", "verdict", "score", "operations", "failures", "retries", "boot", "of usual", "last failure")
    yield from columns(headings, rows, right=("score", "operations", "failures", "retries", "boot", "of usual"))


def _csv(rows: Sequence[Json]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0] if rows else ())
    writer.writerows([_plain(value) for value in row.values()] for row in rows)
    return text.getvalue()


def _table(rows: Sequence[Json]) -> str:
    if not rows:
        return "nothing\n"
    names = [name for name in SHOWN if name in rows[0]] if set(SHOWN) <= rows[0].keys() else list(rows[0])
    cells = [[_shown(name, row[name]) for name in names] for row in rows]
    return "".join(f"{line}\n" for line in columns(names, cells, right=NUMBERS))


def _shown(name: str, value: object) -> object:
    if name in ("start", "end") and isinstance(value, int | float):
        return datetime.fromtimestamp(value).strftime("%Y-%m-%d %H:%M:%S")
    return _plain(value)


def _plain(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, list | dict) else value


FORMS: Final[Mapping[Form, Callable[[Sequence[Json]], str]]] = {
    Form.CSV: _csv,
    Form.JSON: lambda rows: json.dumps(rows, indent=2, ensure_ascii=False) + "\n",
    Form.YAML: lambda rows: yaml.safe_dump(list(rows), sort_keys=False, allow_unicode=True),
    Form.TABLE: _table,
}
