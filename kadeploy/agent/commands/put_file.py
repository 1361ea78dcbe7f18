"""`put_file` {url and sha256? | content, name, destination, mode?, tree?, remove?}: fetch a file, put it in its place.

`destination` is its path, or a directory (one that is there, or a path that ends in a slash) where it keeps its
`name`. `mode` is its permission bits (0644 by default). A destination below `tree` is found as the system in the
tree will find it: links are followed within the tree. `remove` is a path that is no longer needed once it is there.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from kadeploy.agent.arguments import Args, number, text
from kadeploy.agent.download import obtain
from kadeploy.agent.job import Answer, Job
from kadeploy.agent.tree import inside
from kadeploy.errors import CommandFailed

_USUAL_MODE = 0o644


async def put_file(args: Args, job: Job) -> Answer:
    """The file is there whole or not at all. Answers its path. Raises CommandFailed."""
    target = _place(text(args, "destination"), text(args, "name"), text(args, "tree", ""))
    partial = target.with_name(f".{target.name}.kadeploy")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        await obtain(args, job, partial)
        partial.chmod(number(args, "mode", _USUAL_MODE))
        os.replace(partial, target)
        if left := text(args, "remove", ""):
            os.unlink(left)
    except OSError as error:
        raise CommandFailed(f"{target} could not be written: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
    return Answer(output=f"{target}\n")


def _place(destination: str, name: str, tree: str) -> Path:
    if not destination.startswith("/"):
        raise CommandFailed(f"the destination {destination!r} is no absolute path")
    whole = _real(destination, tree)
    is_directory = destination.endswith("/") or whole.is_dir()
    return _real(f"{destination}/{Path(name).name}", tree) if is_directory else whole


def _real(path: str, tree: str) -> Path:
    plain = os.path.normpath(path)
    below = tree and plain.startswith(f"{tree}/")
    return inside(tree, plain.removeprefix(tree)) if below else Path(plain)
