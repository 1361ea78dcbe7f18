"""What people write on the command line: `node[1-40]:/path`, and pipelines such as `zstd -dc | tar -x -C /mnt`."""

from __future__ import annotations

import posixpath
import shlex
from dataclasses import dataclass

from kadeploy.broadcast.sink import SinkKind, SinkOrder
from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import InvalidNodes


class BadTarget(ValueError):
    """The argument says what is wrong with it, and what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The hosts, in the order of their names, and where the file goes on each: `path`, made of what was `written`."""

    hosts: NodeSet
    path: str
    written: str


def parse_target(text: str, file_name: str) -> Target:
    """A path that ends with a slash is a directory, and the file keeps its name there. Raises BadTarget."""
    hosts, colon, path = text.partition(":")
    if not colon or not hosts:
        raise BadTarget(f"{text!r} does not say where to: write hosts, a colon and a path, such as node[1-40]:/tmp/")
    if not path.startswith("/"):
        raise BadTarget(f"the path {path!r} must be absolute, such as /tmp/{file_name}")
    try:
        nodes = NodeSet.parse(hosts)
    except InvalidNodes as error:
        raise BadTarget(f"{hosts!r} names no hosts: {error}") from error
    return Target(hosts=nodes, path=posixpath.join(path, file_name) if path.endswith("/") else path, written=path)


def parse_pipeline(text: str) -> tuple[tuple[str, ...], ...]:
    """Commands joined by `|`, each an argv list; no shell reads them. Raises BadTarget."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|")
    lexer.whitespace_split = True
    commands: list[list[str]] = [[]]
    try:
        for word in lexer:
            if set(word) == {"|"}:
                commands.append([])
            else:
                commands[-1].append(word)
    except ValueError as error:
        raise BadTarget(f"{text!r} cannot be read: {error}") from error
    if not all(commands):
        raise BadTarget(f"{text!r} has a command that is empty")
    return tuple(map(tuple, commands))


def sink_of(target: Target, pipeline: str, device: bool) -> SinkOrder:
    """A file by default; for a pipeline, the path is of the file system that it writes to. Raises BadTarget."""
    path = target.written if pipeline or device else target.path
    if device:
        commands = parse_pipeline(pipeline) if pipeline else ()
        return SinkOrder(kind=SinkKind.DEVICE, path=path, commands=commands)
    if pipeline:
        return SinkOrder(kind=SinkKind.COMMAND, path=path, commands=parse_pipeline(pipeline))
    return SinkOrder(kind=SinkKind.FILE, path=path)
