"""The environments' resources."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field

from kadeploy.api.call import Call
from kadeploy.api.environment_view import shown, view
from kadeploy.api.launching import told
from kadeploy.api.parameters import Number, Parameters, Toggle, decoded
from kadeploy.config.environment_schema import environment_schema
from kadeploy.domain.environment import Visibility
from kadeploy.errors import InvalidOption, MissingOption, NotFound
from kadeploy.operations.checksums import Content
from kadeploy.operations.client_files import ClientFiles
from kadeploy.operations.description_files import DescriptionFiles
from kadeploy.operations.environment_changes import Change, EnvironmentChanges, Named
from kadeploy.operations.environment_recording import Existing, Recording
from kadeploy.operations.environments import Environments, Wanted

LONGEST_VERSION: Final = 18  # digits: what a database's integer holds


class FindParameters(Parameters):
    """`%` in `name` and `username` stands for any text; `last` keeps the newest versions. `name` may be an alias, or
    `NAME@OWNER:VERSION`. With `checksums` the descriptions carry those that are recorded."""

    username: str | None = None
    name: str | None = None
    version: Number = None
    last: Toggle = False
    checksums: Toggle = False


class AddParameters(Parameters):
    """`existing` says what to do when that owner, name and version is there already; with `dry_run` all is checked
    but the files, and nothing recorded."""

    environment: dict[str, Any]
    client: str = ""
    existing: Existing | None = None
    dry_run: Toggle = False


class CheckParameters(Parameters):
    """Descriptions that are checked as if they were to be recorded."""

    environments: Annotated[list[Any], Field(max_length=5000)]


class DescriptionParameters(Parameters):
    """`file` is `server:///PATH`, which images may be read from, too."""

    file: str


class ModifyParameters(Parameters):
    visibility: Visibility | None = None
    toggle_destructive: Toggle = False
    update_image_checksum: Toggle = False
    update_preinstall_checksum: Toggle = False
    update_postinstalls_checksum: Toggle = False
    client: str = ""
    last: Toggle = False
    dry_run: Toggle = False

    @property
    def checksums(self) -> frozenset[Content]:
        asked = {
            Content.IMAGE: self.update_image_checksum,
            Content.PREINSTALL: self.update_preinstall_checksum,
            Content.POSTINSTALLS: self.update_postinstalls_checksum,
        }
        return frozenset(content for content, wanted in asked.items() if wanted)


class MoveParameters(Parameters):
    update_files: dict[str, str]
    dry_run: Toggle = False


class DeleteParameters(Parameters):
    last: Toggle = False
    dry_run: Toggle = False


class EnvironmentsResource:
    def __init__(
        self,
        environments: Environments,
        recording: Recording,
        changes: EnvironmentChanges,
        description_files: DescriptionFiles,
    ) -> None:
        self._environments = environments
        self._recording = recording
        self._changes = changes
        self._description_files = description_files

    async def search(self, call: Call) -> object:
        asked = decoded(FindParameters, call.parameters)
        wanted = Wanted(name=asked.name, user=asked.username, version=asked.version, last=asked.last)
        found = await self._environments.search(call.caller, wanted)
        if not found and (asked.name is not None or asked.version is not None):
            raise NotFound("there is no such environment")
        return [view(environment, checksums=asked.checksums) for environment in found]

    async def schema(self, call: Call) -> object:
        return environment_schema()

    async def described(self, call: Call) -> object:
        asked = decoded(DescriptionParameters, call.parameters)
        return list(await self._description_files.read(call.caller, asked.file))

    async def add(self, call: Call) -> object:
        asked = decoded(AddParameters, call.parameters)
        recorded = await self._recording.add(
            call.caller,
            asked.environment,
            client=ClientFiles(server=asked.client),
            existing=asked.existing or Existing.REFUSE,
            dry_run=asked.dry_run,
        )
        done: dict[str, Any] = {"done": recorded.done.value} if asked.existing else {}
        dry = {"dry_run": True} if asked.dry_run else {}
        return {**view(recorded.environment), **done, **dry, **told(recorded.warnings)}

    async def check(self, call: Call) -> object:
        asked = decoded(CheckParameters, call.parameters)
        return [shown(verdict) for verdict in await self._recording.check(call.caller, asked.environments)]

    async def modify(self, call: Call) -> object:
        asked = decoded(ModifyParameters, call.parameters)
        if not asked.model_fields_set - {"last", "client", "dry_run"}:
            raise MissingOption(
                "say what is to be changed: visibility, toggle_destructive, update_image_checksum, "
                "update_preinstall_checksum or update_postinstalls_checksum"
            )
        change = Change(
            visibility=asked.visibility,
            toggle_destructive=asked.toggle_destructive,
            checksums=asked.checksums,
            client=ClientFiles(server=asked.client),
        )
        named = _named(call, asked.last)
        changed = await self._changes.modify(call.caller, named, change, dry_run=asked.dry_run)
        views = [view(environment) for environment in changed]
        return views if len(views) > 1 else {**views[0], **({"dry_run": True} if asked.dry_run else {})}

    async def move_files(self, call: Call) -> object:
        asked = decoded(MoveParameters, call.parameters)
        moved = await self._changes.move_files(call.caller, asked.update_files, dry_run=asked.dry_run)
        return [view(environment) for environment in moved]

    async def delete(self, call: Call) -> object:
        asked = decoded(DeleteParameters, call.parameters)
        deleted = await self._changes.delete(call.caller, _named(call, asked.last), dry_run=asked.dry_run)
        return [view(each) for each in deleted]


def _named(call: Call, last: bool) -> Named:
    version = call.path.get("version")
    if version is not None and not (version.isdecimal() and len(version) <= LONGEST_VERSION):
        raise InvalidOption(f"version: must be a whole number, not {version!r}")
    return Named(
        user=call.path["user"], name=call.path["name"], version=int(version) if version is not None else None, last=last
    )
