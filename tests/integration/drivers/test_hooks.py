"""The site's commands at the ends of operations: real processes, no shell."""

from __future__ import annotations

import ast
import asyncio
import sys
import time
from pathlib import Path

from kadeploy.domain.state import OperationKind
from kadeploy.drivers.hooks import CommandHooks
from kadeploy.ports.hooks import Ended

ENDED = Ended(
    operation="D-1", kind=OperationKind.DEPLOYMENT, user="$(id)", state="done", ok="n-[1-2]", ko="n-3; touch /x"
)


def hooks(*argv: str, deadline: float = 10.0) -> CommandHooks:
    return CommandHooks(commands={OperationKind.DEPLOYMENT: argv}, deadline=deadline)


def test_the_command_is_told_by_words_and_variables_that_no_shell_reads(tmp_path: Path) -> None:
    told = tmp_path / "told"
    program = (
        "import os, sys; open(sys.argv[1], 'w').write(repr((sys.argv[2:], "
        "{k: v for k, v in os.environ.items() if k.startswith('KADEPLOY_')})))"
    )
    command = hooks(sys.executable, "-c", program, str(told), "id=WORKFLOW_ID", "$(id)")
    assert asyncio.run(command.run(ENDED)) == ""
    words, variables = ast.literal_eval(told.read_text())
    assert words == ["id=D-1", "$(id)"]
    assert variables == {
        "KADEPLOY_OPERATION": "D-1",
        "KADEPLOY_KIND": "deployment",
        "KADEPLOY_USER": "$(id)",
        "KADEPLOY_STATE": "done",
        "KADEPLOY_NODES_OK": "n-[1-2]",
        "KADEPLOY_NODES_KO": "n-3; touch /x",
    }


def test_a_command_that_fails_says_why() -> None:
    assert asyncio.run(hooks("sh", "-c", "echo no >&2; exit 3").run(ENDED)) == "sh exited with 3: no"
    assert asyncio.run(hooks("/nowhere/at/all").run(ENDED)).startswith("/nowhere/at/all was not found")


def test_a_command_ends_at_its_deadline() -> None:
    began = time.monotonic()
    assert asyncio.run(hooks("sleep", "60", deadline=0.3).run(ENDED)) == "sleep did not end in time"
    assert time.monotonic() - began < 10


def test_there_is_one_only_where_one_is_configured() -> None:
    assert hooks("true").has(OperationKind.DEPLOYMENT)
    assert not hooks("true").has(OperationKind.REBOOT)
    assert not hooks().has(OperationKind.DEPLOYMENT)
