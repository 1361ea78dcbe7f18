"""Profiles of users and the files that they name."""

from __future__ import annotations

import asyncio

import pytest

from kadeploy.domain.awaited import FetchedFile, filled
from kadeploy.domain.boot import Profile
from kadeploy.domain.image import LocalFile
from kadeploy.errors import InvalidExport, InvalidOption, KadeployError
from kadeploy.operations.client_files import SERVED_BY_NOBODY, ClientFiles
from kadeploy.operations.profiles import files_of_profile, profile_of, with_files
from kadeploy.operations.wants import Wants
from kadeploy.ports.files import ANYBODY, FileOrder

SCRIPT = "#!ipxe\nkernel FILES_PREFIX--vmlinuz quiet\ninitrd FILES_PREFIX--initrd.img\nboot\n"


class Judged:
    """The part of ports.files.Files that judges: every file is there, but for those in `missing`."""

    def __init__(self, *missing: str) -> None:
        self._missing = missing

    async def judge(self, order: FileOrder, *, owner: str) -> int:
        if order.url in self._missing:
            raise KadeployError(f"{order.url} is not there")
        return 1


def wants(*missing: str) -> Wants:
    return Wants(Judged(*missing), "D-1")  # type: ignore[arg-type]


def test_names_become_addresses_at_the_boot_server() -> None:
    named = {"vmlinuz": "http://x/aa", "initrd.img": "http://x/bb"}
    wanted = wants()
    profile = asyncio.run(with_files(Profile(script=SCRIPT), {"files": named}, SERVED_BY_NOBODY, wanted, ANYBODY))
    kept = [LocalFile(path=f"/kept/{name}", size=1, sha256=name) for name in ("aa", "bb")]
    found = {one.number: FetchedFile(file=file) for one, file in zip(wanted.wanted, kept, strict=True)}
    assert filled(profile, found) == Profile(script="#!ipxe\nkernel /files/aa quiet\ninitrd /files/bb\nboot\n")


def test_all_missing_files_are_told_at_once() -> None:
    named = {"vmlinuz": "http://x/aa", "initrd.img": "http://x/bb"}
    missing = wants(*named.values())
    with pytest.raises(KadeployError, match=r"(?s)http://x/aa is not there.*http://x/bb is not there"):
        asyncio.run(with_files(Profile(script=SCRIPT), {"files": named}, SERVED_BY_NOBODY, missing, ANYBODY))


def test_files_are_called_as_on_the_clients_machine_unless_they_are_named() -> None:
    client = ClientFiles(server="http://10.0.0.1:4000")
    assert files_of_profile({"files": ["http://x/vmlinuz"]}, client) == {"vmlinuz": "http://x/vmlinuz"}
    assert files_of_profile({"files": {"k": "http://x/vmlinuz"}}, client) == {"k": "http://x/vmlinuz"}
    (url,) = files_of_profile({"files": ["/home/alice/vmlinuz"]}, client).values()
    assert url.startswith("client+http://10.0.0.1:4000/")
    with pytest.raises(InvalidExport, match=r"pxe\.files: /x is on the client's machine"):
        files_of_profile({"files": ["/x"]}, SERVED_BY_NOBODY)


def test_a_name_without_a_file_is_a_fault() -> None:
    with pytest.raises(InvalidOption, match=r"names FILES_PREFIX--initrd\.img, not in pxe.files"):
        profile_of({"profile": SCRIPT, "files": ["/x/vmlinuz"]})
