"""States of a node and of an operation, with the words Kadeploy3's clients know."""

from __future__ import annotations

from enum import StrEnum


class OperationKind(StrEnum):
    """`prefix` begins the operation's id."""

    DEPLOYMENT = "deployment"
    REBOOT = "reboot"
    POWER = "power"

    @property
    def prefix(self) -> str:
        return {"deployment": "D-", "reboot": "R-", "power": "P-"}[self.value]


class OperationState(StrEnum):
    """All but the first two are final. One that is queued waits for nodes that others have."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    ABORTED = "aborted"
    ERROR = "error"

    @property
    def is_final(self) -> bool:
        return self not in (OperationState.QUEUED, OperationState.RUNNING)


class Progress(StrEnum):
    """What has become of one node in one operation; values are Kadeploy3's. The first two are not the end."""

    PROCESSING = "processing"
    HELD = "brk"
    OK = "ok"
    KO = "ko"
    ABORTED = "aborted"

    @property
    def is_final(self) -> bool:
        return self not in (Progress.PROCESSING, Progress.HELD)


class NodeState(StrEnum):
    """What the database says a node is; values are Kadeploy3's but the last.

    One that ends in `ing` is busy, and one that is held at a breakpoint is its operation's, too.
    """

    DEPLOYING = "deploying"
    DEPLOYED = "deployed"
    DEPLOY_FAILED = "deploy_failed"
    REBOOTING = "rebooting"
    REBOOTED = "rebooted"
    REBOOT_FAILED = "reboot_failed"
    POWERING = "powering"
    POWERED = "powered"
    POWER_FAILED = "power_failed"
    DEPLOY_ENV = "deploy_env"
    RECORDED_ENV = "recorded_env"
    ABORTED = "aborted"
    HELD = "held"


BUSY = {
    OperationKind.DEPLOYMENT: NodeState.DEPLOYING,
    OperationKind.REBOOT: NodeState.REBOOTING,
    OperationKind.POWER: NodeState.POWERING,
}
SUCCEEDED = {
    OperationKind.DEPLOYMENT: NodeState.DEPLOYED,
    OperationKind.REBOOT: NodeState.REBOOTED,
    OperationKind.POWER: NodeState.POWERED,
}
FAILED = {
    OperationKind.DEPLOYMENT: NodeState.DEPLOY_FAILED,
    OperationKind.REBOOT: NodeState.REBOOT_FAILED,
    OperationKind.POWER: NodeState.POWER_FAILED,
}
