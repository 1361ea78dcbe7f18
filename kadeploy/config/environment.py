"""The keys of an environment's description, as pydantic models: Kadeploy3's, with zstd, lz4 and none added."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from kadeploy.config.decode import Section
from kadeploy.config.variables import Variables
from kadeploy.domain.environment import OsKind, Visibility
from kadeploy.domain.image import Compression, ImageKind

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_SHA256: Final = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})\Z")
SCHEMES: Final = ("server", "http", "https", "local")
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


def _checksum(value: str) -> str:
    found = _SHA256.match(value)
    if value and found is None:
        raise ValueError("must be a SHA-256 in hexadecimal: 64 digits")
    return found.group(1).lower() if found else ""


def _nothing_is_empty(value: object) -> object:
    return "" if value is None else value


OneLine = Annotated[str, BeforeValidator(_nothing_is_empty), AfterValidator(_one_line), Field(max_length=4096)]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(_name)]
File = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_file)]
PathInside = Annotated[str, BeforeValidator(_nothing_is_empty), AfterValidator(_path_inside), Field(max_length=1024)]


class ImageSection(Section):
    """`compression` of fsa is fsarchiver's level, 0 to 9. `checksum` is ours: the SHA-256 the file must have."""

    file: File
    kind: ImageKind
    compression: Annotated[Compression | int, Field(validate_default=True)] = Compression.NONE
    checksum: Annotated[str, AfterValidator(_checksum)] = ""

    @field_validator("compression", mode="plain")
    @classmethod
    def _compression_by_kind(cls, given: object, info: ValidationInfo) -> Compression | int:
        kind = info.data.get("kind")
        if kind is ImageKind.FSA:
            if isinstance(given, bool) or str(given) not in "0123456789":
                raise ValueError(f"must be 0 to 9 for an fsa image, not {given!r}")
            return int(str(given))
        if given is Compression.NONE and kind is not None:
            raise ValueError(f"is required: {', '.join(Compression)}")
        if given not in list(Compression):
            raise ValueError(f"must be {', '.join(Compression)}, not {given!r}")
        return Compression(str(given))


class ArchiveSection(Section):
    archive: File
    compression: Compression
    script: OneLine = "none"


class BootSection(Section):
    """`block_device` and `partition` say what boots when the image has several partitions."""

    kernel: PathInside = ""
    initrd: PathInside = ""
    kernel_params: OneLine = ""
    hypervisor: PathInside = ""
    hypervisor_params: OneLine = ""
    block_device: OneLine = ""
    partition: Annotated[int, Field(ge=0)] | None = None


class PartitionMap(Section):
    id: Annotated[int, Field(ge=0)]
    device: Annotated[str, Field(min_length=1)]


class Options(Section):
    partitions: tuple[PartitionMap, ...] = ()


class Description(Section):
    """The whole description. What one key asks of another is in `combined_faults`."""

    name: Name
    version: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1
    description: Annotated[str, BeforeValidator(_nothing_is_empty), Field(max_length=10_000)] = ""
    author: OneLine = ""
    user: OneLine = ""
    visibility: Visibility = Visibility.PRIVATE
    destructive: bool = False
    os: OsKind
    image: ImageSection
    preinstall: ArchiveSection | None = None
    postinstalls: tuple[ArchiveSection, ...] | None = None
    boot: BootSection = BootSection()
    filesystem: Annotated[OneLine, Field(max_length=32)] = ""
    partition_type: int | str = 0
    multipart: bool = False
    options: Options = Options()
    custom_variables: Variables = Field(default_factory=dict)
    kind: Literal["anonymous", "database"] | None = None

    @property
    def partition_type_number(self) -> int:
        """131 is decimal, 0x83 and 8e are hexadecimal."""
        text = str(self.partition_type)
        return int(text) if text.isdecimal() else int(text, 16)

    @model_validator(mode="after")
    def _partition_type_is_a_number(self) -> Self:
        if isinstance(self.partition_type, str) and not re.fullmatch(r"(0x)?[0-9a-fA-F]{1,4}", self.partition_type):
            raise ValueError(f"partition_type: must be a number such as 131 or 0x83, not {self.partition_type!r}")
        return self
