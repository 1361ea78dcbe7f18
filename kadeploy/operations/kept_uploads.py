"""Recorded environments keep the uploads that they name: the store of environments, which says after every change which
uploads must not expire.

All of them are told each time: what a crash left half done is right again after the next start.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from kadeploy.domain.environment import Environment
from kadeploy.errors import InvalidExport
from kadeploy.operations.client_files import files
from kadeploy.ports.files import Keep, Uploads
from kadeploy.ports.store import Environments

_UPLOAD: Final = "upload://"


class KeptUploads:
    """`ports.store.Environments` around another."""

    def __init__(self, environments: Environments, uploads: Uploads) -> None:
        self._environments = environments
        self._uploads = uploads

    async def add(self, environment: Environment) -> None:
        """Raises InvalidExport where recorded environments may not keep uploads."""
        self._refuse([environment])
        await self._environments.add(environment)
        await self.settle()

    async def find(
        self,
        *,
        name: str | None = None,
        alias: str | None = None,
        user: str | None = None,
        version: int | None = None,
        last: bool = False,
    ) -> Sequence[Environment]:
        return await self._environments.find(name=name, alias=alias, user=user, version=version, last=last)

    async def replace(self, environments: Sequence[Environment]) -> None:
        self._refuse(environments)
        await self._environments.replace(environments)
        await self.settle()

    async def delete(self, environments: Sequence[Environment]) -> None:
        await self._environments.delete(environments)
        await self.settle()

    async def settle(self) -> None:
        """Say which uploads are kept."""
        await self._uploads.keep([keep for one in await self._environments.find() for keep in _kept(one)])

    def _refuse(self, environments: Sequence[Environment]) -> None:
        if not self._uploads.rules.for_environments and any(True for one in environments for _ in _kept(one)):
            raise InvalidExport(
                "this server keeps no uploads for recorded environments",
                hint="put the image where the server reaches it; files.uploads.for_environments would allow it",
            )


def _kept(environment: Environment) -> Iterator[Keep]:
    for _, file in files(environment):
        if file.startswith(_UPLOAD):
            called = f"environment {environment.name} version {environment.version}"
            yield Keep(user=environment.user, sha256=file.removeprefix(_UPLOAD).lower(), kept_for=called)
