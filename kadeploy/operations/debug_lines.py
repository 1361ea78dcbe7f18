"""What nodes said and where they failed, as traces in the form Kadeploy3's tools know: one entry a node and micro-step.

Agents run steps, not command lines, so a step stands where Kadeploy3 has a command.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kadeploy.domain.event import Event, NodeFailed, NodesSaid, StepEnded
from kadeploy.domain.nodeset import NodeSet
from kadeploy.operations.log_lines import stamped

RULE: Final = "-" * 25


class DebugLines:
    """Turns events into lines, one after the other; `node` keeps only that node's."""

    def __init__(self, node: str = "") -> None:
        self._only = node
        self._last = 0.0

    def lines(self, event: Event) -> list[str]:
        """The lines of one event, each ending in a newline."""
        told = []
        for text in _told(event, self._only):
            self._last, line = stamped(event.at, self._last, text)
            told.append(line)
        return told


def _told(event: Event, only: str) -> Iterator[str]:
    if isinstance(event, NodesSaid):
        for node in NodeSet.parse(event.nodes):
            if only in ("", node):
                yield from _entry(node, event.micro, out=event.text, status=0)
    elif isinstance(event, StepEnded):
        for node, reason in event.ko.items():
            if only in ("", node):
                yield from _entry(node, f"{event.macro}{event.instance}-{event.micro}", wrong=reason, status=1)
    elif isinstance(event, NodeFailed) and event.output and only in ("", event.node):
        yield from _entry(event.node, f"{event.macro}-{event.micro}", out=event.output, wrong=event.reason, status=1)


def _entry(node: str, command: str, *, out: str = "", wrong: str = "", status: int) -> Iterator[str]:
    yield from (RULE, f"NODE: {node}", RULE, f"COMMAND: {command}")
    yield from (f"STDOUT: {line}" for line in out.splitlines())
    yield from (f"STDERR: {line}" for line in wrong.splitlines())
    yield f"STATUS: {status}"
