"""The environments' resources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kadeploy.api.call import Call
from kadeploy.api.parameters import Number, Parameters, Toggle, decoded
from kadeploy.domain.environment import Environment, Visibility
from kadeploy.errors import InvalidOption, MissingOption, NotFound
from kadeploy.operations.environment_changes import Change, EnvironmentChanges, Named
from kadeploy.operations.environments import Environments, Wanted


class FindParameters(Parameters):
    """`%` in `name` and `username` stands for any text; `last` keeps the newest versions."""

    username: str | None = None
    name: str | None = None
    version: Number = None
    last: Toggle = False


class AddParameters(Parameters):
    environment: dict[str, Any]


class ModifyParameters(Parameters):
    visibility: Visibility | None = None
    toggle_destructive: Toggle = False
    update_image_checksum: Toggle = False
    update_preinstall_checksum: Toggle = False
    update_postinstalls_checksum: Toggle = False
    last: Toggle = False


class MoveParameters(Parameters):
    update_files: dict[str, str]


class DeleteParameters(Parameters):
    last: Toggle = False


class EnvironmentsResource:
    def __init__(self, environments: Environments, changes: EnvironmentChanges) -> None:
        self._environments = environments
        self._changes = changes

    async def search(self, call: Call) -> object:
        asked = decoded(FindParameters, call.parameters)
        wanted = Wanted(name=asked.name, user=asked.username, version=asked.version, last=asked.last)
        found = await self._environments.search(call.caller, wanted)
        if not found and (asked.name is not None or asked.version is not None):
            raise NotFound("there is no such environment")
        return [view(environment) for environment in found]

    async def add(self, call: Call) -> object:
        described = await self._environments.add(call.caller, decoded(AddParameters, call.parameters).environment)
        return view(described.environment)

    async def modify(self, call: Call) -> object:
        asked = decoded(ModifyParameters, call.parameters)
        if not asked.model_fields_set - {"last"}:
            raise MissingOption("say what is to be changed: visibility, toggle_destructive or update_image_checksum")
        change = Change(
            visibility=asked.visibility,
            toggle_destructive=asked.toggle_destructive,
            update_image_checksum=asked.update_image_checksum,
        )
        return _one_or_all(await self._changes.modify(call.caller, _named(call, asked.last), change))

    async def move_files(self, call: Call) -> object:
        moves = decoded(MoveParameters, call.parameters).update_files
        return [view(environment) for environment in await self._changes.move_files(call.caller, moves)]

    async def delete(self, call: Call) -> object:
        asked = decoded(DeleteParameters, call.parameters)
        return [view(each) for each in await self._changes.delete(call.caller, _named(call, asked.last))]


def view(environment: Environment) -> dict[str, Any]:
    """The description as its author wrote it, with what the tools cannot do without, and whose it is."""
    needed = {
        "name": environment.name,
        "version": environment.version,
        "description": "",
        "author": "",
        "visibility": environment.visibility.value,
        "destructive": environment.destructive,
    }
    written = {key: value for key, value in environment.description.items() if value is not None}
    return {**written, **{key: value for key, value in needed.items() if key not in written}, "user": environment.user}


def _named(call: Call, last: bool) -> Named:
    version = call.path.get("version")
    if version is not None and not version.isdecimal():
        raise InvalidOption(f"version: must be a whole number, not {version!r}")
    return Named(
        user=call.path["user"], name=call.path["name"], version=int(version) if version is not None else None, last=last
    )


def _one_or_all(environments: Sequence[Environment]) -> object:
    views = [view(environment) for environment in environments]
    return views[0] if len(views) == 1 else views
