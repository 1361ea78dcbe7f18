"""The keys of an environment's description, as pydantic models: Kadeploy3's, with zstd, lz4 and none added.

What one key asks of another is in `requirements.py`. The descriptions of the fields are the reference's.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema, field_validator

from kadeploy.config.decode import Section
from kadeploy.config.variables import Variables
from kadeploy.domain.checksum import parse_checksum
from kadeploy.domain.environment import OsKind, Visibility
from kadeploy.domain.environment_name import SYNONYMS, Architecture
from kadeploy.domain.image import Compression, ImageKind

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_DEVICE: Final = re.compile(r"(?:/dev/)?([A-Za-z0-9_][A-Za-z0-9_.:+-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.:+-]*)*)\Z")
_TYPE: Final = re.compile(r"(0[xX])?[0-9a-fA-F]{1,4}\Z")
SCHEMES: Final = ("server", "http", "https", "s3", "upload", "local")
LONGEST: Final = 255  # characters of a name or a file


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be one line without control characters")
    return value


def _name(value: str) -> str:
    if value != value.strip():
        raise ValueError("must not begin or end with a space")
    if "%" in value:
        raise ValueError("must not hold %, which stands for any text when environments are searched")
    return _one_line(value)


def _file(value: str) -> str:
    found = _SCHEME.match(value)
    if found and found.group(1).lower() not in SCHEMES:
        raise ValueError(f"must be server:///PATH, http://… or https://…, not {value!r}")
    if found and found.group(1).lower() == "server" and not value.startswith("server:///"):
        raise ValueError(f"must be server:/// and an absolute path, not {value!r}")
    return _one_line(value)


def _path_inside(value: str) -> str:
    if ".." in value.split("/"):
        raise ValueError("must not leave the image with ..")
    text = _one_line(value)
    return text if not text or text.startswith("/") else f"/{text}"


def _alias(value: str) -> str:
    if any(sign in value for sign in "@:/"):
        raise ValueError("must not hold @, : or /, which part it from an owner, a version and an architecture")
    return _name(value)


def _device(value: str) -> str:
    found = _DEVICE.match(value)
    if value and found is None:
        raise ValueError(f"must be a device such as sda1 or /dev/nvme0n1p2, not {value!r}")
    return f"/dev/{found.group(1)}" if found else ""


def _architecture(value: object) -> object:
    return SYNONYMS.get(value, value) if isinstance(value, str) else value


def _partition_type(value: object) -> object:
    """131 is decimal; 0x83 and 8e are hexadecimal."""
    if value is None or value == "":
        return 0
    text = str(value)
    if isinstance(value, bool | float) or not _TYPE.match(text):
        raise ValueError(f"must be a number such as 131 or 0x83, not {value!r}")
    return int(text) if text.isdecimal() else int(text, 16)


def _nothing_is_empty(value: object) -> object:
    return "" if value is None else value


OneLine = Annotated[str, Field(max_length=4096), BeforeValidator(_nothing_is_empty), AfterValidator(_one_line)]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(_name)]
File = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_file)]
PathInside = Annotated[str, Field(max_length=1024), BeforeValidator(_nothing_is_empty), AfterValidator(_path_inside)]
FileSystem = Annotated[str, Field(max_length=32), BeforeValidator(_nothing_is_empty), AfterValidator(_one_line)]
Arch = Annotated[Architecture | None, BeforeValidator(_architecture)]
Checksum = Annotated[str, BeforeValidator(_nothing_is_empty), AfterValidator(parse_checksum)]
Path = Annotated[str, Field(max_length=255), BeforeValidator(_nothing_is_empty), AfterValidator(_device)]


class ImageSection(Section):
    """The file that is put on the nodes."""

    file: File
    """Where it is: `server:///PATH`, `http://…` or `https://…`, or a path on the client's machine."""
    kind: ImageKind
    """`tar` is unpacked into a file system, `dd` is written as it is, `fsa` is fsarchiver's."""
    compression: Annotated[
        Compression | int,
        Field(validate_default=True),
        WithJsonSchema({"anyOf": [{"enum": list(Compression)}, {"type": "integer", "minimum": 0, "maximum": 9}]}),
    ] = Compression.NONE
    """How it is compressed; required for tar and dd. For fsa it is fsarchiver's level, 0 to 9."""
    checksum: Checksum = ""
    """The SHA-256 that the file must have. Without it the file is taken as it is found, and its SHA-256 recorded."""

    @field_validator("compression", mode="plain")
    @classmethod
    def _compression_by_kind(cls, given: object, info: ValidationInfo) -> Compression | int:
        if given is Compression.NONE:
            return Compression.NONE  # none is given: what asks for one are the requirements
        if info.data.get("kind") is ImageKind.FSA:
            if isinstance(given, bool) or str(given) not in list("0123456789"):
                raise ValueError(f"must be 0 to 9 for an fsa image, not {given!r}")
            return int(str(given))
        if given not in list(Compression):
            raise ValueError(f"must be {', '.join(Compression)}, not {given!r}")
        return Compression(str(given))


class ArchiveSection(Section):
    """An archive of scripts, unpacked on every node."""

    archive: File
    """Where it is, as for the image."""
    compression: Compression
    """How the tar archive is compressed."""
    script: OneLine = "none"
    """What is run in it: a path inside the archive, with arguments; `none` only unpacks it."""
    checksum: Checksum = ""
    """The SHA-256 that the file must have, as for the image."""


class BootSection(Section):
    """How what is installed is started. The paths are inside the image."""

    kernel: PathInside = ""
    """The kernel; required for tar."""
    initrd: PathInside = ""
    """Its initial RAM disk."""
    kernel_params: OneLine = ""
    """Arguments for the kernel, added to those of the cluster."""
    hypervisor: PathInside = ""
    """The hypervisor; required for tar with `os: xen`."""
    hypervisor_params: OneLine = ""
    """Arguments for the hypervisor."""
    block_device: Path = ""
    """With multipart: the disk that is booted."""
    partition: Annotated[int, Field(ge=1, le=128)] | None = None
    """With multipart: the number of the partition that is booted."""


class PartitionMap(Section):
    """Where one file system of the archive goes."""

    id: Annotated[int, Field(ge=0, le=127)]
    """The file system's number in the archive."""
    device: Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_device)]
    """The partition it is restored to: `sda1`, `/dev/nvme0n1p2`."""


class Options(Section):
    """What only some kinds of image need."""

    partitions: tuple[PartitionMap, ...] = ()
    """Which file system of an fsa archive goes where; ids and devices are unique. Required with multipart."""


class Description(Section):
    """An environment: an image, and how to install and boot it."""

    name: Name
    """Its name; spaces and any letters are allowed, `%` is not."""
    version: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1
    """Its version; the highest is meant when nobody says which."""
    description: Annotated[str, Field(max_length=10_000), BeforeValidator(_nothing_is_empty)] = ""
    """What it is, for people."""
    author: OneLine = ""
    """Whom to ask about it."""
    alias: Annotated[str, Field(max_length=LONGEST), BeforeValidator(_nothing_is_empty), AfterValidator(_alias)] = ""
    """A second name, which the same system for other processors may have as well."""
    arch: Arch = None
    """The processors it is for. It is not deployed to clusters whose file names another one."""
    user: OneLine = ""
    """Whose it is; only administrators may record for others."""
    visibility: Visibility = Visibility.PRIVATE
    """`private`: the owner; `shared`: whoever names the owner; `public`: everybody, which administrators decide."""
    destructive: bool = False
    """Whether deploying it damages the disk's layout (`kareboot -c` refuses such nodes)."""
    os: OsKind
    """What it runs: it decides about kexec, swap and the boot loader."""
    image: ImageSection
    """The file that is put on the nodes."""
    preinstall: ArchiveSection | None = None
    """Scripts that run before, in place of Kadeploy's partitioning."""
    postinstalls: tuple[ArchiveSection, ...] | None = None
    """Scripts that run in what was installed, in this order."""
    boot: BootSection = BootSection()
    """How it is started."""
    filesystem: FileSystem = ""
    """The file system that is made for it, such as `ext4`; required for tar."""
    partition_type: Annotated[
        int,
        BeforeValidator(_partition_type),
        WithJsonSchema(
            {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^(0[xX])?[0-9a-fA-F]{1,4}$"}]}
        ),
    ] = 0
    """The partition's MSDOS type: 131, `0x83` and `8e` are all understood."""
    multipart: bool = False
    """Whether an fsa image holds several file systems, which `options.partitions` sends to their places."""
    options: Options | None = None
    """What only some kinds of image need."""
    custom_variables: Variables = Field(default_factory=dict)
    """Variables for the scripts on the nodes, beside Kadeploy's own."""
    kind: Literal["anonymous", "database"] | None = None
    """Part of a request that carries a description; nothing of it is kept."""
