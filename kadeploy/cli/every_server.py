"""`-M`: every server of client.conf that answers, each for the nodes that are its own.

Nodes must then be named exactly: which server is meant by part of a name, nobody could tell.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, redirect_stdout
from pathlib import Path
from typing import Any, Final, cast

import yaml

from kadeploy.cli.client import Client, current_user
from kadeploy.cli.exits import exit_code
from kadeploy.cli.given import Given
from kadeploy.cli.preferences import FORMS, OUTPUT
from kadeploy.cli.refused import explained
from kadeploy.cli.servers import Server, every_server
from kadeploy.cli.targets import Targets, meant_at, read_targets
from kadeploy.cli.tool import Perform, password_given, print_json, tracing
from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import InvalidNodes, KadeployError, Unavailable

PROBE: Final = 5.0  # seconds a server has to tell its version
EVERY: Final = "*"


def each_client(given: Given) -> Iterator[Client]:
    """Those of the servers that answer, each closed when the next is wanted."""
    for server, user, password in _answering(given):
        with Client(server, user, password=password, trace=tracing(given)) as client:
            yield client


def clients(given: Given, stack: ExitStack) -> Sequence[Client]:
    """Those of the servers that answer, closed with the stack. Raises Unavailable when none does."""
    return [
        stack.enter_context(Client(server, user, password=password, trace=tracing(given)))
        for server, user, password in _answering(given)
    ]


def owners(those: Sequence[Client], targets: Targets) -> Mapping[str, NodeSet]:
    """The nodes of each server, by its name, that has any. Raises InvalidNodes for nodes of none, and of several, and
    for expressions that no server understands."""
    known = {
        client.server.name: frozenset(cast(Sequence[str], client.get("/nodes", {"list": "true"}))) for client in those
    }
    meant = {text: {client.server.name: meant_at(client, text) for client in those} for text in targets.texts}
    nodes = targets.nodes | NodeSet(name for each in meant.values() for found in each.values() for name in found)
    nobodys = nodes - NodeSet(frozenset().union(*known.values()))
    faults = [f"no server that answers has {nobodys}"] if nobodys else []
    faults += [
        f"no server that answers knows what {text!r} is" for text, each in meant.items() if not any(each.values())
    ]
    seen: set[str] = set()
    for name, names in known.items():
        if both := nodes & NodeSet(names & seen):
            faults.append(f"{name} is not the only server that has {both}: choose one with -S")
        seen |= names
    if faults:
        raise InvalidNodes("; ".join(faults), hint="with -M nodes are named exactly; kanodes -M lists them")
    parts = {name: nodes & NodeSet(names) for name, names in known.items()}
    return {name: part for name, part in parts.items() if part}


def spread(given: Given, perform: Perform) -> int:
    """Perform it at one server after the other; the exit code of the first that went wrong."""
    with ExitStack() as stack:
        those = clients(given, stack)
        parts = _parts(given, those)
    codes, told = [], {}
    for name, part in parts.items():
        heard = io.StringIO()
        try:
            with redirect_stdout(heard):
                codes.append(perform(part))
        except KadeployError as error:
            print(f"[{name}] {explained(error)}", file=sys.stderr)
            codes.append(exit_code(error))
        told[name] = heard.getvalue()
    _tell(given, told)
    return next((code for code in codes if code), 0)


def at_its_server(given: Given, path: str) -> Given:
    """With -M what was asked, of the one server that knows what this is a path of. Raises what the last one says."""
    if not given.flag("multi_server"):
        return given
    said: KadeployError = Unavailable("none of the servers in client.conf answers")
    for client in each_client(given):
        try:
            client.get(path)
        except KadeployError as error:
            said = error
        else:
            return given.but(server=client.server.name, multi_server=False)
    raise said


def _answering(given: Given) -> list[tuple[Server, str, str | None]]:
    user = current_user(os.environ)
    password = password_given(given, user)
    found = []
    for server in every_server(os.environ, Path.home()):
        try:
            with Client(server, user, password=password, patience=PROBE) as client:
                client.version()
            found.append((server, user, password))
        except KadeployError as error:
            print(f"[{server.name}] is left out: {error.message}", file=sys.stderr)
    if not found:
        raise Unavailable("none of the servers in client.conf answers")
    return found


def _parts(given: Given, those: Sequence[Client]) -> Mapping[str, Given]:
    """What is asked of each server."""
    one, ranges, files = given.text("machine"), given.texts("machines"), given.texts("files")
    if one is not None:
        ranges = (one,)
    if EVERY in ranges or not (ranges or files):
        return {client.server.name: given.but(server=client.server.name) for client in those}
    parts = owners(those, read_targets(ranges, files))
    if one is not None:
        return {name: given.but(server=name) for name in parts}
    return {name: given.but(server=name, machines=(str(part),), files=()) for name, part in parts.items()}


def _tell(given: Given, told: Mapping[str, str]) -> None:
    """Structured answers by the servers' names, others with the name before each line."""
    words = () if given.has("format") else given.texts("words")  # kastat's -o, which is several things
    form = given.text("format") or next((word for word in words if word in FORMS), given.preferred(OUTPUT))
    if given.flag("as_json") or form == "json":
        print_json({name: _read(text, json.loads) for name, text in told.items()})
    elif given.flag("as_yaml") or form == "yaml":
        print(
            yaml.safe_dump({name: _read(text, yaml.safe_load) for name, text in told.items()}, sort_keys=False), end=""
        )
    else:
        for name, text in told.items():
            for line in text.splitlines():
                print(f"[{name}] {line}")


def _read(text: str, parse: Any) -> object:
    return parse(text) if text.strip() else None
