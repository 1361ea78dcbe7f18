"""A profile of the user's for the firmware to boot: Kadeploy3's `pxe` parameter, and the files it names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Final

from kadeploy.domain.boot import Profile
from kadeploy.errors import InvalidOption
from kadeploy.operations.client_files import ClientFiles
from kadeploy.operations.gathering import Gathering
from kadeploy.operations.wants import Wants
from kadeploy.ports.files import FileOrder, Reader

LARGEST: Final = 64 * 1024  # characters
_BEGINS: Final = "#!ipxe"
_KEYS: Final = {"profile", "singularities", "files"}
_NAMED: Final = re.compile(r"FILES_PREFIX--([\w.+@-]+)")


def profile_of(pxe: Mapping[str, object]) -> Profile | None:
    """None when nothing was given; raises InvalidOption with everything that is wrong."""
    if not pxe:
        return None
    script, values, files = pxe.get("profile"), pxe.get("singularities") or {}, _names(pxe.get("files") or ())
    faults = [f"pxe.{key}: is not a known key" for key in pxe.keys() - _KEYS]
    if not isinstance(script, str) or not script.startswith(_BEGINS):
        faults.append(f"pxe.profile: must be an iPXE script, which begins with {_BEGINS}")
    elif len(script) > LARGEST:
        faults.append(f"pxe.profile: must have at most {LARGEST} characters")
    elif unknown := sorted({*_NAMED.findall(script)} - (files or {}).keys()):
        faults.append(f"pxe.profile: names {', '.join(f'FILES_PREFIX--{each}' for each in unknown)}, not in pxe.files")
    if not isinstance(values, Mapping):
        faults.append("pxe.singularities: must be a mapping of nodes to texts")
    if files is None:
        faults.append("pxe.files: must be a list of files, or a mapping of names to files")
    if faults:
        raise InvalidOption("; ".join(faults))
    assert isinstance(script, str) and isinstance(values, Mapping)  # noqa: PT018 - for the type checker
    return Profile(script=script, singularities={str(node): str(value) for node, value in values.items()})


async def with_files(
    profile: Profile | None, pxe: Mapping[str, object], client: ClientFiles, wants: Wants, reader: Reader
) -> Profile | None:
    """The profile with addresses in place of names: the boot server gives its nodes the files of operations that go on.

    iPXE takes an address without a server to be of the one that the script came from. Raises what is wrong with files.
    """
    named = files_of_profile(pxe, client)
    if profile is None or not named:
        return profile
    orders = {name: FileOrder(url=url, reader=reader, copied=True) for name, url in named.items()}
    places = {name: f"/files/{file.sha256}" for name, file in (await wants.files(orders)).items()}
    return replace(profile, script=_NAMED.sub(lambda found: places[found.group(1)], profile.script))


def files_of_profile(pxe: Mapping[str, object], client: ClientFiles) -> Mapping[str, str]:
    """Its files by their names, as `ports.files` wants them named. Raises InvalidExport."""
    gathering = Gathering()
    found = {}
    for name, file in (_names(pxe.get("files") or ()) or {}).items():
        with gathering:
            found[name] = client.url("pxe.files", file)
    gathering.settle()
    return found


def _names(files: object) -> Mapping[str, str] | None:
    """Files by the names they have in a profile: those they have where they are, unless others are given."""
    if isinstance(files, Mapping):
        return {str(name): str(file) for name, file in files.items()}
    if isinstance(files, list | tuple) and all(isinstance(file, str) for file in files):
        return {PurePosixPath(file).name: file for file in files}
    return None
