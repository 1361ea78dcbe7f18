"""`run_script` {url, script?, environment?}: fetch an archive, unpack it in memory, run the script in it.

Pre- and postinstall archives of environments: `script` is a path in the archive with its arguments, run with the
archive's directory as the current one; `none` only fetches and unpacks. Nothing of it stays.
"""

from __future__ import annotations

import asyncio
import shlex
import shutil
import tempfile
from pathlib import Path

from kadeploy.agent.arguments import Args, named_texts, text
from kadeploy.agent.execute import DEADLINE, execute
from kadeploy.agent.job import Answer, Job
from kadeploy.errors import CommandFailed
from kadeploy.process import loggable, run

_SILENCE = 30.0  # seconds without a byte from the server
_NO_SCRIPT = ("", "none")


async def run_script(args: Args, job: Job) -> Answer:
    """Answers what the script wrote. Raises CommandFailed with its last words."""
    with tempfile.TemporaryDirectory(prefix="kadeploy-script-", ignore_cleanup_errors=True) as folder:
        archive, unpacked = Path(folder, "archive"), Path(folder, "unpacked")
        await asyncio.to_thread(_fetch, text(args, "url"), archive)
        await asyncio.to_thread(unpacked.mkdir)
        await execute(("tar", "-x", "-f", str(archive), "-C", str(unpacked)))  # finds the compression out by itself
        script = text(args, "script", "")
        if script in _NO_SCRIPT:
            return Answer()
        return Answer(output=await _run(script, unpacked, named_texts(args, "environment")))


async def _run(script: str, folder: Path, environment: dict[str, str]) -> str:
    name, *arguments = shlex.split(script)
    program = folder / name
    if not program.is_file():
        raise CommandFailed(f"the archive holds no script {name}")
    program.chmod(program.stat().st_mode | 0o111)
    argv = (str(program), *arguments)
    finished = await run(argv, deadline=DEADLINE, env=environment, cwd=str(folder))
    if not finished.ok:
        raise CommandFailed(f"the script {name} failed: {finished.reason} (command: {loggable(argv)})")
    return finished.stdout


def _fetch(url: str, path: Path) -> None:
    import urllib.request  # a seventh of the agent's start, and most never need it

    try:
        with urllib.request.urlopen(url, timeout=_SILENCE) as answer, path.open("wb") as file:
            shutil.copyfileobj(answer, file)
    except (OSError, ValueError) as error:
        raise CommandFailed(f"{url} could not be fetched: {error}") from error
