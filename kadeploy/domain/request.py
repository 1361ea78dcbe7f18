"""What a user asked for, decoded: the input of the plan builder."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kadeploy.domain.environment import Environment
from kadeploy.domain.image import LocalFile
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import Level, PowerAction
from kadeploy.domain.timeout import Timeout


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployRequest:
    """Install `environment`, whose image is `image` on this server, on `nodes`.

    `authorized_keys` is appended for root; `partition` is a partition number, None for the cluster's own.
    """

    nodes: NodeSet
    environment: Environment
    image: LocalFile
    authorized_keys: str = ""
    partition: int | None = None
    disable_kexec: bool = False
    disable_bootloader_install: bool = False
    disable_disk_partitioning: bool = False
    reboot_timeout: Timeout | None = None
    kexec_timeout: Timeout | None = None


class RebootKind(StrEnum):
    SIMPLE = "simple"
    DEPLOY_ENV = "deploy_env"


@dataclass(frozen=True, slots=True, kw_only=True)
class RebootRequest:
    nodes: NodeSet
    kind: RebootKind = RebootKind.SIMPLE
    level: Level = Level.SOFT
    authorized_keys: str = ""
    reboot_timeout: Timeout | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerRequest:
    nodes: NodeSet
    action: PowerAction
    level: Level = Level.HARD
