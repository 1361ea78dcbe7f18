"""Files that the client serves while it waits: image, archives, key, custom operations; plainly and with TLS."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.acceptance.wire.client import Client
from tests.acceptance.wire.file_server import FileServer, file_server, path_of
from tests.acceptance.wire.server import Kadeployd, healthy_nodes
from tests.acceptance.wire.stage import Json, Stage
from tests.integration.security.certificates import SERVER, TestAuthority

NODES = [name.partition(".")[0] for name in healthy_nodes()]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6u3kqX9G1Yy0mE3pQHn8u1r0bq3c8b9vYc1xUoJ5yW alice@host\n"


@pytest.fixture
def client(stage: Stage, plain: Kadeployd) -> Client:
    return Client(server=plain)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "a file with spaces+é.tgz"
    path.write_bytes(gzip.compress(b"bytes of an archive" * 1000, mtime=0))
    return path


def description(image: object, **more: object) -> Json:
    return {
        "kind": "anonymous",
        "name": "mine",
        "os": "linux",
        "image": {"file": str(image), "kind": "tar", "compression": "gzip"},
        "boot": {"kernel": "/vmlinuz", "initrd": "/initrd.img"},
        "filesystem": "ext4",
        **more,
    }


def got(files: FileServer) -> set[str]:
    """What was fetched; nothing else may have been asked."""
    assert {status for _, _, status in files.asked} == {200}, files.asked
    return {path for method, path, _ in files.asked if method == "GET"}


def test_one_client_serves_all_files_of_a_request(client: Client, tmp_path: Path, archive: Path) -> None:
    image, script, key = tmp_path / "image.tgz", tmp_path / "hello.sh", tmp_path / "key.pub"
    image.write_bytes(archive.read_bytes() * 2)
    script.write_text("#!/bin/sh\necho hello\n")
    key.write_text(KEY)
    operations = {
        "BroadcastEnv": {"send_environment": {"post-ops": [{"name": "hi", "action": "run", "file": str(script)}]}}
    }
    archives = {
        "preinstall": {"archive": str(archive), "compression": "gzip", "script": "none"},
        "postinstalls": [{"archive": f"local://{archive}", "compression": "gzip", "script": "none"}],
    }
    with file_server(image, archive, script, key) as files:
        answer = client.send(
            "POST",
            "/deployment/",
            {
                "nodes": NODES[:1],
                "environment": description(image, **archives),
                "custom_operations": operations,
                "ssh_authorized_keys": str(key),
                "client": files.url,
            },
        )
        assert answer.is_usable(), str(answer)
        view = client.until_done(answer.json()["resources"]["resource"])
        assert got(files) == {path_of(file) for file in (image, archive, script, key)}
    assert view["nodes"]["ko"] == []
    assert view["environment"]["id"] == -1


def test_a_secure_client_has_a_certificate_of_its_own_making(client: Client, tmp_path: Path, archive: Path) -> None:
    certificate = TestAuthority().issue("elsewhere.example.org", usage=SERVER).write(tmp_path / "client.pem")
    with file_server(archive, certificate=certificate) as files:
        body = {"nodes": NODES[:1], "environment": description(archive), "client": files.url}
        answer = client.send("POST", "/deployment/", body)
        assert answer.is_usable(), str(answer)
        client.until_done(answer.json()["resources"]["resource"])
        assert got(files) == {path_of(archive)}


def test_a_file_that_has_changed_is_fetched_again(client: Client, archive: Path) -> None:
    with file_server(archive) as files:
        body = {"nodes": NODES[:1], "environment": description(archive), "client": files.url}
        for count in (1, 2):
            archive.write_bytes(gzip.compress(b"another" * count, mtime=0))
            answer = client.send("POST", "/deployment/", body)
            assert answer.is_usable(), str(answer)
            client.until_done(answer.json()["resources"]["resource"])
        assert [path for method, path, _ in files.asked if method == "GET"] == [path_of(archive)] * 2


def test_a_key_for_the_minimal_environment(client: Client, tmp_path: Path) -> None:
    key = tmp_path / "key.pub"
    key.write_text(KEY)
    with file_server(key) as files:
        body = {"kind": "deploy_env", "nodes": NODES[:1], "ssh_authorized_keys": str(key), "client": files.url}
        answer = client.send("POST", "/reboot/", body)
        assert answer.is_usable(), str(answer)
        client.until_done(answer.json()["resources"]["resource"])
        assert got(files) == {path_of(key)}


def test_boot_files_of_a_profile(client: Client, tmp_path: Path) -> None:
    kernel = tmp_path / "kernel"
    kernel.write_bytes(b"a kernel")
    with file_server(kernel) as files:
        profile = "#!ipxe\nkernel FILES_PREFIX--kernel NODE_SINGULARITY\nboot\n"
        pxe = {"profile": profile, "singularities": {NODES[0]: "one"}, "files": [str(kernel)]}
        body = {"kind": "set_pxe", "nodes": NODES[:1], "pxe": pxe, "client": files.url}
        answer = client.send("POST", "/reboot/", body)
        assert answer.is_usable(), str(answer)
        view = client.until_done(answer.json()["resources"]["resource"])
        assert got(files) == {path_of(kernel)}
    assert view["nodes"]["ko"] == []


def test_recording_and_the_checksum_afterwards(client: Client, archive: Path) -> None:
    """What is recorded is the path as the user wrote it; each time its bytes are fetched before the answer."""
    wanted = {key: value for key, value in description(archive).items() if key != "kind"}
    with file_server(archive) as files:
        recorded = client.send("POST", "/environments/", {"client": files.url, "environment": wanted, "last": True})
        assert recorded.is_usable(), str(recorded)
        assert recorded.json()["image"]["file"] == str(archive)
        assert got(files) == {path_of(archive)}
        archive.write_bytes(gzip.compress(b"another system", mtime=0))
        body = {"client": files.url, "update_image_checksum": True, "last": True}
        changed = client.send("PUT", "/environments/alice/mine", body)
        assert changed.is_usable(), str(changed)
        launch = {"nodes": NODES[:1], "client": files.url, "dry_run": True}
        launch["environment"] = {"kind": "database", "user": "alice", "name": "mine", "version": 1}
        assert client.send("POST", "/deployment/", launch).is_usable()


@pytest.mark.parametrize(
    ("client_url", "file", "code", "told"),
    [
        ("", "/home/alice/x.tgz", "3", "the client does not serve it"),
        ("ftp://127.0.0.1:1", "/home/alice/x.tgz", "3", "client: must be http://HOST:PORT"),
        ("http://127.0.0.1:1", "x.tgz", "3", "must be an absolute path"),
        ("http://127.0.0.1:1", "/home/alice/x.tgz", "5", "/home/alice/x.tgz"),
    ],
)
def test_files_that_cannot_be_had(client: Client, client_url: str, file: str, code: str, told: str) -> None:
    body = {"nodes": NODES[:1], "environment": description(file), "client": client_url}
    answer = client.send("POST", "/deployment/", body)
    assert (answer.status, answer.headers["x-application-error-code"]) == (400, code), str(answer)
    assert told in answer.text
    assert json.dumps(client_url) not in answer.text or code == "3"


def test_a_file_that_the_client_does_not_have(client: Client, tmp_path: Path, archive: Path) -> None:
    with file_server(archive) as files:
        body = {"nodes": NODES[:1], "environment": description(tmp_path / "nothing.tgz"), "client": files.url}
        answer = client.send("POST", "/deployment/", body)
    assert answer.headers["x-application-error-code"] == "5"
    assert "nothing.tgz" in answer.text
    assert "404" in answer.text
