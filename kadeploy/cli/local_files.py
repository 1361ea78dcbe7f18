"""Files of this machine that a request names: found, and sent to the server, which cannot reach them.

They are named as Kadeploy3's tools have it, by a path or `local://`; relative ones are looked for where the tool runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, Final

from kadeploy.cli.client import Client, Json
from kadeploy.cli.progress_bar import Bar
from kadeploy.cli.upload import send_file
from kadeploy.errors import InvalidExport

_POSITIONS: Final = ("pre-ops", "substitute", "post-ops")
_LOCAL: Final = "local://"
PROMISED: Final = f"upload://{'0' * 12}"
"""What is to be sent, as the server calls it, which does not have it yet."""


def with_files_sent(client: Client, body: Json, *, lasting: bool = False) -> Json:
    """The request with each file of this machine sent, and named by what it is then called.

    `lasting` files are recorded, which not every server allows. Raises InvalidExport, InvalidFile.
    """
    if lasting and (refusal := refusal_to_keep(client, *(path for _, _, path in _places(dict(body))))):
        raise refusal

    @cache
    def sent(path: Path) -> str:
        with Bar(path.name) as bar:
            return send_file(client, path, bar)

    return _renamed(body, sent)


def with_files_promised(body: Json) -> Json:
    """The request as it will be when they are sent, but for what they are then called."""
    return _renamed(body, lambda path: f"upload://{'0' * 64}")


def _renamed(body: Json, called: Callable[[Path], str]) -> Json:
    changed: dict[str, Any] = deepcopy(dict(body))
    for holder, key, path in list(_places(changed)):
        holder[key] = called(path)
        if key == "file" and ("action" in holder or "destination" in holder):
            holder.setdefault("filename", path.name)
    return changed


def names_files(body: Json) -> bool:
    """Whether a request names a file of this machine."""
    return next(_places(dict(body)), None) is not None


def unreadable(content: Mapping[str, object]) -> Iterator[str]:
    """What a description names of this machine and is not there to be read."""
    for holder, key, path in _of_description(content):
        if not path.is_file():
            yield f"{holder.get(key)}: there is no such file on this machine"


def local_names(content: Mapping[str, object]) -> list[str]:
    """What a description names of this machine, as it names it."""
    return [str(holder.get(key)) for holder, key, _ in _of_description(content)]


def _places(body: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, Path]]:
    """Every mapping, key and path of a file of this machine."""
    if isinstance(environment := body.get("environment"), dict):
        yield from _of_description(environment)
    if isinstance(boot := body.get("pxe"), dict):
        named = boot.get("files", {})
        yield from ((named, name, path) for name, file in named.items() if (path := local_path(file)) is not None)
    for operation in custom_operations(body.get("custom_operations")):
        if (path := local_path(operation.get("file"))) is not None:
            yield operation, "file", path


def _of_description(content: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str, Path]]:
    image, before, after = content.get("image"), content.get("preinstall"), content.get("postinstalls")
    holders = [(image, "file"), (before, "archive"), *((each, "archive") for each in after or () if after)]
    for holder, key in holders:
        if isinstance(holder, dict) and (path := local_path(holder.get(key))) is not None:
            yield holder, key, path


def custom_operations(content: object) -> Iterator[dict[str, Any]]:
    for micros in content.values() if isinstance(content, dict) else ():
        for places in micros.values() if isinstance(micros, dict) else ():
            for position in _POSITIONS:
                listed = places.get(position) if isinstance(places, dict) else None
                yield from (one for one in listed or () if isinstance(one, dict)) if isinstance(listed, list) else ()


def local_path(file: object) -> Path | None:
    """None for what is elsewhere."""
    if not isinstance(file, str) or not file or ("://" in file and not file.startswith(_LOCAL)):
        return None
    return Path(file.removeprefix(_LOCAL).removeprefix("local:")).expanduser().absolute()


def local_files(content: Mapping[str, object]) -> list[Path]:
    """What a description names of this machine."""
    return [path for _, _, path in _of_description(content)]


def refusal_to_keep(client: Client, *paths: Path) -> InvalidExport | None:
    """Why these cannot be recorded, if the server does not keep what is sent for that."""
    told = client.get("/uploads") if paths else {"for_environments": True}
    if isinstance(told, dict) and told.get("for_environments"):
        return None
    named = ", ".join(dict.fromkeys(map(str, paths)))
    return InvalidExport(
        f"{named}: on this machine, and this server keeps no uploads for recorded environments",
        hint="write server:///PATH or an http(s) address; kadeploy -a sends such files for one deployment",
    )
