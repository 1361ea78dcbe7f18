"""Descriptions in files of this server, for `kadeploy -a server:///PATH`, as Kadeploy3's tools took them.

This is no way to read files: only those that images may be read from, for the same users, and of these only what is the
description of an environment. Of any other file nothing is told, also not by what is wrong with it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Final

from kadeploy.domain.described import Description, Held, descriptions_in
from kadeploy.errors import Faults, InvalidFile
from kadeploy.operations.caller import Caller
from kadeploy.operations.reader import reader_of
from kadeploy.ports.files import FileOrder, Texts

LARGEST: Final = 256 * 1024  # bytes
_LINE: Final = re.compile(r"(line \d+, column \d+): ")
_WANTED: Final = "it must be YAML that says at least name and image.file"


class DescriptionFiles:
    """The use case."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    async def read(self, caller: Caller, url: str) -> Sequence[Description]:
        """All of the file, at least one. Raises InvalidFile."""
        content = await self._texts.read(FileOrder(url=url, reader=reader_of(caller), limit=LARGEST))
        held = await asyncio.to_thread(_held, content, url)
        if held.faults or not all(_describes(entry) for _, entry in held.found):
            raise InvalidFile(f"{url} is not the description of an environment", hint=_WANTED)
        return [entry for _, entry in held.found]


def _held(content: bytes, url: str) -> Held:
    try:
        return descriptions_in(content.decode(), url, trusted=False)
    except UnicodeDecodeError as error:
        raise InvalidFile(f"{url} is not the description of an environment", hint="it is not text in UTF-8") from error
    except Faults as error:
        # What the parser says quotes the text; where it stopped does not.
        found = _LINE.match(error.faults[0])
        where = f" (not YAML at {found.group(1)})" if found else ""
        raise InvalidFile(f"{url} is not the description of an environment{where}", hint=_WANTED) from error


def _describes(entry: Description) -> bool:
    """By what every description has and hardly another file."""
    image = entry.get("image")
    named = entry.get("name")
    return isinstance(named, str) and isinstance(image, Mapping) and isinstance(image.get("file"), str)
