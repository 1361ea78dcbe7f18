"""What nodes and other users say is shown by our tools: it must not steer the terminal, nor look like lines of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kadeploy.cli.display import Board
from kadeploy.cli.lines import Lines
from kadeploy.domain.event import Event, NodeFailed, NodesSaid, OperationStarted, from_json, to_json
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.plain_text import harmless, plain
from kadeploy.domain.result import Result
from kadeploy.domain.state import OperationKind
from kadeploy.operations.debug_lines import DebugLines
from kadeploy.operations.log_lines import LogLines
from tests.integration.security.attacked import Attacked

BAITS = {
    "the screen is cleared": "\x1b[2J\x1b[H",
    "the window's title": "\x1b]0;root@server\x07",
    "the clipboard": "\x1b]52;c;cm0gLXJmIC8K\x07",
    "an answer is typed": "\x1b[6n\x1b[c",
    "one character, as old terminals know it": "\x9b2J",
    "back to the beginning of the line": "KO\rOK node-1",
    "backspaces": "failed" + "\x08" * 6 + "passed",
    "text that runs backwards": "\u202egnp.exe",
    "another alphabet": "\x0e\x0f",
    "a bell": "\x07",
}
OBEYED = {*map(chr, range(32)), "\x7f", *map(chr, range(0x80, 0xA0)), "\u202e"} - {"\n", "\t"}


def is_harmless(text: str) -> bool:
    return not OBEYED & set(text)


@pytest.mark.parametrize("bait", BAITS.values(), ids=BAITS)
def test_what_a_node_said_is_harmless_before_it_is_kept(bait: str) -> None:
    nodes = NodeSet(["node-1", "node-2"])
    result = Result(ok=NodeSet(["node-1"]), ko={"node-2": bait}, outputs={"node-1": bait}).settle(nodes)
    assert is_harmless(result.ko["node-2"])
    assert is_harmless(result.outputs["node-1"])
    assert is_harmless(Result.failed(nodes, bait).ko["node-1"])


@pytest.mark.parametrize("bait", BAITS.values(), ids=BAITS)
def test_an_event_that_was_kept_before_is_harmless_to_the_tools(bait: str) -> None:
    """The tools do not rely on the server for it."""
    shown = "".join(shown_of(bait))
    assert is_harmless(shown)
    assert "node-1" in shown


def shown_of(bait: str) -> Iterator[str]:
    board, lines = Board(), Lines(5)
    told: list[Event] = [
        OperationStarted(operation="D-1", at=1.0, user="alice", nodes="node-1", clusters={"sim": "node-1"}),
        NodesSaid(operation="D-1", at=2.0, cluster="sim", set="0", micro="custom", nodes="node-1", text=bait),
        NodeFailed(operation="D-1", at=3.0, cluster="sim", set="0", node="node-1", macro="M", micro="m", reason=bait),
    ]
    for event in told:
        arrived = from_json(carried(to_json(event)))
        board.apply(arrived)
        yield from lines.of(board, arrived)


def carried(event: object) -> dict[str, Any]:
    """As it comes through HTTP into a tool."""
    found = harmless(json.loads(json.dumps(event)))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("line", ["one\n1795359932.00000|[0] Deployment of node-1 done", "one|two"])
def test_a_node_makes_no_lines_of_the_log_that_look_like_the_servers(line: str) -> None:
    event = NodesSaid(operation="D-1", at=2.0, cluster="sim", set="0", micro="custom", nodes="node-1", text=line)
    for told in (LogLines(OperationKind.DEPLOYMENT, 5).lines(event), DebugLines().lines(event)):
        assert all(text.count("|") == 1 and text.count("\n") == 1 for text in told)
        assert all(text.partition("|")[0].startswith("2.0") for text in told)


def test_line_ends_of_dos_are_line_ends() -> None:
    assert plain("one\r\ntwo\tthree\n") == "one\ntwo\tthree\n"
    assert plain("é ü 漢字 ✓") == "é ü 漢字 ✓"


@pytest.mark.parametrize("bait", BAITS.values(), ids=BAITS)
def test_names_that_others_read_have_no_control_characters(server: Attacked, bait: str) -> None:
    alice = server.user()
    for changes in ({"name": f"x{bait}"}, {"author": bait}, {"alias": bait}, {"boot": {"kernel_params": bait}}):
        answer = alice.post("/environments", environment={**alice.description(), **changes})
        assert answer.is_refusal, answer.text
        assert is_harmless(answer.text), "and the refusal has none either"


@pytest.mark.parametrize("bait", BAITS.values(), ids=BAITS)
def test_what_somebody_asks_for_is_not_written_into_the_log_as_it_is(server: Attacked, bait: str) -> None:
    alice = server.user()
    alice.post("/reboot", nodes=[f"node-{bait}"], kind="simple")
    alice.post("/reboot", nodes=["node-1"], kind=bait)
    written = server.log() + server.audit()
    assert is_harmless(written.replace("\n", "")), "control characters are escaped"
