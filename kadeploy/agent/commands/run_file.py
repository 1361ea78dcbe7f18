"""`run_file` {url and sha256? | content, name, arguments?, environment?}: fetch a script and run it.

The script is a program: its first line says what reads it. It runs in a directory of its own, in memory; nothing
of that stays.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from kadeploy.agent.arguments import Args, named_texts, text, texts
from kadeploy.agent.download import obtain
from kadeploy.agent.job import Answer, Job
from kadeploy.agent.user_program import run_program


async def run_file(args: Args, job: Job) -> Answer:
    """Answers what it wrote. Raises CommandFailed with its last words."""
    name = Path(text(args, "name")).name or "script"
    with tempfile.TemporaryDirectory(prefix="kadeploy-run-", ignore_cleanup_errors=True) as folder:
        program = Path(folder, name)
        await obtain(args, job, program)
        os.chmod(program, 0o755)
        said = await run_program(
            (str(program), *texts(args, "arguments")),
            named_texts(args, "environment"),
            called=f"the script {name}",
            folder=folder,
        )
    return Answer(output=said)
