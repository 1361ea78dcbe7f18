"""Reading a command's arguments, which came as JSON."""

from __future__ import annotations

import os
from collections.abc import Mapping

from kadeploy.errors import CommandFailed

Args = Mapping[str, object]


def text(args: Args, name: str, default: str | None = None) -> str:
    """A text argument; without a default it must be there and not be empty."""
    value = args.get(name, default)
    if not isinstance(value, str) or (default is None and not value):
        raise CommandFailed(f"the argument {name!r} must be a text, not {value!r}")
    return value


def path(args: Args, name: str) -> str:
    """A path, without what is superfluous in it."""
    return os.path.normpath(text(args, name))


def number(args: Args, name: str, default: int | None = None) -> int:
    value = args.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise CommandFailed(f"the argument {name!r} must be a whole number, not {value!r}")
    return value


def texts(args: Args, name: str) -> tuple[str, ...]:
    """A list of texts; empty when it is not given."""
    value = args.get(name, [])
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise CommandFailed(f"the argument {name!r} must be a list of texts, not {value!r}")
    return tuple(value)


def mappings(args: Args, name: str) -> tuple[Args, ...]:
    """A list of objects; empty when it is not given."""
    value = args.get(name, [])
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise CommandFailed(f"the argument {name!r} must be a list of objects, not {value!r}")
    return tuple(value)


def named_texts(args: Args, name: str) -> dict[str, str]:
    """An object of texts; empty when it is not given."""
    value = args.get(name, {})
    if not isinstance(value, dict) or not all(isinstance(entry, str) for entry in value.values()):
        raise CommandFailed(f"the argument {name!r} must be an object of texts, not {value!r}")
    return dict(value)
