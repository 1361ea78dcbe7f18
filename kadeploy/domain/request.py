"""What a user asked for, decoded: the input of the plan builder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kadeploy.domain.automaton import Automaton
from kadeploy.domain.awaited import WantedFile
from kadeploy.domain.boot import Profile
from kadeploy.domain.custom import Insertion
from kadeploy.domain.environment import Environment
from kadeploy.domain.image import LocalFile
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import Level, PowerAction
from kadeploy.domain.timeout import Timeout


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployRequest:
    """Install `environment`, whose image is `image` on this server, on `nodes`.

    `authorized_keys` is appended for root; `partition` is a partition number, None for the cluster's own, or for none
    with `whole_disk`, where `boot_partition` is then what boots (0: the disk's own boot sector). `files` are the other
    files it needs, by their URLs. `automaton` takes the place of the cluster's. `reformat_tmp` is the file system that
    the partition for /tmp gets. `custom_operations` come behind the cluster's own, `custom_variables` are told to
    scripts. `vlan` is where the nodes go for their last boot, `addresses` theirs in it. `wanted` is what must be
    fetched first; until then it is here by its tokens.
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
    files: Mapping[str, LocalFile] = field(default_factory=dict)
    automaton: Automaton | None = None
    whole_disk: bool = False
    boot_partition: int | None = None
    reformat_tmp: str = ""
    vlan: str = ""
    addresses: Mapping[str, str] = field(default_factory=dict)
    profile: Profile | None = None
    custom_operations: tuple[Insertion, ...] = ()
    custom_variables: Mapping[str, str] = field(default_factory=dict)
    wanted: tuple[WantedFile, ...] = ()


class RebootKind(StrEnum):
    """What the nodes come back into: what they boot anyway, a profile of the user's, the minimal environment, an
    environment installed before."""

    SIMPLE = "simple"
    SET_PXE = "set_pxe"
    DEPLOY_ENV = "deploy_env"
    RECORDED_ENV = "recorded_env"


@dataclass(frozen=True, slots=True, kw_only=True)
class RebootRequest:
    """`profile` is for set_pxe, `authorized_keys` and custom operations are for deploy_env, `partition` (else that of
    deployments) is for recorded_env; `wanted` as above."""

    nodes: NodeSet
    kind: RebootKind = RebootKind.SIMPLE
    level: Level = Level.SOFT
    partition: int | None = None
    authorized_keys: str = ""
    reboot_timeout: Timeout | None = None
    vlan: str = ""
    addresses: Mapping[str, str] = field(default_factory=dict)
    profile: Profile | None = None
    files: Mapping[str, LocalFile] = field(default_factory=dict)
    custom_operations: tuple[Insertion, ...] = ()
    custom_variables: Mapping[str, str] = field(default_factory=dict)
    wanted: tuple[WantedFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerRequest:
    nodes: NodeSet
    action: PowerAction
    level: Level = Level.HARD
