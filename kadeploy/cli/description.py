"""An environment's description as a user gives it, in a file or at a URL: `kadeploy -a`, `kaenv -a`.

What is in it is judged by the server, which says everything that is wrong at once. Here is checked only what the
server cannot see: that the file can be read, and that it names no file of this machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from kadeploy.cli.client import fetch_text
from kadeploy.errors import Faults, InvalidFile, Unavailable

Description = Mapping[str, object]


def read_description(place: str) -> Description:
    """Raises InvalidFile, or Faults with every file the server could not reach."""
    try:
        content = yaml.safe_load(_text(place))
    except yaml.YAMLError as error:
        raise InvalidFile(f"-a {place}: is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise InvalidFile(f"-a {place}: is not the description of an environment (keys and values)")
    faults = [f"-a {place}: {fault}" for fault in _unreachable(content)]
    if faults:
        raise Faults(faults)
    return content


def _text(place: str) -> str:
    if place.startswith("server://"):
        raise InvalidFile(f"-a {place}: a description is read by this tool", hint="give a file or an http(s) address")
    try:
        if place.startswith(("http://", "https://")):
            return fetch_text(place)
        return Path(place.removeprefix("local://")).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, Unavailable) as error:
        raise InvalidFile(f"-a {place}: cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _unreachable(content: Description) -> Iterator[str]:
    for where, file in _files(content):
        if isinstance(file, str) and ("://" not in file or file.startswith("local:")):
            remedy = "write server:///PATH for a file on the server, or an http(s) address"
            yield f"{where}: {file} is a file of this machine, which the server cannot reach ({remedy})"


def _files(content: Description) -> Iterator[tuple[str, object]]:
    image, before, after = content.get("image"), content.get("preinstall"), content.get("postinstalls")
    if isinstance(image, dict):
        yield "image.file", image.get("file")
    if isinstance(before, dict):
        yield "preinstall.archive", before.get("archive")
    for index, entry in enumerate(after if isinstance(after, list) else ()):
        if isinstance(entry, dict):
            yield f"postinstalls[{index}].archive", entry.get("archive")
