"""The variables that scripts and custom operations find in their environment on a node.

Kadeploy3's names, every one of them always there (empty where it means nothing), and ours: the node's own name, the
user, the operation's id, and what the user defined. What is the same for all nodes of a plan is fixed when the plan is
built (`Exported`, a value that a step carries); what is a node's own is added when the step runs (`Exported.of`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from string import Template
from typing import Final

from kadeploy.domain.disk import Role, partition_path
from kadeploy.domain.environment import Environment
from kadeploy.domain.node import Cluster, Node

EXTRACTION: Final = "/mnt/dest"  # where the deployed partition is mounted while scripts run
SCRIPTS: Final = "/rambin"  # a directory in memory, for scripts and what comes with them
TEMPORARY: Final = "/tmp"

NAMES: Final[Mapping[str, str]] = {
    "KADEPLOY_CLUSTER": "the cluster's name",
    "KADEPLOY_ENV": "the environment's name",
    "KADEPLOY_ENV_KERNEL": "the kernel's path in the image",
    "KADEPLOY_ENV_INITRD": "the initrd's path in the image",
    "KADEPLOY_ENV_KERNEL_PARAMS": "the kernel arguments of the cluster and of the environment",
    "KADEPLOY_ENV_HYPERVISOR": "the hypervisor's path in the image",
    "KADEPLOY_ENV_HYPERVISOR_PARAMS": "the hypervisor's arguments",
    "KADEPLOY_OS_KIND": "linux, xen or other",
    "KADEPLOY_DEPLOY_PART": "the partition that is deployed, as a path in /dev; the disk when that is deployed whole",
    "KADEPLOY_DEPLOY_PART_NUM": "its number; empty when the disk is deployed whole",
    "KADEPLOY_BLOCK_DEVICE": "the disk, as a path in /dev",
    "KADEPLOY_SWAP_PART_NUM": "the number of the swap partition",
    "KADEPLOY_PROD_PART_NUM": "the number of the production partition",
    "KADEPLOY_TMP_PART_NUM": "the number of the partition for /tmp",
    "KADEPLOY_PART_TYPE": "the environment's MSDOS partition type, in hexadecimal",
    "KADEPLOY_FS_TYPE": "the file system of the deployed partition",
    "KADEPLOY_FS_TYPE_TMP": "the file system of the partition for /tmp",
    "KADEPLOY_ENV_EXTRACTION_DIR": "where the deployed partition is mounted",
    "KADEPLOY_PREPOST_EXTRACTION_DIR": "the directory of scripts and of what comes with them",
    "KADEPLOY_TMP_DIR": "a directory for anything",
    "KADEPLOY_NODE": "the node's own name",
    "KADEPLOY_USER": "who asked for the operation",
    "KADEPLOY_OPERATION": "the operation's id",
}
PREFIX: Final = "KADEPLOY_"
LONGEST: Final = 8192  # characters of a value that a user defines
MOST: Final = 100  # variables that a user defines

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """`shared` holds what is the same on every node; `partition` is the number of the partition that is deployed,
    None for the whole disk; `block_device` the disk asked for, empty for each node's own."""

    shared: Mapping[str, str] = field(default_factory=dict)
    partition: int | None = None
    block_device: str = ""

    @property
    def names(self) -> frozenset[str]:
        return frozenset((*NAMES, *self.shared))

    def of(self, node: Node, *, operation: str, user: str) -> dict[str, str]:
        """Every variable on that node."""
        disk = self.block_device or node.block_device
        return {
            **dict.fromkeys(NAMES, ""),
            **self.shared,
            "KADEPLOY_BLOCK_DEVICE": disk,
            "KADEPLOY_DEPLOY_PART": disk if self.partition is None else partition_path(disk, self.partition),
            "KADEPLOY_NODE": node.name,
            "KADEPLOY_USER": user,
            "KADEPLOY_OPERATION": operation,
        }


def exported(
    cluster: Cluster,
    environment: Environment | None = None,
    *,
    partition: int | None,
    block_device: str = "",
    tmp_filesystem: str = "",
    defined: Mapping[str, str] | None = None,
) -> Exported:
    """What a plan's scripts are told. `environment` is None where none is deployed; `tmp_filesystem` is the one asked
    for, else the layout's; `defined` is what the request defines, which wins over what the environment does."""
    layout = cluster.layout
    tmp = layout.number_of(Role.TMP)
    shared = {
        "KADEPLOY_CLUSTER": cluster.name,
        "KADEPLOY_DEPLOY_PART_NUM": _text(partition),
        "KADEPLOY_SWAP_PART_NUM": _text(layout.number_of(Role.SWAP)),
        "KADEPLOY_PROD_PART_NUM": _text(layout.number_of(Role.PROD)),
        "KADEPLOY_TMP_PART_NUM": _text(tmp),
        "KADEPLOY_FS_TYPE_TMP": tmp_filesystem or (layout.partition(tmp).filesystem if tmp is not None else ""),
        "KADEPLOY_ENV_EXTRACTION_DIR": EXTRACTION,
        "KADEPLOY_PREPOST_EXTRACTION_DIR": SCRIPTS,
        "KADEPLOY_TMP_DIR": TEMPORARY,
        **(_of_environment(environment, cluster) if environment is not None else {}),
        **(defined or {}),
    }
    return Exported(shared=shared, partition=partition, block_device=block_device)


def variable_faults(defined: Mapping[str, str], place: str) -> Iterator[str]:
    """What is wrong with variables that a user defines, each as `place.NAME: what`."""
    if len(defined) > MOST:
        yield f"{place}: at most {MOST} variables can be defined, not {len(defined)}"
    for name, value in defined.items():
        if not _NAME.match(name):
            yield f"{place}.{name}: is no name of a variable: letters, digits and _ only, no digit first"
        elif name.startswith(PREFIX):
            yield f"{place}.{name}: names that begin with {PREFIX} are Kadeploy's own"
        if "\0" in value:
            yield f"{place}.{name}: must not hold a null character"
        if len(value) > LONGEST:
            yield f"{place}.{name}: must have at most {LONGEST} characters"


def substitute(text: str, variables: Mapping[str, str]) -> str:
    """`$NAME` and `${NAME}` replaced, `$$` for a dollar; what is no known variable stays as it is written."""
    return Template(text).safe_substitute(variables)


def unknown_variables(text: str, names: frozenset[str]) -> tuple[str, ...]:
    """The variables in a text for `substitute` that would stay as they are written."""
    return tuple(name for name in Template(text).get_identifiers() if name not in names)


def _of_environment(environment: Environment, cluster: Cluster) -> dict[str, str]:
    boot = environment.boot
    return {
        "KADEPLOY_ENV": environment.name,
        "KADEPLOY_ENV_KERNEL": boot.kernel,
        "KADEPLOY_ENV_INITRD": boot.initrd,
        "KADEPLOY_ENV_KERNEL_PARAMS": f"{cluster.user_params} {boot.kernel_params}".strip(),
        "KADEPLOY_ENV_HYPERVISOR": boot.hypervisor,
        "KADEPLOY_ENV_HYPERVISOR_PARAMS": boot.hypervisor_params,
        "KADEPLOY_OS_KIND": environment.os.value,
        "KADEPLOY_PART_TYPE": f"{environment.partition_type:x}",
        "KADEPLOY_FS_TYPE": environment.filesystem,
        **environment.custom_variables,
    }


def _text(number: int | None) -> str:
    return "" if number is None else str(number)
