"""From an environment's description, as its author wrote it, to an `Environment`; everything wrong is told at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from kadeploy.config.decode import decode
from kadeploy.config.environment import ArchiveSection, BootSection, Description, ImageSection
from kadeploy.config.requirements import missing
from kadeploy.domain import yaml_text
from kadeploy.domain.environment import Archive, Environment, KernelSpec, Part
from kadeploy.domain.image import Compression, Image
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
    return Environment(
        name=read.name,
        version=read.version,
        user=user,
        alias=read.alias,
        architecture=read.arch,
        visibility=read.visibility,
        destructive=read.destructive,
        os=read.os,
        image=_image(read.image),
        boot=_boot(read.boot),
        filesystem=read.filesystem,
        preinstall=_archive(read.preinstall) if read.preinstall else None,
        postinstalls=tuple(_archive(entry) for entry in read.postinstalls or ()),
        multipart=read.multipart,
        parts=tuple(Part(id=one.id, device=one.device) for one in read.options.partitions) if read.options else (),
        boot_disk=read.boot.block_device,
        boot_partition=read.boot.partition or 0,
        partition_type=read.partition_type,
        custom_variables=read.custom_variables,
        recorded=recorded,
        description=written,
    )


def _image(section: ImageSection) -> Image:
    compression = section.compression
    return Image(
        file=section.file,
        kind=section.kind,
        compression=compression if isinstance(compression, Compression) else Compression.NONE,
        checksum=section.checksum,
    )


def _boot(section: BootSection) -> KernelSpec:
    return KernelSpec(
        kernel=section.kernel,
        initrd=section.initrd,
        kernel_params=section.kernel_params,
        hypervisor=section.hypervisor,
        hypervisor_params=section.hypervisor_params,
    )


def _archive(section: ArchiveSection) -> Archive:
    return Archive(
        archive=section.archive, compression=section.compression, script=section.script, checksum=section.checksum
    )


def _combined_faults(data: Mapping[str, object]) -> Iterator[str]:
    """What one key asks of another, from the raw mapping so that it is told beside the faults of single keys."""
    yield from missing(data)
    yield from _map_faults(_mapping(data.get("options")).get("partitions"))


def _map_faults(partitions: object) -> Iterator[str]:
    entries = [_mapping(entry) for entry in partitions] if isinstance(partitions, list) else []
    for key in ("id", "device"):
        values = [
            str(value).removeprefix("/dev/") if (value := entry.get(key)) is not None else None for entry in entries
        ]
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
