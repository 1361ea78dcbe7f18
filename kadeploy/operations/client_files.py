"""Files on the machine of the client, which serves them over HTTP while its request is worked on.

Kadeploy3's tools name such a file by its path alone, and their own file server as `client`: the file is then there,
under its path in URL-safe base64. `client+` before that URL says whose server it is: nobody vouches for it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

from kadeploy.domain.custom import CustomOperation, Insertion
from kadeploy.domain.environment import Environment
from kadeploy.errors import InvalidExport
from kadeploy.operations.gathering import Gathering

_LOCAL: Final = "local:"
_ELSEWHERE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_SERVER: Final = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?/?")


def is_of_client(file: str) -> bool:
    """Whether it has no scheme, or the client's own."""
    return file.startswith(_LOCAL) or not _ELSEWHERE.match(file)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFiles:
    """`server` is what the request calls `client`, empty for a client that serves nothing."""

    server: str = ""

    def url(self, place: str, file: str) -> str:
        """The file as `ports.files` wants it named; `place` is who names it here. Raises InvalidExport."""
        if not is_of_client(file):
            return file
        path = file.removeprefix(_LOCAL)
        path = path.removeprefix("//") if path.startswith("///") else path
        if not self.server:
            raise InvalidExport(
                f"{place}: {file} is on the client's machine, and the client does not serve it",
                hint="write server:///PATH or http(s)://…",
            )
        if not _SERVER.fullmatch(self.server):
            raise InvalidExport(f"client: must be http://HOST:PORT or https://HOST:PORT, not {self.server!r}")
        if not path.startswith("/") or "\0" in path:
            raise InvalidExport(f"{place}: {file} must be an absolute path on the client's machine")
        return f"client+{self.server.rstrip('/')}/{base64.urlsafe_b64encode(path.encode()).decode()}"

    def environment(self, environment: Environment) -> Environment:
        """The same with the client's files where they are. Raises InvalidExport naming all that cannot be had."""
        gathering = Gathering()
        reached: dict[str, str] = {}
        for place, file in files(environment):
            with gathering:
                reached[place] = self.url(place, file)
        gathering.settle()
        before = environment.preinstall
        return replace(
            environment,
            image=replace(environment.image, file=reached["image.file"]),
            preinstall=replace(before, archive=reached["preinstall.archive"]) if before else None,
            postinstalls=tuple(
                replace(archive, archive=reached[f"postinstalls[{index}].archive"])
                for index, archive in enumerate(environment.postinstalls)
            ),
        )

    def insertions(self, insertions: Sequence[Insertion]) -> tuple[Insertion, ...]:
        """The same with the client's files where they are. Raises InvalidExport naming all that cannot be had."""
        gathering = Gathering()
        reached = []
        for insertion in insertions:
            operations = []
            for index, operation in enumerate(insertion.operations):
                with gathering:
                    operations.append(self._operation(f"{insertion.path}[{index}].file", operation))
            reached.append(replace(insertion, operations=tuple(operations)))
        gathering.settle()
        return tuple(reached)

    def _operation(self, place: str, operation: CustomOperation) -> CustomOperation:
        """A file is called on the node as it is on the client."""
        if not operation.file or not is_of_client(operation.file):
            return operation
        called = operation.filename or PurePosixPath(operation.file).name
        return replace(operation, file=self.url(place, operation.file), filename=called)


SERVED_BY_NOBODY: Final = ClientFiles()


def files(environment: Environment) -> Iterator[tuple[str, str]]:
    """Every file, with its place in the description."""
    yield "image.file", environment.image.file
    if environment.preinstall is not None:
        yield "preinstall.archive", environment.preinstall.archive
    for index, archive in enumerate(environment.postinstalls):
        yield f"postinstalls[{index}].archive", archive.archive
