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
    assert not left.code, left.code
print("loaded", *sorted(sys.modules))
"""
ENTRIES = {
    **{tool: f"{module}:main" for tool, module in MODULES.items()},
    "kadmin": "kadeploy.admin.tool:main",
    "kadeployd": "kadeploy.daemon_line:main",
}


@pytest.mark.parametrize("tool", ENTRIES)
def test_help_loads_nothing_heavy(tool: str) -> None:
    argv = [sys.executable, "-c", PROGRAM, ENTRIES[tool], tool, "--help"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage: " in done.stdout
    loaded = {*done.stdout.splitlines()[-1].split()[1:]}
    assert "kadeploy.errors" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("module", Later)
def test_what_is_loaded_later_is_there(module: Later) -> None:
    assert load(module).__doc__


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_of_kadmin_says_what_its_commands_say(name: str) -> None:
    command = kadmin.get_command(click.Context(kadmin), name)
    assert command is not None
    assert command.name == name
    assert " ".join((command.help or "").split()).startswith(COMMANDS[name][1].rstrip("."))
