"""The environments: which a caller sees, and which one a name means."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote_plus

from kadeploy.config.description import Described, describe
from kadeploy.domain.environment import Environment, Visibility
from kadeploy.domain.environment_name import Architecture, EnvironmentName
from kadeploy.errors import Faults, Forbidden, InvalidEnvironment
from kadeploy.operations.caller import Caller
from kadeploy.ports.store import Environments as EnvironmentStore

ANY: Final = "%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A search; `%` in `name`, `alias` and `user` stands for any text, None for any at all."""

    name: str | None = None
    alias: str | None = None
    user: str | None = None
    version: int | None = None
    architecture: Architecture | None = None
    last: bool = False


class Environments:
    """The use case."""

    def __init__(self, *, environments: EnvironmentStore) -> None:
        self._environments = environments

    async def search(self, caller: Caller, wanted: Wanted) -> Sequence[Environment]:
        """Those that the caller may see, the caller's own first."""
        # Kadeploy3's tools encode the name twice when they look for the one to deploy.
        texts = [wanted.name, unquote_plus(wanted.name)] if wanted.name else [wanted.name]
        for reading in readings(wanted, dict.fromkeys(texts)):
            if found := await self._visible(caller, reading):
                return sorted(found, key=lambda one: (_rank(one, caller), one.name, one.user, one.version))
        return []

    async def choose(
        self,
        caller: Caller,
        *,
        name: str,
        user: str | None,
        version: int | None,
        architectures: Collection[Architecture] = (),
    ) -> Environment:
        """The one that is meant: the named owner's, else the caller's own, else a public one; the newest version.

        `architectures` are the nodes', which decide between those that share an alias. Raises InvalidEnvironment when
        there is none, or several.
        """
        candidates: list[Environment] = []
        if ANY not in name + (user or ""):
            for reading in readings(Wanted(name=name, user=user, version=version), [name]):
                found = await self._visible(caller, reading)
                own = [one for one in found if one.user == (reading.user or caller.name)]
                public = [one for one in found if one.visibility is Visibility.PUBLIC and reading.user is None]
                if candidates := own or public:
                    break
        if not candidates:
            which = f"{name}{f' version {version}' if version is not None else ''}{f' of {user}' if user else ''}"
            raise InvalidEnvironment(f"there is no environment {which}", hint="kaenv -l lists those there are")
        return _only(name, candidates, architectures)

    def describe_anonymous(self, caller: Caller, description: Mapping[str, object]) -> Described:
        """One that is used once and never recorded; raises InvalidEnvironment with every fault."""
        return described(description, user=caller.name, recorded=False)

    async def _visible(self, caller: Caller, wanted: Wanted) -> list[Environment]:
        found = await self._environments.find(
            name=wanted.name, alias=wanted.alias, user=wanted.user, version=wanted.version
        )
        named = wanted.user is not None and ANY not in wanted.user
        seen = [
            one
            for one in found
            if one.visible_to(caller.name, named_owner=named, admin=caller.is_administrator)
            and (wanted.architecture is None or one.architecture is wanted.architecture)
        ]
        # An explicit version wins; the newest is told among those that may be seen.
        return newest(seen) if wanted.last and wanted.version is None else seen


def readings(wanted: Wanted, texts: Collection[str | None]) -> Iterator[Wanted]:
    """What a search may mean, in the order in which it is tried: a name as it is written comes first, then
    `NAME@OWNER:VERSION`, then an alias."""
    for text in texts:
        yield replace(wanted, name=text)
    for text in filter(None, texts):
        read = EnvironmentName.parse(text)
        if (read.owner and wanted.user not in (None, read.owner)) or (
            read.version is not None and wanted.version not in (None, read.version)
        ):
            continue
        said = replace(
            wanted,
            name=read.name,
            user=read.owner or wanted.user,
            version=wanted.version if read.version is None else read.version,
            architecture=read.architecture,
        )
        if not read.is_plain:
            yield said
        yield replace(said, name=None, alias=read.name)


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


def described(description: Mapping[str, object], *, user: str, recorded: bool) -> Described:
    """Raises InvalidEnvironment with every fault."""
    try:
        return describe(description, user=user, recorded=recorded)
    except Faults as error:
        if len(error.faults) == 1:
            raise InvalidEnvironment(f"the description is not valid: {error.faults[0]}") from error
        told = "".join(f"\n  {fault}" for fault in error.faults)
        raise InvalidEnvironment(f"the description has {len(error.faults)} faults:{told}") from error


def _only(name: str, candidates: Sequence[Environment], architectures: Collection[Architecture]) -> Environment:
    """The newest of them; raises InvalidEnvironment when they are not versions of one environment."""
    owners = sorted({one.user for one in candidates})
    if len(owners) > 1:
        raise InvalidEnvironment(f"{name} is public from {', '.join(owners)}", hint="say whose is meant")
    fitting = [one for one in candidates if one.architecture in architectures] or candidates
    if len({one.name for one in fitting}) > 1:
        them = ", ".join(sorted({f"{one.name} ({one.architecture or 'any processor'})" for one in fitting}))
        raise InvalidEnvironment(
            f"{name} is an alias of several environments: {them}",
            hint=f"say which, by its name or as in {name}/{Architecture.X86_64}",
        )
    return max(fitting, key=lambda one: one.version)


def _rank(environment: Environment, caller: Caller) -> int:
    if environment.user == caller.name:
        return 0
    return 1 + [Visibility.PUBLIC, Visibility.PRIVATE, Visibility.SHARED].index(environment.visibility)
