"""A deployment as its events tell it: three nodes, of which one never boots. Times are fixed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kadeploy.domain.event import (
    Event,
    NodeFailed,
    NodeProgress,
    NodesDone,
    OperationEnded,
    OperationStarted,
    SetBranched,
    StepEnded,
    StepStarted,
)

WID = "D-6a1f0c52"
BEGAN = 1_800_000_000.0
IMAGE = 412_000_000  # bytes
DEPLOYMENT = ("SetDeploymentEnv", "Untrusted")
BROADCAST = ("BroadcastEnv", "Chain")
BOOT = ("BootNewEnv", "Kexec")


class Teller:
    """Tells a step at a time; `at` is its clock."""

    def __init__(self, wid: str = WID, cluster: str = "alpha") -> None:
        self.wid = wid
        self.cluster = cluster
        self.at = BEGAN

    def began(self, nodes: str) -> Event:
        clusters = {self.cluster: nodes}
        return OperationStarted(operation=self.wid, at=self.at, user="alice", nodes=nodes, clusters=clusters)

    def started(self, where: str, macro: tuple[str, str], micro: str, nodes: str, turn: int = 0) -> Event:
        return StepStarted(
            operation=self.wid,
            at=self.at,
            cluster=self.cluster,
            set=where,
            macro=macro[0],
            instance=macro[1],
            micro=micro,
            turn=turn,
            nodes=nodes,
        )

    def ended(
        self,
        where: str,
        macro: tuple[str, str],
        micro: str,
        seconds: float,
        ok: str,
        ko: Mapping[str, str] | None = None,
        turn: int = 0,
    ) -> Event:
        return StepEnded(
            operation=self.wid,
            at=self.at,
            cluster=self.cluster,
            set=where,
            macro=macro[0],
            instance=macro[1],
            micro=micro,
            turn=turn,
            seconds=seconds,
            ok=ok,
            ko=ko or {},
        )

    def step(self, where: str, macro: tuple[str, str], micro: str, nodes: str, seconds: float) -> Iterator[Event]:
        yield self.started(where, macro, micro, nodes)
        self.at += seconds
        yield self.ended(where, macro, micro, seconds, nodes)

    def progress(self, micro: str, **done: int) -> Iterator[Event]:
        for node, count in done.items():
            name = node.replace("_", "-")
            yield NodeProgress(operation=self.wid, at=self.at, node=name, micro=micro, done=count, total=IMAGE)

    def branched(self, child: str, nodes: str, why: str) -> Event:
        return SetBranched(
            operation=self.wid, at=self.at, cluster=self.cluster, set="0", child=child, nodes=nodes, why=why
        )

    def done(self, where: str, nodes: str, outputs: Mapping[str, str] | None = None) -> Event:
        return NodesDone(
            operation=self.wid, at=self.at, cluster=self.cluster, set=where, nodes=nodes, outputs=outputs or {}
        )

    def failed(self, where: str, node: str, macro: tuple[str, str], micro: str, reason: str) -> Event:
        return NodeFailed(
            operation=self.wid,
            at=self.at,
            cluster=self.cluster,
            set=where,
            node=node,
            macro="".join(macro),
            micro=micro,
            reason=reason,
        )

    def over(self, state: str, ok: str, ko: str, error: str = "") -> Event:
        return OperationEnded(operation=self.wid, at=self.at, state=state, ok=ok, ko=ko, error=error)


def to_broadcast(teller: Teller) -> Iterator[Event]:
    """Up to the middle of the broadcast; node-3 has not booted and is tried again on its own."""
    yield teller.began("node-[1-3]")
    yield from teller.step("0", DEPLOYMENT, "switch_pxe", "node-[1-3]", 0.2)
    yield from teller.step("0", DEPLOYMENT, "reboot", "node-[1-3]", 2.8)
    yield teller.started("0", DEPLOYMENT, "wait_reboot", "node-[1-3]")
    teller.at += 41
    silent = {"node-3": "no answer within 40 s"}
    yield teller.ended("0", DEPLOYMENT, "wait_reboot", 41, "node-[1-2]", silent)
    yield teller.branched("0.1", "node-3", "retry 1 of Untrusted")
    yield teller.started("0.1", DEPLOYMENT, "reboot", "node-3", turn=1)
    yield from teller.step("0", DEPLOYMENT, "create_partition_table", "node-[1-2]", 3)
    yield teller.ended("0.1", DEPLOYMENT, "reboot", 3, "node-3", turn=1)
    yield teller.started("0.1", DEPLOYMENT, "wait_reboot", "node-3", turn=1)
    yield from teller.step("0", DEPLOYMENT, "format_deploy_part", "node-[1-2]", 2)
    yield teller.started("0", BROADCAST, "send_environment", "node-[1-2]")
    for second in range(1, 7):
        teller.at += 1
        yield from teller.progress("send_environment", node_1=45_000_000 * second, node_2=42_000_000 * second)


def from_broadcast(teller: Teller) -> Iterator[Event]:
    """From there to the end: two nodes are OK, one is not."""
    teller.at += 3
    yield from teller.progress("send_environment", node_1=IMAGE, node_2=IMAGE)
    yield teller.ended("0", BROADCAST, "send_environment", 9, "node-[1-2]")
    yield from teller.step("0", BROADCAST, "install_bootloader", "node-[1-2]", 4)
    yield from teller.step("0", BOOT, "kexec", "node-[1-2]", 1)
    yield from teller.step("0", BOOT, "wait_reboot", "node-[1-2]", 12)
    yield teller.done("0", "node-[1-2]")
    teller.at += 9
    reason = "no answer within 37 s"
    yield teller.ended("0.1", DEPLOYMENT, "wait_reboot", 37, "", {"node-3": reason}, turn=1)
    yield teller.failed("0.1", "node-3", DEPLOYMENT, "wait_reboot", reason)
    yield teller.over("done", "node-[1-2]", "node-3")


def deployment() -> list[Event]:
    teller = Teller()
    return [*to_broadcast(teller), *from_broadcast(teller)]


def half_deployment() -> list[Event]:
    return list(to_broadcast(Teller()))
