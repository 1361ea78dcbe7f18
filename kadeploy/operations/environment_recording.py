"""Recording environments: one, or as part of an import of many, which is checked as a whole before anything is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kadeploy.config.description import describe
from kadeploy.domain.environment import Environment, Visibility
from kadeploy.errors import AlreadyExists, Faults, Forbidden, InvalidEnvironment
from kadeploy.operations.caller import Caller, is_user_name
from kadeploy.operations.checksums import EVERYTHING, Checksums
from kadeploy.operations.client_files import SERVED_BY_NOBODY, ClientFiles
from kadeploy.operations.environments import called, described, refuse_making_public
from kadeploy.ports.store import Environments as EnvironmentStore


class Existing(StrEnum):
    """What to do when there is one of that owner, name and version already."""

    REFUSE = "refuse"
    SKIP = "skip"
    REPLACE = "replace"


class Done(StrEnum):
    RECORDED = "recorded"
    REPLACED = "replaced"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of a description, or with a dry run what would have."""

    environment: Environment
    done: Done
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What there is to say of a description; with faults, who it is for is only what it says itself."""

    user: str
    name: object
    version: object
    exists: bool = False
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Recording:
    """The use case."""

    def __init__(self, *, environments: EnvironmentStore, checksums: Checksums) -> None:
        self._environments = environments
        self._checksums = checksums

    async def add(
        self,
        caller: Caller,
        description: Mapping[str, object],
        *,
        client: ClientFiles = SERVED_BY_NOBODY,
        existing: Existing = Existing.REFUSE,
        dry_run: bool = False,
    ) -> Recorded:
        """Record one, with the checksums of its files; raises what is wrong with it."""
        read = described(description, user=_owner(caller, description), recorded=True)
        environment = read.environment
        if not is_user_name(environment.user):
            raise InvalidEnvironment(f"user: {environment.user!r} is no name of a user")
        if environment.visibility is Visibility.PUBLIC:
            refuse_making_public(caller)
        client.environment(environment)
        there = await self._exists(environment)
        if there and existing is Existing.REFUSE:
            raise AlreadyExists(
                f"{called(environment)} exists already", hint="give it another version, or delete that one first"
            )
        done = (Done.REPLACED if existing is Existing.REPLACE else Done.SKIPPED) if there else Done.RECORDED
        if done is not Done.SKIPPED and not dry_run:
            environment = await self._checksums.record(caller, environment, client, EVERYTHING)
            if there:
                await self._environments.replace([environment])
            else:
                await self._environments.add(environment)
        return Recorded(environment=environment, done=done, warnings=read.warnings)

    async def check(self, caller: Caller, descriptions: Sequence[object]) -> Sequence[Verdict]:
        """One for each; nothing is fetched, and nothing recorded."""
        return [await self._verdict(caller, description) for description in descriptions]

    async def _verdict(self, caller: Caller, description: object) -> Verdict:
        said = description if isinstance(description, Mapping) else {}
        owner = str(said.get("user") or caller.name)
        told = Verdict(user=owner, name=said.get("name"), version=said.get("version", 1))
        try:
            read = describe(description, user=owner, recorded=True)
        except Faults as error:
            forbidden = _forbidden(caller, owner, said.get("visibility"))
            return Verdict(user=owner, name=told.name, version=told.version, faults=(*forbidden, *error.faults))
        faults = _forbidden(caller, owner, read.environment.visibility)
        return Verdict(
            user=owner,
            name=read.environment.name,
            version=read.environment.version,
            exists=await self._exists(read.environment),
            faults=tuple(faults),
            warnings=read.warnings,
        )

    async def _exists(self, environment: Environment) -> bool:
        wanted = environment
        return bool(await self._environments.find(name=wanted.name, user=wanted.user, version=wanted.version))


def _owner(caller: Caller, description: Mapping[str, object]) -> str:
    """Said in the description, for administrators; checked first, so that others hear nothing of it."""
    owner = str(description.get("user") or caller.name)
    if not caller.may_act_for(owner):
        raise Forbidden(f"only an administrator records environments for others, here for {owner}")
    return owner


def _forbidden(caller: Caller, owner: str, visibility: object) -> list[str]:
    """What of it the caller may not do, each a sentence."""
    faults = []
    if not is_user_name(owner):
        faults.append(f"user: {owner!r} is no name of a user")
    if not caller.may_act_for(owner):
        faults.append(f"user: only an administrator records environments for others, here for {owner}")
    if visibility == Visibility.PUBLIC and not caller.is_administrator:
        faults.append("visibility: only an administrator makes an environment public")
    return faults
