"""`Environment`: a versioned, owned description of an image and of how to boot it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kadeploy.domain.environment_name import Architecture
from kadeploy.domain.image import Compression, Image


class Visibility(StrEnum):
    """`private`: the owner; `shared`: whoever names the owner; `public`: everybody."""

    PRIVATE = "private"
    SHARED = "shared"
    PUBLIC = "public"


class OsKind(StrEnum):
    LINUX = "linux"
    XEN = "xen"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Scripts run before or after the installation; `script` may carry arguments, `checksum` is as an image's."""

    archive: str
    compression: Compression
    script: str = "none"
    checksum: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelSpec:
    """Paths inside the image, and arguments."""

    kernel: str = ""
    initrd: str = ""
    kernel_params: str = ""
    hypervisor: str = ""
    hypervisor_params: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file system of an image of several: its number in the archive, and the partition it goes to (a path)."""

    id: int
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """`description` is the user's own mapping, with every key and their order, as it is shown back.

    `alias` is a second name, which the same system for other processors may have as well; `partition_type` is an
    MSDOS one; `custom_variables` are exported to scripts beside Kadeploy's own. With `multipart`, `parts` say where
    everything goes, and the partition `boot_partition` of the disk `boot_disk` (a path) is booted.
    """

    name: str
    version: int = 1
    user: str = ""
    alias: str = ""
    architecture: Architecture | None = None
    visibility: Visibility = Visibility.PRIVATE
    destructive: bool = False
    os: OsKind
    image: Image
    boot: KernelSpec = KernelSpec()
    filesystem: str = ""
    preinstall: Archive | None = None
    postinstalls: tuple[Archive, ...] = ()
    multipart: bool = False
    parts: tuple[Part, ...] = ()
    boot_disk: str = ""
    boot_partition: int = 0
    partition_type: int = 0
    custom_variables: Mapping[str, str] = field(default_factory=dict)
    recorded: bool = True
    description: Mapping[str, object] = field(default_factory=dict)

    def visible_to(self, user: str, *, named_owner: bool, admin: bool) -> bool:
        """Whether `user` may use it; `named_owner` when the request names whose it is."""
        if admin or user == self.user or self.visibility is Visibility.PUBLIC:
            return True
        return self.visibility is Visibility.SHARED and named_owner
