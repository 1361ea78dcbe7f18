"""Descriptions in files of the server: handed out when they are some, and nothing else ever is."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
import pytest
import yaml

from kadeploy.operations.description_files import LARGEST
from tests.integration.api.house import House, in_house
from tests.integration.api.recorded import CODE

PATH = "/environments/description"
SECRET = "hunter2"
NO_DESCRIPTIONS = {
    "text": f"{SECRET}\n",
    "keys and values": f"password: {SECRET}\n",
    "not YAML": f"name: [{SECRET}\n",
    "a key twice": f"{SECRET}: 1\n{SECRET}: 2\n",
    "a tag": f"name: !{SECRET} x\n",
    "an alias": f"a: &{SECRET} x\nb: *{SECRET}\n",
    "an image that is no mapping": f"name: d\nimage: {SECRET}\n",
    "an image without a file": f"name: d\nimage: {{kind: {SECRET}}}\n",
    "a name that is no text": f"name: [{SECRET}]\nimage: {{file: x}}\n",
    "a description, and another thing": f"name: d\nimage: {{file: x}}\n---\npassword: {SECRET}\n",
    "what JSON cannot carry": "name: d\nimage: {file: x}\nsize: 1.0e999\n",
    "nothing": "---\n",
    "control characters": f"name: \x01{SECRET}\n",
}


async def read(client: httpx2.AsyncClient, path: Path | str) -> httpx2.Response:
    return await client.get(PATH, params={"file": f"server://{path}"})


def test_one_and_many_are_handed_out_as_they_are_written(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        one, two = house.description(unknown={"a": [1, None]}), house.description(name="other", os="bsd")
        (house.images / "one.yaml").write_text(yaml.safe_dump(one))
        (house.images / "many.json").write_text(json.dumps([one, two]))
        (house.images / "documents.yaml").write_text(yaml.safe_dump_all([one, two]))
        async with house.client() as client:
            assert (await read(client, house.images / "one.yaml")).json() == [one]
            for name in ("many.json", "documents.yaml"):
                assert (await read(client, house.images / name)).json() == [one, two]

    in_house(tmp_path, scenario)


@pytest.mark.parametrize("what", NO_DESCRIPTIONS)
def test_of_what_is_none_nothing_is_told(tmp_path: Path, what: str) -> None:
    async def scenario(house: House) -> None:
        file = house.images / "file.yaml"
        file.write_text(NO_DESCRIPTIONS[what])
        async with house.client() as client:
            answer = await read(client, file)
            assert (answer.status_code, answer.headers[CODE]) == (400, "5")
            assert f"server://{file} is not the description of an environment" in answer.text
            assert SECRET not in answer.text

    in_house(tmp_path, scenario)


def test_where_it_is_not_yaml_is_told_by_line_and_column(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        (house.images / "bad.yaml").write_text("name: d\nname: e\n")
        (house.images / "latin.yaml").write_bytes(b"name: \xe9\n")
        async with house.client() as client:
            assert "(not YAML at line 2, column 1)" in (await read(client, house.images / "bad.yaml")).text
            assert "it is not text in UTF-8" in (await read(client, house.images / "latin.yaml")).text

    in_house(tmp_path, scenario)


def test_files_that_are_not_to_be_read_are_refused_as_images_are(tmp_path: Path) -> None:
    async def scenario(house: House) -> None:
        description = yaml.safe_dump(house.description())
        (tmp_path / "outside.yaml").write_text(description)
        (house.images / "link.yaml").symlink_to(tmp_path / "outside.yaml")
        (house.images / "empty.yaml").touch()
        (house.images / "large.yaml").write_text(description + "#" * LARGEST)
        image = house.image()
        refused = {
            str(tmp_path / "outside.yaml"): "is not under a directory",
            str(tmp_path / "nothing.yaml"): "is not under a directory",
            str(house.images / "link.yaml"): "is not under a directory",
            f"{house.images}/../outside.yaml": "is not under a directory",
            "/etc/shadow": "is not under a directory",
            "/dev/zero": "is not under a directory",
            str(house.images): "is a",
            str(house.images / "nothing.yaml"): "does not exist",
            str(house.images / "empty.yaml"): "is empty",
            str(house.images / "large.yaml"): "bytes",
            str(image): "is not the description of an environment",
        }
        async with house.client() as client:
            for path, why in refused.items():
                answer = await read(client, path)
                assert (answer.status_code, answer.headers[CODE]) == (400, "5"), path
                assert why in answer.text, answer.text
            for file in ("http://127.0.0.1/d.yaml", "/etc/passwd", "upload://" + "0" * 64, "server://d.yaml", ""):
                answer = await client.get(PATH, params={"file": file})
                assert (answer.status_code, answer.headers[CODE]) == (400, "5"), file
            assert (await client.get(PATH)).headers[CODE] == "12"

    in_house(tmp_path, scenario)
