"""Environments as rows, and back: identity in columns, the rest as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from sqlalchemy import RowMapping

from kadeploy.domain.environment import Archive, Environment, KernelSpec, OsKind, Part, Visibility
from kadeploy.domain.environment_name import Architecture
from kadeploy.domain.image import Compression, Image, ImageKind


def environment_row(environment: Environment) -> dict[str, object]:
    content: dict[str, object] = {
        "architecture": environment.architecture,
        "visibility": environment.visibility.value,
        "destructive": environment.destructive,
        "os": environment.os.value,
        "image": asdict(environment.image),
        "boot": asdict(environment.boot),
        "filesystem": environment.filesystem,
        "preinstall": None if environment.preinstall is None else asdict(environment.preinstall),
        "postinstalls": [asdict(archive) for archive in environment.postinstalls],
        "multipart": environment.multipart,
        "parts": [asdict(part) for part in environment.parts],
        "boot_disk": environment.boot_disk,
        "boot_partition": environment.boot_partition,
        "partition_type": environment.partition_type,
        "custom_variables": dict(environment.custom_variables),
    }
    return {
        "user": environment.user,
        "name": environment.name,
        "version": environment.version,
        "alias": environment.alias,
        "content": content,
        "description": dict(environment.description),
    }


def environment_from(row: RowMapping) -> Environment:
    content = row["content"]
    return Environment(
        name=row["name"],
        version=row["version"],
        user=row["user"],
        alias=row["alias"],
        architecture=Architecture(content["architecture"]) if content.get("architecture") else None,
        visibility=Visibility(content["visibility"]),
        destructive=content["destructive"],
        os=OsKind(content["os"]),
        image=_image(content["image"]),
        boot=KernelSpec(**content["boot"]),
        filesystem=content["filesystem"],
        preinstall=None if content["preinstall"] is None else _archive(content["preinstall"]),
        postinstalls=tuple(_archive(archive) for archive in content["postinstalls"]),
        multipart=content["multipart"],
        parts=tuple(Part(**part) for part in content.get("parts", ())),
        boot_disk=content.get("boot_disk", ""),
        boot_partition=content.get("boot_partition", 0),
        partition_type=content["partition_type"],
        custom_variables=content["custom_variables"],
        recorded=True,
        description=row["description"],
    )


def _image(data: Mapping[str, Any]) -> Image:
    return Image(
        file=data["file"],
        kind=ImageKind(data["kind"]),
        compression=Compression(data["compression"]),
        checksum=data["checksum"],
    )


def _archive(data: Mapping[str, Any]) -> Archive:
    return Archive(
        archive=data["archive"],
        compression=Compression(data["compression"]),
        script=data["script"],
        checksum=data.get("checksum", ""),
    )
