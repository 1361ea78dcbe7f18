"""An operation told in events: three nodes, one of which is retried and fails."""

from __future__ import annotations

from kadeploy.domain.event import (
    Decided,
    Event,
    NodeFailed,
    NodesAborted,
    NodesDone,
    NodesHeld,
    NodesResumed,
    OperationEnded,
    OperationStarted,
    SetBranched,
    StepEnded,
    StepStarted,
)

OPERATION = "D-1"
MACRO, INSTANCE = "SetDeploymentEnv", "Untrusted"


def begun(at: float = 100.0, nodes: str = "node-[1-3]") -> OperationStarted:
    return OperationStarted(operation=OPERATION, at=at, user="alice", nodes=nodes, clusters={"alpha": nodes})


def entered(at: float, micro: str, nodes: str = "node-[1-3]", *, set: str = "0", turn: int = 0) -> StepStarted:
    return StepStarted(
        operation=OPERATION,
        at=at,
        cluster="alpha",
        set=set,
        macro=MACRO,
        instance=INSTANCE,
        micro=micro,
        turn=turn,
        nodes=nodes,
    )


def left(begin: StepStarted, at: float, *, ok: str = "", ko: dict[str, str] | None = None, late: str = "") -> StepEnded:
    return StepEnded(
        operation=OPERATION,
        at=at,
        cluster=begin.cluster,
        set=begin.set,
        macro=begin.macro,
        instance=begin.instance,
        micro=begin.micro,
        turn=begin.turn,
        seconds=at - begin.at,
        ok=ok,
        ko=ko or {},
        late=late,
    )


def branched(at: float, nodes: str, child: str, why: str) -> SetBranched:
    return SetBranched(operation=OPERATION, at=at, cluster="alpha", set="0", child=child, nodes=nodes, why=why)


def decided(at: float, what: str) -> Decided:
    return Decided(operation=OPERATION, at=at, cluster="alpha", set="0", what=what)


def done(at: float, nodes: str, **outputs: str) -> NodesDone:
    said = {name.replace("_", "-"): text for name, text in outputs.items()}
    return NodesDone(operation=OPERATION, at=at, cluster="alpha", set="0", nodes=nodes, outputs=said)


def failed(at: float, node: str, micro: str, reason: str) -> NodeFailed:
    return NodeFailed(
        operation=OPERATION,
        at=at,
        cluster="alpha",
        set="0.1",
        node=node,
        macro=MACRO + INSTANCE,
        micro=micro,
        reason=reason,
    )


def held(at: float, nodes: str, micro: str = "reboot") -> NodesHeld:
    return NodesHeld(
        operation=OPERATION,
        at=at,
        cluster="alpha",
        set="0",
        macro=MACRO,
        instance=INSTANCE,
        micro=micro,
        nodes=nodes,
    )


def resumed(at: float, nodes: str, by: str = "alice") -> NodesResumed:
    return NodesResumed(operation=OPERATION, at=at, nodes=nodes, by=by)


def aborted(at: float, nodes: str, by: str = "alice", why: str = "") -> NodesAborted:
    return NodesAborted(operation=OPERATION, at=at, nodes=nodes, by=by, why=why)


def over(at: float, *, ok: str = "", ko: str = "", state: str = "done", error: str = "") -> OperationEnded:
    return OperationEnded(operation=OPERATION, at=at, state=state, ok=ok, ko=ko, error=error)


def one_node_fails() -> list[Event]:
    """node-3 does not come back, is rebooted again, and does not come back."""
    reboot, wait = entered(100.0, "reboot"), entered(105.0, "wait_reboot")
    again, waits_again = (
        entered(135.0, "reboot", "node-3", set="0.1", turn=1),
        entered(140.0, "wait_reboot", "node-3", set="0.1", turn=1),
    )
    format_part = entered(135.0, "format_deploy_part", "node-[1-2]")
    return [
        begun(),
        reboot,
        left(reboot, 105.0, ok="node-[1-3]"),
        wait,
        left(wait, 135.0, ok="node-[1-2]", ko={"node-3": "no answer"}),
        branched(135.0, "node-3", "0.1", "retry 1 of Untrusted"),
        format_part,
        again,
        left(again, 140.0, ok="node-3"),
        waits_again,
        left(format_part, 145.0, ok="node-[1-2]"),
        done(145.0, "node-[1-2]"),
        left(waits_again, 170.0, ko={"node-3": "no answer"}),
        failed(170.0, "node-3", "wait_reboot", "no answer"),
        over(170.0, ok="node-[1-2]", ko="node-3"),
    ]
