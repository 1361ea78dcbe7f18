"""What a tool loads before it knows what to do: little, for people and completion wait for it."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from kadeploy.admin.tool import COMMANDS, kadmin
from kadeploy.cli.later import Later, load
from kadeploy.cli.tool_names import MODULES

HEAVY = frozenset(
    {
        "alembic", "asyncio", "asyncssh", "click.shell_completion", "cryptography", "dbos", "fastapi", "httpcore2",
        "httpx2", "importlib.metadata", "matplotlib", "orjson", "psycopg", "pyarrow", "pydantic", "rich", "sqlalchemy",
        "starlette", "structlog", "sushy", "uvicorn", "wsproto",
    }
)  # fmt: skip
PROGRAM = """\
import sys
from importlib import import_module
place, *sys.argv = sys.argv[1:]
module, _, main = place.partition(":")
try:
    getattr(import_module(module), main)()
except SystemExit as left:
    print("left", left.code)
print("loaded", *sorted(sys.modules))
"""
ENTRIES = {
    **{tool: f"{module}:main" for tool, module in MODULES.items()},
    "kadmin": "kadeploy.admin.tool:main",
    "kadeployd": "kadeploy.daemon_line:main",
    "kacast": "kadeploy.cast.tool:main",
}
SELF_MADE = {"kacast": {"asyncio"}}  # what its own values bring
ASKED = {"httpcore2", "httpx2", "importlib.metadata"}  # what it takes to ask a server
REQUESTS = {
    "kadeploy": ["--server-info"],
    "kareboot": ["--version"],
    "kanodes": [],
    "kaenv": ["--list"],
    "karights": ["--list"],
    "kastat": ["--all"],
}


def begun(tool: str, *words: str) -> tuple[str, frozenset[str]]:
    """What it says before it leaves, and the modules that are loaded then."""
    argv = [sys.executable, "-c", PROGRAM, ENTRIES[tool], tool, *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    *said, left, loaded = done.stdout.splitlines()
    assert "kadeploy.errors" in loaded.split()
    return "\n".join([*said, left, done.stderr]), frozenset(loaded.split()[1:])


@pytest.mark.parametrize("tool", ENTRIES)
def test_help_loads_nothing_heavy(tool: str) -> None:
    said, loaded = begun(tool, "--help")
    assert "Usage: " in said
    assert loaded & HEAVY <= SELF_MADE.get(tool, set())


@pytest.mark.parametrize("tool", REQUESTS)
def test_a_request_loads_what_speaks_http_and_nothing_else_heavy(tool: str) -> None:
    said, loaded = begun(tool, *REQUESTS[tool], "-S", "http://127.0.0.1:x")
    assert "http://127.0.0.1:x is not an address" in said
    assert loaded & HEAVY <= ASKED


@pytest.mark.parametrize("module", Later)
def test_what_is_loaded_later_is_there(module: Later) -> None:
    assert load(module).__doc__


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_of_kadmin_says_what_its_commands_say(name: str) -> None:
    command = kadmin.get_command(click.Context(kadmin), name)
    assert command is not None
    assert command.name == name
    assert " ".join((command.help or "").split()).startswith(COMMANDS[name][1].rstrip("."))
