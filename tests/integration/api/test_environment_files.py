"""The files of environments: their checksums, their bounds, where they are and where they go."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from kadeploy.domain.environment import Part
from kadeploy.errors import InvalidFile
from kadeploy.operations.caller import Caller
from kadeploy.operations.checksums import EVERYTHING, ArchiveLimits, Checksums
from kadeploy.operations.client_files import SERVED_BY_NOBODY
from tests.integration.api.house import House, in_house
from tests.integration.api.recorded import CODE, archive, launch, sha256


def test_every_file_has_its_checksum_and_a_changed_one_is_refused(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        before, after = archive(house, "pre.tgz"), archive(house, "post.tgz")
        await house.record(preinstall=before, postinstalls=[after])
        (stored,) = await house.environments.find()
        assert stored.preinstall is not None
        assert stored.preinstall.checksum == sha256(house.images / "pre.tgz")
        assert stored.postinstalls[0].checksum == sha256(house.images / "post.tgz")
        path = "/environments/alice/debian12"
        async with house.client() as client:
            assert (await launch(client, "debian12")).status_code == 200
            for name, key in (("pre.tgz", "preinstall"), ("post.tgz", "postinstalls")):
                archive(house, name, b"other scripts")
                refused = await launch(client, "debian12")
                assert refused.headers[CODE] == "5"
                assert name in refused.text
                update = {f"update_{key}_checksum": True, "last": True}
                assert (await client.put(path, json=update)).status_code == 200
                assert (await client.put(path, json=update)).headers[CODE] == "14"
                assert (await launch(client, "debian12")).status_code == 200
            (told,) = (await client.get("/environments?name=debian12&checksums=true")).json()
            assert told["postinstalls"][0]["checksum"] == sha256(house.images / "post.tgz")
            assert "checksum" not in (await client.get("/environments?name=debian12")).text

    in_house(tmp_path, scenario)


def test_records_of_kadeploy3_are_known_by_their_md5(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        await house.grant()
        recorded = await house.record()
        (stored,) = await house.environments.find()
        content = house.image().read_bytes()
        old = replace(stored.image, checksum=f"md5:{hashlib.md5(content).hexdigest()}")
        await house.environments.replace([replace(stored, image=old)])
        async with house.client() as client:
            assert (await launch(client, "debian12")).status_code == 200
            (house.images / "debian12.tgz").write_bytes(gzip.compress(b"another system", mtime=0))
            changed = (await launch(client, "debian12")).json()["wid"]
            with pytest.raises(InvalidFile, match="its MD5 is not"):
                await house.fetched(changed)
            etag = replace(stored, image=replace(old, checksum="etag:10a-3f-52"))
            await house.environments.replace([etag])
            assert (await launch(client, "debian12")).status_code == 200
            update = {"update_image_checksum": True, "last": True}
            assert (await client.put("/environments/alice/debian12", json=update)).status_code == 200
            (stored,) = await house.environments.find()
            assert stored.image.checksum == sha256(house.images / "debian12.tgz")
            wrong = {**recorded, "name": "x", "image": {**recorded["image"], "checksum": "0" * 32}}
            assert (await client.post("/environments", json={"environment": wrong})).headers[CODE] == "5"

    in_house(tmp_path, scenario)


def test_moving_files_everywhere_or_nowhere(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        here = f"server://{house.images}"
        await house.record(preinstall=archive(house, "pre.tgz"), postinstalls=[archive(house, "post.tgz")])
        await house.record("bob", version=2)
        before = await house.environments.find()
        async with house.client("root") as root:

            async def move(moves: dict[str, str], **more: object) -> httpx2.Response:
                return await root.put("/environments/", json={"update_files": moves, **more})

            moves = {f"{here}/": "server:///srv/", f"{here}/post": "http://web/later"}
            dry = await move(moves, dry_run=True)
            assert [one["image"]["file"] for one in dry.json()] == ["server:///srv/debian12.tgz"] * 2
            assert await house.environments.find() == before
            assert (await move({here: "server://srv"})).headers[CODE] == "4"
            assert (await move({here: ""})).headers[CODE] == "3"
            assert await house.environments.find() == before
            assert len((await move(moves, last=True)).json()) == 2
            alices, bobs = await house.environments.find()
            assert alices.preinstall is not None
            assert alices.preinstall.archive == "server:///srv/pre.tgz"
            assert alices.postinstalls[0].archive == "http://web/later.tgz", "the longest beginning counts"
            assert alices.postinstalls[0].checksum == before[0].postinstalls[0].checksum
            assert (bobs.image.file, bobs.image.checksum) == ("server:///srv/debian12.tgz", before[1].image.checksum)

    in_house(tmp_path, scenario)


def test_an_image_of_several_partitions_needs_rights_on_all_of_them(tmp_path: Path) -> None:
    """Kadeploy3 crashed in this very check."""

    async def scenario(house: House) -> None:
        image = house.images / "whole.fsa"
        image.write_bytes(b"FsA0" * 100)
        whole = house.description(
            name="whole",
            image={"file": f"server://{image}", "kind": "fsa", "compression": 3},
            multipart=True,
            boot={"block_device": "sda", "partition": 3, "kernel": "/vmlinuz", "initrd": "/initrd.img"},
            options={"partitions": [{"id": 0, "device": "sda3"}, {"id": 1, "device": "sda4"}]},
        )
        nodes = ["node-1.site1.example.org", "node-2.site1.example.org"]
        await house.grant("alice", *nodes, partition="/dev/sda3")
        async with house.client() as client:
            assert (await client.post("/environments", json={"environment": whole})).status_code == 200
            (stored,) = await house.environments.find()
            assert stored.parts == (Part(id=0, device="/dev/sda3"), Part(id=1, device="/dev/sda4"))
            refused = await launch(client, "whole")
            assert refused.headers[CODE] == "6"
            assert "/dev/sda4" in refused.text
            await house.grant("alice", *nodes, partition="/dev/sda4")
            assert (await launch(client, "whole", deploy_partition="2")).headers[CODE] == "13"
            planned = await launch(client, "whole", dry_run=True)
            assert "decompress_environment" in planned.json()["text"]
            assert (await launch(client, "whole")).status_code == 200
            elsewhere = {**whole, "name": "elsewhere", "boot": {**whole["boot"], "block_device": "sdb"}}
            assert (await client.post("/environments", json={"environment": elsewhere})).status_code == 200
            refused = await launch(client, "elsewhere")
            assert (refused.headers[CODE], "/dev/sdb is not the disk" in refused.text) == ("13", True)

    in_house(tmp_path, scenario)


def test_archives_of_users_have_bounds(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        scripts = archive(house, "post.tgz", bytes(range(256)) * 20)
        await house.record(postinstalls=[scripts])
        (stored,) = await house.environments.find()
        alice = Caller(name="alice")
        for most, refused in ((100_000, False), (50, True)):
            checksums = Checksums(house.files, ArchiveLimits(preinstall=1, postinstall=most))
            recording = checksums.record(alice, stored, SERVED_BY_NOBODY, EVERYTHING)
            if refused:
                with pytest.raises(InvalidFile, match=r"post\.tgz"):
                    await recording
            else:
                assert await recording == stored

    in_house(tmp_path, scenario)
