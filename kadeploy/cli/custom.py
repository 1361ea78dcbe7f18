"""Custom operations and variables on the command line: `--custom-steps FILE`, `--variable NAME=VALUE`.

What is in the file is judged by the server. Here files of this machine are put into the request as text, since the
server cannot reach them; large ones and what is no text are sent before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click
import yaml

from kadeploy.cli.given import Given
from kadeploy.cli.options import option
from kadeploy.cli.unread import reason
from kadeploy.errors import Faults, InvalidFile

LARGEST: Final = 256 * 1024  # bytes of one file in a request
_POSITIONS: Final = ("pre-ops", "substitute", "post-ops")

CUSTOM: Final[tuple[click.Option, ...]] = (
    option(
        "--custom-steps",
        metavar="FILE",
        help="What to do before, after or in place of micro-steps: a YAML description.",
    ),
    option(
        "--variable",
        "variables",
        metavar="NAME=VALUE",
        multiple=True,
        help="A variable for scripts and custom steps on the nodes. Repeatable.",
    ),
)


def custom_fields(given: Given) -> dict[str, object]:
    """The fields of the request; what is wrong becomes faults."""
    fields: dict[str, object] = {}
    if (place := given.text("custom_steps")) is not None:
        fields["custom_operations"] = given.tried(lambda: read_custom_steps(place)) or {}
    if texts := given.texts("variables"):
        fields["custom_variables"] = given.tried(lambda: read_variables(texts)) or {}
    return fields


def read_variables(texts: Sequence[str]) -> dict[str, str]:
    """Raises Faults."""
    if faults := [f"--variable {text}: must be NAME=VALUE" for text in texts if not text.partition("=")[1]]:
        raise Faults(faults)
    return {name: value for name, _, value in (text.partition("=") for text in texts)}


def read_custom_steps(place: str) -> dict[str, Any]:
    """The description, with the content of this machine's files in it. Raises InvalidFile, Faults."""
    try:
        content = yaml.safe_load(Path(place).read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InvalidFile(f"--custom-steps {place}: is not YAML: {' '.join(str(error).split())}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFile(f"--custom-steps {place}: cannot be read: {reason(error)}") from error
    if not isinstance(content, dict):
        raise InvalidFile(
            f"--custom-steps {place}: is no description of custom steps (macro-steps and their micro-steps)"
        )
    faults: list[str] = []
    for where, operation in _operations(content):
        try:
            _bring_along(operation)
        except InvalidFile as error:
            faults.append(f"--custom-steps {place}: {where}: {error}")
    if faults:
        raise Faults(faults)
    return content


def _operations(content: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for macro, micros in content.items():
        for micro, places in micros.items() if isinstance(micros, dict) else ():
            for position in _POSITIONS:
                listed = places.get(position) if isinstance(places, dict) else None
                for index, operation in enumerate(listed if isinstance(listed, list) else ()):
                    if isinstance(operation, dict):
                        yield f"{macro}.{micro}.{position}[{index}].file", operation


def _bring_along(operation: dict[str, Any]) -> None:
    """A short text of this machine becomes the operation's content; another file is sent later. Raises InvalidFile."""
    file = operation.get("file")
    if not isinstance(file, str) or ("://" in file and not file.startswith("local://")):
        return
    path = Path(file.removeprefix("local://")).expanduser()
    try:
        if path.stat().st_size > LARGEST:
            return
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    except OSError as error:
        raise InvalidFile(f"{file} cannot be read: {error.strerror}") from error
    del operation["file"]
    operation |= {"content": text, "filename": path.name}
