"""`run_command` {command, environment?}: a line of a user's, in this node's shell."""

from __future__ import annotations

from kadeploy.agent.arguments import Args, named_texts, text
from kadeploy.agent.job import Answer, Job
from kadeploy.agent.user_program import run_program


async def run_command(args: Args, job: Job) -> Answer:
    """Answers what it wrote. Raises CommandFailed with its last words.

    The variables are in its environment, so that they are there for every program it starts. It has ended when
    nobody holds its output open any more: what goes on in the background must be given another one.
    """
    argv = ("/bin/sh", "-c", text(args, "command"))
    return Answer(output=await run_program(argv, named_texts(args, "environment"), called="the command"))
