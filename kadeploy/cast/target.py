"""What people write on the command line: `node[1-40]:/path`, and pipelines such as `zstd -dc | tar -x -C /mnt`."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass

from kadeploy.broadcast.file_sink import USUAL_MODE
from kadeploy.broadcast.sink import SinkKind, SinkOrder
from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import InvalidNodes

_USER = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*)@")
_OF_SHELLS = frozenset({"<", ">", ">>", "2>", "2>&1", "&", "&&", "||", ";"})


class BadTarget(ValueError):
    """The argument says what is wrong with it, and what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The hosts, in the order of their names, and where the file goes on each: `path`, made of what was `written`
    (empty for a directory, when the file has no name)."""

    hosts: NodeSet
    path: str
    written: str
    user: str = ""


def parse_target(text: str, file_name: str) -> Target:
    """A path that ends with a slash is a directory, and the file keeps its name there, if it has one. Raises
    BadTarget."""
    hosts, colon, path = text.partition(":")
    user = found[1] if (found := _USER.match(hosts)) else ""
    hosts = hosts[len(user) + 1 :] if user else hosts
    if not colon or not hosts:
        raise BadTarget(f"{text!r} does not say where to: write hosts, a colon and a path, such as node[1-40]:/tmp/")
    if not path.startswith("/"):
        raise BadTarget(f"the path {path!r} must be absolute, such as /tmp/{file_name or 'image'}")
    try:
        nodes = NodeSet.parse(hosts)
    except InvalidNodes as error:
        raise BadTarget(f"{hosts!r} names no hosts: {error}") from error
    whole = path if not path.endswith("/") else posixpath.join(path, file_name) if file_name else ""
    return Target(hosts=nodes, path=whole, written=path, user=user)


def parse_pipeline(text: str) -> tuple[tuple[str, ...], ...]:
    """Commands joined by `|`, each an argv list; no shell reads them. Raises BadTarget."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|")
    lexer.whitespace_split = True
    commands: list[list[str]] = [[]]
    try:
        for word in lexer:
            if word in _OF_SHELLS:
                raise BadTarget(
                    f"{text!r}: no shell reads it, so {word!r} means nothing there (sh -c '...' is a command)"
                )
            if word == "|":
                commands.append([])
            else:
                commands[-1].append(word)
    except ValueError as error:
        raise BadTarget(f"{text!r} cannot be read: {error}") from error
    if not all(commands):
        raise BadTarget(f"{text!r} has a command that is empty")
    return tuple(map(tuple, commands))


def sink_of(target: Target, pipeline: str, device: bool, mode: int = USUAL_MODE) -> SinkOrder:
    """A file by default, of this mode; for a pipeline, the path is of the file system that it writes to. Raises
    BadTarget."""
    path = target.written if pipeline or device else target.path
    if device:
        commands = parse_pipeline(pipeline) if pipeline else ()
        return SinkOrder(kind=SinkKind.DEVICE, path=path, commands=commands)
    if pipeline:
        return SinkOrder(kind=SinkKind.COMMAND, path=path, commands=parse_pipeline(pipeline))
    if not path:
        raise BadTarget(f"what comes through a pipe has no name: write one, such as {target.written}image")
    return SinkOrder(kind=SinkKind.FILE, path=path, mode=mode)
