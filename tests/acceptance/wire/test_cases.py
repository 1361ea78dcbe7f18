"""Every recorded invocation of Kadeploy3's own tools, said again to this server, plainly and through TLS."""

from __future__ import annotations

import base64
import gzip
from pathlib import Path

import pytest

from tests.acceptance.wire.client import Client
from tests.acceptance.wire.file_server import file_server, path_of
from tests.acceptance.wire.play import Player, outcome
from tests.acceptance.wire.server import Kadeployd, refusing_node
from tests.acceptance.wire.stage import CASES, TOUCHED, Stage, cast, read_case

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6u3kqX9G1Yy0mE3pQHn8u1r0bq3c8b9vYc1xUoJ5yW alice@host\n"
APART = frozenset({"kadeploy-workflow-error", "kadeploy-anonymous-local-image", "kaenv-add-local-image"})
ORDINARY = sorted(path.stem for path in CASES.glob("*.json") if path.stem not in APART)
WITHOUT_BOOTLOADER = frozenset({"kadeploy-partition-options"})  # boots with what was installed before
WITHOUT_RIGHTS = frozenset({"kadeploy-rights-refused"})


def played(server: Kadeployd, directory: Path, name: str, *, client_port: int = 0) -> Player:
    case = cast(read_case(name), server, directory)
    given = case["given"][0]
    stage = Stage(server)
    stage.set({**given, "rights": {"bob": {"*": ["*"]}}} if name in WITHOUT_RIGHTS else given)
    if name in TOUCHED:
        stage.touch(case)
    if name in WITHOUT_BOOTLOADER:
        stage.install(outcome(case)[0])
    for exchange in case["exchanges"]:
        if isinstance(exchange["body"], dict) and "client" in exchange["body"]:
            exchange["body"]["client"] = f"http://127.0.0.1:{client_port}"
    player = Player(client=Client(server=server, user=case["user"]), case=case)
    player.play()
    return player


@pytest.mark.parametrize("name", ORDINARY)
def test_a_recorded_invocation(server: Kadeployd, tmp_path: Path, name: str) -> None:
    key = tmp_path / "key.pub"
    key.write_text(KEY)
    with file_server(key) as files:
        player = played(server, tmp_path, name, client_port=int(files.url.rpartition(":")[2]))
        if name == "kadeploy-recorded":
            assert ("GET", path_of(key), 200) in files.asked
    ok, ko = outcome(player.case)
    if "done" in player.answers:
        nodes = player.answers["done"].json()["nodes"]
        assert (set(nodes["ok"]), set(nodes["ko"])) == (ok, ko)
        assert player.heard, "its log was read"
    if name == "kastat-failure-rates":
        assert player.answers["/stats?kind=failure_rates&min_failure_rate=0.25"].json() == {refusing_node(): 1.0}
    if name == "kadeploy-status-on-enter":
        assert "status" in player.answers, "nodes were seen in a step"


@pytest.mark.parametrize("name", ["kadeploy-anonymous-local-image", "kaenv-add-local-image"])
def test_an_image_that_the_client_serves(server: Kadeployd, tmp_path: Path, name: str) -> None:
    image = tmp_path / "myenv.tgz"
    image.write_bytes(gzip.compress(b"bytes of an image" * 1000, mtime=0))
    with file_server(image) as files:
        player = played(server, tmp_path, name, client_port=int(files.url.rpartition(":")[2]))
        assert ("GET", path_of(image), 200) in files.asked
        assert all(status == 200 for _, _, status in files.asked)
    if name == "kadeploy-anonymous-local-image":
        assert player.answers["done"].json()["nodes"]["ko"] == []
    else:
        (recorded,) = player.client.get("/environments?last=true&name=myenv").json()
        assert recorded["image"]["file"] == str(image), "it is recorded as the user wrote it"


def test_a_file_that_is_gone(server: Kadeployd, tmp_path: Path) -> None:
    """Recorded is a launch that fails later; here it fails at once, with the number that the tool ends with."""
    case = cast(read_case("kadeploy-workflow-error"), server, tmp_path)
    Stage(server).set(case["given"][0])
    image = server.directory / "images" / "debian12.tgz"
    away = image.rename(image.with_suffix(".away"))
    try:
        player = Player(client=Client(server=server), case=case)
        for exchange in case["exchanges"][:4]:
            player.exchange(exchange)
        launch = case["exchanges"][4]
        answer = player.client.send("POST", "/deployment/", launch["body"])
    finally:
        away.rename(image)
    assert (answer.status, answer.headers["x-application-error-code"], answer.type) == (400, "5", "text/plain")
    told = base64.b64decode(answer.headers["x-application-error-info"]).decode()
    assert told.strip() == answer.text.strip()
    assert "debian12.tgz" in answer.text
