"""The environments: which a caller sees, which one a name means, and recording a new one."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote_plus

from kadeploy.config.description import Described, describe
from kadeploy.domain.environment import Environment, Visibility
from kadeploy.errors import AlreadyExists, Faults, Forbidden, InvalidEnvironment, InvalidExport
from kadeploy.operations.caller import Caller
from kadeploy.ports.files import Files
from kadeploy.ports.store import Environments as EnvironmentStore

ANY: Final = "%"
_REACHABLE: Final = ("server://", "http://", "https://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A search; `%` in `name` and `user` stands for any text, None for any at all."""

    name: str | None = None
    user: str | None = None
    version: int | None = None
    last: bool = False


class Environments:
    """The use case."""

    def __init__(self, *, environments: EnvironmentStore, files: Files) -> None:
        self._environments = environments
        self._files = files

    async def search(self, caller: Caller, wanted: Wanted) -> Sequence[Environment]:
        """Those that the caller may see, the caller's own first."""
        found = await self._visible(caller, wanted)
        if not found and wanted.name and unquote_plus(wanted.name) != wanted.name:
            # Kadeploy3's tools encode the name twice when they look for the one to deploy.
            found = await self._visible(caller, replace(wanted, name=unquote_plus(wanted.name)))
        return sorted(found, key=lambda one: (_rank(one, caller), one.name, one.user, one.version))

    async def choose(self, caller: Caller, *, name: str, user: str | None, version: int | None) -> Environment:
        """The one that is meant: the named owner's, else the caller's own, else a public one; the newest version.

        Raises InvalidEnvironment when there is none, or public ones of several owners.
        """
        exact = None if ANY in name + (user or "") else Wanted(name=name, user=user, version=version)
        found = await self._visible(caller, exact) if exact else []
        own = [one for one in found if one.user == (user or caller.name)]
        public = [one for one in found if one.visibility is Visibility.PUBLIC]
        candidates = own or (public if user is None else [])
        owners = sorted({one.user for one in candidates})
        if not candidates:
            which = f"{name}{f' version {version}' if version is not None else ''}{f' of {user}' if user else ''}"
            raise InvalidEnvironment(f"there is no environment {which}", hint="kaenv -l lists those there are")
        if len(owners) > 1:
            raise InvalidEnvironment(f"{name} is public from {', '.join(owners)}", hint="say whose is meant")
        return max(candidates, key=lambda one: one.version)

    def describe_anonymous(self, caller: Caller, description: Mapping[str, object]) -> Environment:
        """One that is used once and never recorded; raises InvalidEnvironment with every fault."""
        return _described(description, user=caller.name, recorded=False).environment

    async def add(self, caller: Caller, description: Mapping[str, object]) -> Described:
        """Record one, with the checksum of its image; raises what is wrong with it."""
        owner = str(description.get("user") or caller.name)
        if not caller.may_act_for(owner):
            raise Forbidden(f"only an administrator records environments for others, here for {owner}")
        described = _described(description, user=owner, recorded=True)
        environment = described.environment
        if environment.visibility is Visibility.PUBLIC:
            refuse_making_public(caller)
        refuse_files_of_the_client(environment)
        if await self._environments.find(name=environment.name, user=owner, version=environment.version):
            raise AlreadyExists(
                f"{called(environment)} exists already", hint="give it another version, or delete that one first"
            )
        environment = await self.with_checksum(environment)
        await self._environments.add(environment)
        return Described(environment=environment, warnings=described.warnings)

    async def with_checksum(self, environment: Environment) -> Environment:
        """The same with its image's checksum as the file is now; raises InvalidFile when that is no good image."""
        owner = f"record-{uuid.uuid4()}"
        image = environment.image
        try:
            file = await self._files.pin(
                image.file, owner=owner, checksum=image.checksum, compression=image.compression
            )
        finally:
            await self._files.release(owner)
        return replace(environment, image=replace(image, checksum=file.sha256))

    async def _visible(self, caller: Caller, wanted: Wanted) -> list[Environment]:
        found = await self._environments.find(name=wanted.name, user=wanted.user, version=wanted.version)
        named = wanted.user is not None and ANY not in wanted.user
        seen = [one for one in found if one.visible_to(caller.name, named_owner=named, admin=caller.is_administrator)]
        # An explicit version wins; the newest is told among those that may be seen.
        return newest(seen) if wanted.last and wanted.version is None else seen


def newest(environments: Sequence[Environment]) -> list[Environment]:
    """Of each owner and name the highest version."""
    latest: dict[tuple[str, str], Environment] = {}
    for one in sorted(environments, key=lambda one: one.version):
        latest[one.user, one.name] = one
    return list(latest.values())


def reference(environment: Environment) -> dict[str, object]:
    """What operations and nodes remember of it."""
    return {
        "name": environment.name,
        "version": environment.version,
        "user": environment.user,
        "recorded": environment.recorded,
    }


def called(environment: Environment) -> str:
    return f"environment {environment.name} version {environment.version} of {environment.user}"


def refuse_making_public(caller: Caller) -> None:
    if not caller.is_administrator:
        raise Forbidden("only an administrator makes an environment public")


def refuse_files_of_the_client(environment: Environment) -> None:
    """Raises InvalidExport naming every file that is on the client's machine."""
    files = {"image.file": environment.image.file}
    if environment.preinstall is not None:
        files["preinstall.archive"] = environment.preinstall.archive
    for index, archive in enumerate(environment.postinstalls):
        files[f"postinstalls[{index}].archive"] = archive.archive
    local = [f"{where}: {file}" for where, file in files.items() if not file.startswith(_REACHABLE)]
    if local:
        raise InvalidExport(
            f"{'; '.join(local)}: this server does not fetch files from the client's machine",
            hint="write server:///PATH or http(s)://…",
        )


def _described(description: Mapping[str, object], *, user: str, recorded: bool) -> Described:
    try:
        return describe(description, user=user, recorded=recorded)
    except Faults as error:
        if len(error.faults) == 1:
            raise InvalidEnvironment(f"the description is not valid: {error.faults[0]}") from error
        told = "".join(f"\n  {fault}" for fault in error.faults)
        raise InvalidEnvironment(f"the description has {len(error.faults)} faults:{told}") from error


def _rank(environment: Environment, caller: Caller) -> int:
    if environment.user == caller.name:
        return 0
    return 1 + [Visibility.PUBLIC, Visibility.PRIVATE, Visibility.SHARED].index(environment.visibility)
