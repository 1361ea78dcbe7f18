"""Changing and deleting recorded environments: their owner's affair, and the administrators'."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from kadeploy.config.description import describe
from kadeploy.domain.environment import Environment, Visibility
from kadeploy.errors import Faults, Forbidden, InvalidOption, NotFound, NothingModified
from kadeploy.operations.caller import Caller
from kadeploy.operations.environments import (
    ANY,
    Environments,
    called,
    newest,
    refuse_files_of_the_client,
    refuse_making_public,
)
from kadeploy.ports.store import Environments as EnvironmentStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Which versions of one environment: the given one, else with `last` the newest, else all."""

    user: str
    name: str
    version: int | None = None
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to become of them. Archives have no recorded checksum, so updating theirs changes nothing."""

    visibility: Visibility | None = None
    toggle_destructive: bool = False
    update_image_checksum: bool = False


class EnvironmentChanges:
    """The use case."""

    def __init__(self, *, environments: EnvironmentStore, recording: Environments) -> None:
        self._environments = environments
        self._recording = recording

    async def modify(self, caller: Caller, named: Named, change: Change) -> Sequence[Environment]:
        """The changed ones; raises NothingModified when all of them were so already."""
        if change.visibility is Visibility.PUBLIC:
            refuse_making_public(caller)
        changed = []
        for before in await self._own(caller, named):
            after = await self._changed(before, change)
            if after != before:
                changed.append(after)
        return await self._replaced(changed, f"{named.name} is like this already")

    async def move_files(self, caller: Caller, moves: Mapping[str, str]) -> Sequence[Environment]:
        """Rewrite prefixes of file names in all environments; their checksums stay, the files being the same."""
        if not caller.is_administrator:
            raise Forbidden("only an administrator moves the files of all environments")
        if not moves or not all(moves):
            raise InvalidOption("update_files: must map old prefixes to new ones")
        every = await self._environments.find()
        changed = [after for before in every if (after := _moved(before, moves)) != before]
        return await self._replaced(changed, "no environment has a file under these prefixes")

    async def delete(self, caller: Caller, named: Named) -> Sequence[Environment]:
        """The deleted ones; raises NotFound."""
        found = await self._own(caller, named)
        await self._environments.delete(found)
        return found

    async def _own(self, caller: Caller, named: Named) -> Sequence[Environment]:
        if not caller.may_act_for(named.user):
            raise Forbidden(f"the environments of {named.user} are theirs to change")
        found: Sequence[Environment] = ()
        if ANY not in named.user + named.name:
            found = await self._environments.find(name=named.name, user=named.user, version=named.version)
        if not found:
            which = f"{named.name}{f' version {named.version}' if named.version is not None else ''}"
            raise NotFound(f"{named.user} has no environment {which}")
        return newest(found) if named.last and named.version is None else found

    async def _changed(self, before: Environment, change: Change) -> Environment:
        after, description = before, dict(before.description)
        if change.visibility is not None:
            after = replace(after, visibility=change.visibility)
            description["visibility"] = change.visibility.value
        if change.toggle_destructive:
            after = replace(after, destructive=not before.destructive)
            description["destructive"] = after.destructive
        if change.update_image_checksum:
            unknown = replace(after, image=replace(after.image, checksum=""))
            after = await self._recording.with_checksum(unknown)
            if isinstance(written := description.get("image"), Mapping) and "checksum" in written:
                description["image"] = {**written, "checksum": after.image.checksum}
        return replace(after, description=description) if after != before else before

    async def _replaced(self, changed: Sequence[Environment], nothing: str) -> Sequence[Environment]:
        if not changed:
            raise NothingModified(nothing)
        for environment in changed:
            await self._environments.replace(environment)
        return changed


def _moved(before: Environment, moves: Mapping[str, str]) -> Environment:
    def move(file: object) -> object:
        old = next((old for old in moves if isinstance(file, str) and file.startswith(old)), None)
        return file if old is None else moves[old] + str(file)[len(old) :]

    description = _with_files(before.description, move)
    if description == before.description:
        return before
    try:
        after = describe(description, user=before.user, recorded=True).environment
    except Faults as error:
        raise InvalidOption(f"update_files: {called(before)} would not be valid: {error}") from error
    refuse_files_of_the_client(after)
    return replace(after, image=replace(after.image, checksum=before.image.checksum))


def _with_files(description: Mapping[str, object], move: Callable[[object], object]) -> dict[str, object]:
    moved = dict(description)
    for section, key in (("image", "file"), ("preinstall", "archive")):
        if isinstance(inner := description.get(section), Mapping):
            moved[section] = {**inner, key: move(inner.get(key))}
    if isinstance(archives := description.get("postinstalls"), list):
        moved["postinstalls"] = [{**entry, "archive": move(entry.get("archive"))} for entry in archives]
    return moved
