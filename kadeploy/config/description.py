"""From an environment's description, as its author wrote it, to an `Environment`; everything wrong is told at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from kadeploy.config import yaml_text
from kadeploy.config.decode import decode
from kadeploy.config.environment import ArchiveSection, Description
from kadeploy.domain.environment import Archive, Environment, KernelSpec, OsKind
from kadeploy.domain.image import Compression, Image, ImageKind
from kadeploy.errors import Faults

_ASIDE: Final = frozenset({"user", "kind", "id"})  # keys of an API's answer, that come back when it is sent again


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """The environment, and what was strange but not wrong in its description."""

    environment: Environment
    warnings: tuple[str, ...] = ()


def describe_text(text: str | bytes, *, user: str, recorded: bool = True) -> Described:
    """From YAML text; raises Faults."""
    return describe(yaml_text.parse(text), user=user, recorded=recorded)


def describe(data: object, *, user: str, recorded: bool = True) -> Described:
    """From a mapping; raises Faults, each `path.to.key: what`. The owner is `user`, whatever the description says."""
    faults: list[str] = []
    plain = _plain(data, "", faults)
    decoded = decode(Description, plain)
    faults += decoded.faults
    if isinstance(plain, dict):
        faults += _combined_faults(plain)
    if faults or decoded.value is None or not isinstance(plain, dict):
        raise Faults([*faults, *decoded.warnings])
    written = {key: value for key, value in plain.items() if key not in _ASIDE}
    warnings = tuple(warning for warning in decoded.warnings if warning.partition(":")[0] not in _ASIDE)
    return Described(environment=_environment(decoded.value, written, user, recorded), warnings=warnings)


def _environment(read: Description, written: Mapping[str, object], user: str, recorded: bool) -> Environment:
    compression = read.image.compression
    return Environment(
        name=read.name,
        version=read.version,
        user=user,
        visibility=read.visibility,
        destructive=read.destructive,
        os=read.os,
        image=Image(
            file=read.image.file,
            kind=read.image.kind,
            compression=compression if isinstance(compression, Compression) else Compression.NONE,
            checksum=read.image.checksum,
        ),
        boot=KernelSpec(
            kernel=read.boot.kernel,
            initrd=read.boot.initrd,
            kernel_params=read.boot.kernel_params,
            hypervisor=read.boot.hypervisor,
            hypervisor_params=read.boot.hypervisor_params,
        ),
        filesystem=read.filesystem,
        preinstall=_archive(read.preinstall) if read.preinstall else None,
        postinstalls=tuple(_archive(entry) for entry in read.postinstalls or ()),
        multipart=read.multipart,
        partition_type=read.partition_type_number,
        custom_variables=read.custom_variables,
        recorded=recorded,
        description=written,
    )


def _archive(section: ArchiveSection) -> Archive:
    return Archive(archive=section.archive, compression=section.compression, script=section.script)


def _combined_faults(data: Mapping[str, object]) -> Iterator[str]:
    """What one key asks of another, from the raw mapping so that it is told beside the faults of single keys."""
    image, boot, options = (_mapping(data.get(key)) for key in ("image", "boot", "options"))
    if image.get("kind") == ImageKind.TAR:
        if not boot.get("kernel"):
            yield "boot.kernel: is required for a tar image"
        if not data.get("filesystem"):
            yield "filesystem: is required for a tar image"
        if data.get("os") == OsKind.XEN and not boot.get("hypervisor"):
            yield "boot.hypervisor: is required for a tar image with os: xen"
    if data.get("multipart") is True:
        if image.get("kind") in (ImageKind.TAR, ImageKind.DD):
            yield "multipart: is for fsa images only"
        for key in ("block_device", "partition"):
            if boot.get(key) in (None, ""):
                yield f"boot.{key}: is required when multipart is true"
        yield from _map_faults(options.get("partitions"))


def _map_faults(partitions: object) -> Iterator[str]:
    if not isinstance(partitions, list) or not partitions:
        yield "options.partitions: is required when multipart is true"
        return
    for key in ("id", "device"):
        values = [_mapping(entry).get(key) for entry in partitions]
        for index, value in enumerate(values):
            if value is not None and values.index(value) != index:
                yield f"options.partitions[{index}].{key}: {value} is given twice"


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _plain(value: object, place: str, faults: list[str]) -> object:
    """What JSON can carry of the value; the rest (YAML has sets, bytes, infinities, keys of any kind) is a fault."""
    if isinstance(value, Mapping):
        faults += [
            f"{place or 'description'}: the key {key!r} must be text" for key in value if not isinstance(key, str)
        ]
        inside = f"{place}." if place else ""
        return {key: _plain(value[key], f"{inside}{key}", faults) for key in value if isinstance(key, str)}
    if isinstance(value, list):
        return [_plain(inner, f"{place}[{index}]", faults) for index, inner in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        faults.append(f"{place}: {value} is not a number")
    elif value is not None and not isinstance(value, str | int | float | bool):
        faults.append(f"{place}: cannot be a {type(value).__name__}")
        return None
    return value
