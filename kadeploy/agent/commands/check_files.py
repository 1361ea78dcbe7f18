"""`check_files`: what the description names is in the unpacked tree."""

from __future__ import annotations

from kadeploy.agent.arguments import Args, text, texts
from kadeploy.agent.job import Answer, Job
from kadeploy.agent.tree import faults_of
from kadeploy.errors import CommandFailed


async def check_files(args: Args, job: Job) -> Answer:
    """Raises CommandFailed naming every file that is missing."""
    if faults := faults_of(text(args, "tree"), texts(args, "files")):
        raise CommandFailed("; ".join(faults))
    return Answer()
