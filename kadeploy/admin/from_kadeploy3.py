"""What the rows of Kadeploy3's database mean: environments, rights, states of nodes, statistics.

`tarball` is `path|kind|md5`; `preinstall` and `postinstall` hold archives parted by commas, each such a text with its
script behind; `options` is YAML. Kinds are tgz, tbz2 and txz, with dd in front for dd images, and fsa with its level.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

from kadeploy.admin.mysql_dump import Row, Value
from kadeploy.config.description import Described, describe
from kadeploy.domain import yaml_text
from kadeploy.domain.rights import Right
from kadeploy.errors import Faults
from kadeploy.operations.caller import is_user_name

T = TypeVar("T")
_MD5: Final = re.compile(r"[0-9a-fA-F]{32}\Z")
_KIND: Final = re.compile(r"(?:(dd)|(tar)|(fsa))?\.?(t?gz(?:ip)?|t?bz2|bzip2|t?xz|t?zst|[0-9])?\Z")
_COMPRESSION: Final = {"gz": "gzip", "gzip": "gzip", "bz2": "bzip2", "bzip2": "bzip2", "xz": "xz", "zst": "zstd"}
_TRUE: Final = frozenset({"true", "1", "yes", "t"})
_LINE: Final = ("kernel", "initrd", "kernel_params", "hypervisor", "hypervisor_params")


def environment(row: Row) -> Described:
    """Raises Faults, with paths in the description and columns of the row."""
    values = row.values
    user, faults = text(values, "user"), [] if is_user_name(text(values, "user")) else [_no_user(values)]

    def of(column: str, read: Callable[[str], T]) -> T | None:
        try:
            return read(text(values, column))
        except Faults as error:
            faults.extend(error.faults)
            return None

    given: dict[str, object] = {
        "name": text(values, "name"),
        "version": of("version", lambda _: number(values, "version") or 1),
        "os": text(values, "environment_kind") or "linux",
        "image": of("tarball", _image),
        "visibility": text(values, "visibility") or "private",
        **{key: text(values, key) for key in ("description", "author", "filesystem")},
        "destructive": flag(values, "demolishing_env"),
        "multipart": flag(values, "multipart"),
        "partition_type": of("fdisk_type", _type),
        "preinstall": of("preinstall", lambda said: next(_archives(said, "preinstall"), None)),
        "postinstalls": of("postinstall", lambda said: list(_archives(said, "postinstall"))),
        "boot": {key: said for key in _LINE if (said := text(values, key))},
    }
    data = {key: value for key, value in given.items() if value}
    for key, value in (of("options", _options) or {}).items():
        data[key] = {**_mapping(data.get(key)), **value}
    if faults:
        raise Faults(faults)
    return describe(data, user=user)


def right(row: Row) -> Right:
    """Raises Faults."""
    user, node, part = (text(row.values, key) for key in ("user", "node", "part"))
    faults = [f"{key}: is empty" for key, value in (("node", node), ("part", part)) if not value]
    if not is_user_name(user):
        faults.append(_no_user(row.values))
    if faults:
        raise Faults(faults)
    return Right(user=user, node=node, partition=part)


def _no_user(values: Mapping[str, Value]) -> str:
    return f"user: {text(values, 'user')!r} is not a user's name"


def text(values: Mapping[str, Value], key: str) -> str:
    value = values.get(key)
    return "" if value is None else str(value).strip()


def number(values: Mapping[str, Value], key: str) -> int:
    """Raises Faults."""
    said = text(values, key)
    try:
        return int(float(said)) if said else 0
    except (ValueError, OverflowError) as error:
        raise Faults([f"{key}: must be a number, not {said!r}"]) from error


def flag(values: Mapping[str, Value], key: str) -> bool:
    return text(values, key).lower() in _TRUE


def _image(said: str) -> dict[str, object]:
    path, kind, checksum, _ = _fields(said)
    found = _KIND.match(kind)
    if not path or found is None or not kind:
        raise Faults([f"tarball: must be path|kind|md5, not {said!r}"])
    compression = (found[4] or "").removeprefix("t") if found[4] != "t" else ""
    image: dict[str, object] = {"file": path, "kind": "dd" if found[1] else "fsa" if found[3] else "tar"}
    if compression:
        image["compression"] = _COMPRESSION.get(compression, compression)
    elif found[3]:
        image["compression"] = 0
    return {**image, **({"checksum": checksum} if checksum else {})}


def _archives(said: str, column: str) -> Iterator[dict[str, object]]:
    """A comma inside of a script's arguments is told from one between archives by what follows it."""
    whole: list[str] = []
    for part in said.split(",") if said else ():
        if "|" in part or not whole:
            whole.append(part)
        else:
            whole[-1] += f",{part}"
    for one in whole:
        path, kind, checksum, script = _fields(one)
        compression = _COMPRESSION.get(kind.removeprefix("t"))
        if not path or compression is None:
            raise Faults([f"{column}: must be path|kind|md5|script, not {one!r}"])
        archive: dict[str, object] = {"archive": path, "compression": compression, "script": script or "none"}
        yield {**archive, **({"checksum": checksum} if checksum else {})}


def _fields(said: str) -> tuple[str, str, str, str]:
    """Path, kind, checksum, script; a checksum that is no MD5 is the ETag that a web server gave."""
    parts = [part.strip() for part in said.split("|")]
    path, kind, checksum, script = (*parts, "", "", "", "")[:4]
    if checksum and not _MD5.match(checksum):
        checksum = f"etag:{checksum}"
    return path, kind, f"md5:{checksum}" if _MD5.match(checksum) else checksum, script


def _type(said: str) -> str:
    """Hexadecimal there, also when it is all digits."""
    return f"0x{said.removeprefix('0x')}" if said.strip("0") else ""


def _options(said: str) -> dict[str, dict[str, Any]]:
    """`options.partitions` and, with multipart, what is booted. Keys may be Ruby's symbols."""
    if not said:
        return {}
    read = _plain(yaml_text.parse(said))
    if not isinstance(read, dict):
        if read:
            raise Faults([f"options: must be a mapping, not {said[:60]!r}"])
        return {}
    found: dict[str, dict[str, Any]] = {}
    if read.get("partitions"):
        found["options"] = {"partitions": read["partitions"]}
    boot = {key: read[key] for key in ("block_device", "partition") if read.get(key)}
    boot |= {key: value for key, value in _mapping(read.get("boot")).items() if key in ("block_device", "partition")}
    return {**found, **({"boot": boot} if boot else {})}


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key).removeprefix(":"): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
