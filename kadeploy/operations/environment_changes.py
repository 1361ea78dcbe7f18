"""Changing and deleting recorded environments: their owner's affair, and the administrators'."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from kadeploy.config.description import describe
from kadeploy.domain.environment import Archive, Environment, Visibility
from kadeploy.errors import Faults, Forbidden, InvalidExport, InvalidOption, NotFound, NothingModified
from kadeploy.operations.caller import Caller
from kadeploy.operations.checksums import Checksums, Content, forgotten, kept
from kadeploy.operations.client_files import SERVED_BY_NOBODY, ClientFiles, is_of_client
from kadeploy.operations.environments import ANY, Wanted, called, newest, readings, refuse_making_public
from kadeploy.ports.store import Environments as EnvironmentStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Which versions of one environment: the given one, else with `last` the newest, else all.

    `name` may be `NAME@OWNER:VERSION`, where there is no environment that is called just so.
    """

    user: str
    name: str
    version: int | None = None
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to become of them; `checksums` are taken anew of these files."""

    visibility: Visibility | None = None
    toggle_destructive: bool = False
    checksums: frozenset[Content] = frozenset()
    client: ClientFiles = SERVED_BY_NOBODY


class EnvironmentChanges:
    """The use case. With `dry_run` everything is checked, told and left as it is."""

    def __init__(self, *, environments: EnvironmentStore, checksums: Checksums) -> None:
        self._environments = environments
        self._checksums = checksums

    async def modify(
        self, caller: Caller, named: Named, change: Change, *, dry_run: bool = False
    ) -> Sequence[Environment]:
        """The changed ones; raises NothingModified when all of them were so already."""
        if change.visibility is Visibility.PUBLIC:
            refuse_making_public(caller)
        found = await self._own(caller, named)
        changed = []
        for before in found:
            after = await self._changed(caller, before, change)
            if after != before:
                changed.append(after)
        return await self._replaced(changed, NothingModified(_why_not(named, found, change)), dry_run)

    async def move_files(
        self, caller: Caller, moves: Mapping[str, str], *, dry_run: bool = False
    ) -> Sequence[Environment]:
        """Rewrite prefixes of file names in all environments, the longest that fits; all of them or none.

        Their checksums stay, the files being the same.
        """
        if not caller.is_administrator:
            raise Forbidden("only an administrator moves the files of all environments")
        if not moves or not all(moves):
            raise InvalidOption("update_files: must map old prefixes to new ones")
        if lost := [new for old, new in moves.items() if is_of_client(new) and not is_of_client(old)]:
            raise InvalidExport(f"update_files: {', '.join(lost)} must be server:///PATH or http(s)://…")
        faults: list[str] = []
        changed = []
        for before in await self._environments.find():
            after = _moved(before, moves, faults)
            if after != before:
                changed.append(after)
        if faults:
            told = "".join(f"\n  {fault}" for fault in faults)
            raise InvalidOption(f"update_files: {len(faults)} environments would not be valid:{told}")
        nothing = NothingModified(
            f"no environment has a file under {' or '.join(moves)}",
            hint="files begin as kaenv -p shows them: server:///DIRECTORY/",
        )
        return await self._replaced(changed, nothing, dry_run)

    async def delete(self, caller: Caller, named: Named, *, dry_run: bool = False) -> Sequence[Environment]:
        """The deleted ones; raises NotFound."""
        found = await self._own(caller, named)
        if not dry_run:
            await self._environments.delete(found)
        return found

    async def _own(self, caller: Caller, named: Named) -> Sequence[Environment]:
        if ANY not in named.user + named.name:
            plain = Wanted(name=named.name, user=named.user, version=named.version)
            spelt = [one for one in readings(replace(plain, user=None), [named.name]) if one.name != named.name]
            for wanted in (plain, *(replace(one, user=one.user or named.user) for one in spelt if one.name)):
                found = await self._environments.find(name=wanted.name, user=wanted.user, version=wanted.version)
                if found:
                    _refuse_others(caller, wanted.user or named.user)
                    return newest(found) if named.last and wanted.version is None else found
        _refuse_others(caller, named.user)
        which = f"{named.name}{f' version {named.version}' if named.version is not None else ''}"
        raise NotFound(f"{named.user} has no environment {which}")

    async def _changed(self, caller: Caller, before: Environment, change: Change) -> Environment:
        after = before
        if change.visibility is not None:
            after = replace(after, visibility=change.visibility)
        if change.toggle_destructive:
            after = replace(after, destructive=not before.destructive)
        if change.checksums:
            unknown = forgotten(after, change.checksums)
            after = await self._checksums.record(caller, unknown, change.client, change.checksums)
        return replace(after, description=_rewritten(before, after)) if after != before else before

    async def _replaced(
        self, changed: Sequence[Environment], nothing: NothingModified, dry_run: bool
    ) -> Sequence[Environment]:
        if not changed:
            raise nothing
        if not dry_run:
            await self._environments.replace(changed)
        return changed


def _why_not(named: Named, found: Sequence[Environment], change: Change) -> str:
    """Nothing of it was changed."""
    there = {Content.IMAGE}
    if any(one.preinstall is not None for one in found):
        there.add(Content.PREINSTALL)
    if any(one.postinstalls for one in found):
        there.add(Content.POSTINSTALLS)
    if change.checksums and not change.checksums & there:
        return f"{named.name} has no {' and no '.join(sorted(change.checksums))}"
    if change.checksums:
        return f"{named.name} has the checksums of its files already"
    return f"{named.name} is like this already"


def _refuse_others(caller: Caller, owner: str) -> None:
    if not caller.may_act_for(owner):
        raise Forbidden(f"the environments of {owner} are theirs to change")


def _rewritten(before: Environment, after: Environment) -> dict[str, object]:
    """The user's own description, with what has changed; checksums only where they are written."""
    description = dict(before.description)
    if after.visibility is not before.visibility:
        description["visibility"] = after.visibility.value
    if after.destructive is not before.destructive:
        description["destructive"] = after.destructive
    sums: dict[str, object] = {"image": after.image.checksum}
    if after.preinstall is not None:
        sums["preinstall"] = after.preinstall.checksum
    for key, checksum in sums.items():
        if key in description:
            description[key] = _summed(description[key], checksum)
    if isinstance(written := description.get("postinstalls"), list):
        known: Sequence[Archive] = after.postinstalls
        description["postinstalls"] = [_summed(one, new.checksum) for one, new in zip(written, known, strict=True)]
    return description


def _summed(section: object, checksum: object) -> object:
    if isinstance(section, Mapping) and "checksum" in section:
        return {**section, "checksum": checksum}
    return section


def _moved(before: Environment, moves: Mapping[str, str], faults: list[str]) -> Environment:
    def move(file: object) -> object:
        fitting = [old for old in moves if isinstance(file, str) and file.startswith(old)]
        old = max(fitting, key=len, default=None)
        return file if old is None else moves[old] + str(file)[len(old) :]

    description = _with_files(before.description, move)
    if description == before.description:
        return before
    try:
        return kept(before, describe(description, user=before.user, recorded=True).environment)
    except Faults as error:
        faults.append(f"{called(before)}: {error}")
        return before


def _with_files(description: Mapping[str, object], move: Callable[[object], object]) -> dict[str, object]:
    moved = dict(description)
    for section, key in (("image", "file"), ("preinstall", "archive")):
        if isinstance(inner := description.get(section), Mapping):
            moved[section] = {**inner, key: move(inner.get(key))}
    if isinstance(archives := description.get("postinstalls"), list):
        moved["postinstalls"] = [{**entry, "archive": move(entry.get("archive"))} for entry in archives]
    return moved
