"""`Wanted`: what the tables of a plan are made from, and the questions they ask of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kadeploy.domain.disk import Role
from kadeploy.domain.environment import Archive, Part
from kadeploy.domain.exported import EXTRACTION, SCRIPTS, Exported, exported
from kadeploy.domain.image import ImageKind, LocalFile
from kadeploy.domain.node import Cluster
from kadeploy.domain.request import DeployRequest
from kadeploy.domain.timeout import Timeout
from kadeploy.steps.run_archives import ScriptArchive

TREE: Final = EXTRACTION
STORED: Final = f"{SCRIPTS}/image"  # an image that is not unpacked on its way, in the node's memory
NOT_PINNED: Final = LocalFile(path="", size=0, sha256="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """`root` is the number of the partition that is deployed, None when it is the whole disk."""

    request: DeployRequest
    cluster: Cluster
    root: int | None

    @property
    def number(self) -> int:
        """The partition that is deployed; 0 for the whole disk, where no step asks."""
        return self.root or 0

    @property
    def kind(self) -> ImageKind:
        return self.request.environment.image.kind

    @property
    def params(self) -> str:
        """The cluster's kernel arguments and the environment's, merged."""
        return f"{self.cluster.user_params} {self.request.environment.boot.kernel_params}".strip()

    @property
    def boots_another(self) -> bool:
        """The request names another partition to boot than the one that is deployed."""
        return self.root is not None and self.request.boot_partition not in (None, 0, self.root)

    @property
    def is_readable(self) -> bool:
        """The minimal environment can mount what is deployed."""
        return self.root is not None and self.request.environment.filesystem in self.cluster.supported_fs

    @property
    def is_stored(self) -> bool:
        """The image goes to a file on the node first."""
        return self.kind is ImageKind.FSA

    @property
    def reboot_timeout(self) -> Timeout:
        return self.request.reboot_timeout or self.cluster.reboot_timeout

    @property
    def kexec_timeout(self) -> Timeout:
        return self.request.kexec_timeout or self.cluster.kexec_timeout

    @property
    def before(self) -> tuple[Archive, ...]:
        """The archives of UntrustedCustomPreInstall: the environment's, else the cluster's."""
        own = self.request.environment.preinstall
        return (own,) if own is not None else self.cluster.preinstalls

    @property
    def exported(self) -> Exported:
        """What scripts on the nodes are told."""
        request = self.request
        return exported(
            self.cluster,
            request.environment,
            partition=self.root,
            tmp_filesystem=request.reformat_tmp,
            defined=request.custom_variables,
        )

    def partition_of(self, role: Role) -> int | None:
        """The partition with that role, unless it is the one being deployed."""
        number = self.cluster.layout.number_of(role)
        return None if number == self.root else number

    def tmp_filesystem(self) -> str:
        number = self.partition_of(Role.TMP)
        own = self.cluster.layout.partition(number).filesystem if number is not None else ""
        return self.request.reformat_tmp or own or "ext4"

    def scripts(self, archives: tuple[Archive, ...]) -> tuple[ScriptArchive, ...]:
        files: Mapping[str, LocalFile] = self.request.files
        return tuple(ScriptArchive(file=files.get(one.archive, NOT_PINNED), script=one.script) for one in archives)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Where the file systems of an archive go; of a single one, which has no device named, the first that the
        description lists, else the first."""
        environment = self.request.environment
        if environment.multipart:
            return environment.parts
        return (Part(id=environment.parts[0].id if environment.parts else 0, device=""),)
