"""`run_script` {url, sha256?, script?, environment?}: fetch an archive, unpack it in memory, run the script in it.

Pre- and postinstall archives of environments: `script` is a path in the archive with its arguments, run with the
archive's directory as the current one; `none` only fetches and unpacks. That directory is the one that the
environment names for it, and what was unpacked stays there for the archives that follow; else one of its own, of
which nothing stays.
"""

from __future__ import annotations

import asyncio
import shlex
import tempfile
from pathlib import Path

from kadeploy.agent.arguments import Args, named_texts, text
from kadeploy.agent.download import obtain
from kadeploy.agent.execute import execute
from kadeploy.agent.job import Answer, Job
from kadeploy.agent.user_program import SCRIPTS, run_program
from kadeploy.errors import CommandFailed

_NO_SCRIPT = ("", "none")


async def run_script(args: Args, job: Job) -> Answer:
    """Answers what the script wrote. Raises CommandFailed with its last words."""
    with tempfile.TemporaryDirectory(prefix="kadeploy-script-", ignore_cleanup_errors=True) as folder:
        environment = named_texts(args, "environment")
        archive, unpacked = Path(folder, "archive"), Path(environment.get(SCRIPTS) or f"{folder}/unpacked")
        await obtain(args, job, archive)
        await asyncio.to_thread(unpacked.mkdir, parents=True, exist_ok=True)
        await execute(("tar", "-x", "-f", str(archive), "-C", str(unpacked)))  # finds the compression out by itself
        script = text(args, "script", "")
        if script in _NO_SCRIPT:
            return Answer()
        return Answer(output=await _run(script, unpacked, environment))


async def _run(script: str, folder: Path, environment: dict[str, str]) -> str:
    name, *arguments = shlex.split(script)
    program = folder / name
    if not program.is_file():
        raise CommandFailed(f"the archive holds no script {name}")
    program.chmod(program.stat().st_mode | 0o111)
    return await run_program((str(program), *arguments), environment, called=f"the script {name}", folder=str(folder))
