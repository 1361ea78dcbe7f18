"""What users hand in: node ranges, keys, descriptions. Every fault is told, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from kadeploy.cli.description import read_source
from kadeploy.cli.sshkeys import key_fields
from kadeploy.cli.targets import read_targets
from kadeploy.errors import Faults, InvalidFile

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJt2mZ4Fz7v0r3kq4mJm3x3Qm0yD1w2b3c4d5e6f7g8h alice@client\n"


def test_ranges_and_files_are_joined(tmp_path: Path) -> None:
    file = tmp_path / "nodes"
    file.write_text("# two of them\nnode-[1-2]\n\nnode-7 # and one more\n")
    assert read_targets(["node-2", "node-[3-4]"], [str(file)]).folded == ["node-[1-4,7]"]


def test_every_faulty_range_is_told_with_its_place(tmp_path: Path) -> None:
    file, empty = tmp_path / "nodes", tmp_path / "empty"
    file.write_text("node-1\nnode-[3-1]\n")
    empty.write_text("# nobody\n")
    with pytest.raises(Faults) as raised:
        read_targets(["node-[", ""], [str(file), str(empty), str(tmp_path / "missing")])
    told = raised.value.faults
    assert len(told) == 5
    assert any(fault.startswith(f"-f {file}: line 2: 'node-[3-1]'") for fault in told)
    assert f"-f {empty}: names no node" in told
    assert f"-f {tmp_path / 'missing'}: cannot be read: No such file or directory" in told
    assert any(fault.startswith("-m '': the node list is empty") for fault in told)


def test_without_k_nothing_is_said_of_keys(tmp_path: Path) -> None:
    assert key_fields(None, tmp_path) == {}


def test_a_keys_content_travels(tmp_path: Path) -> None:
    file = tmp_path / "key.pub"
    file.write_text(KEY.rstrip())
    assert key_fields(str(file), tmp_path) == {"ssh_authorized_keys_content": KEY}


def test_an_address_is_left_to_the_server(tmp_path: Path) -> None:
    assert key_fields("https://keys/alice", tmp_path) == {"ssh_authorized_keys": "https://keys/alice"}


def test_the_users_own_keys_are_authorized_keys_else_public_keys(tmp_path: Path) -> None:
    directory = tmp_path / ".ssh"
    with pytest.raises(InvalidFile, match="ssh-keygen"):
        key_fields("", tmp_path)
    directory.mkdir()
    (directory / "id_a.pub").write_text(KEY)
    (directory / "id_b.pub").write_text(KEY)
    assert key_fields("", tmp_path) == {"ssh_authorized_keys_content": KEY + KEY}
    (directory / "authorized_keys").write_text('from="10.0.0.*" ' + KEY)
    assert key_fields("", tmp_path) == {"ssh_authorized_keys_content": 'from="10.0.0.*" ' + KEY}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("-----BEGIN OPENSSH PRIVATE KEY-----\n", "private key"),
        ("# none\n", "there is no key in it"),
        (KEY + "hello\n", "line 2 is not a public key"),
    ],
)
def test_what_is_no_public_key_never_leaves(tmp_path: Path, text: str, fault: str) -> None:
    file = tmp_path / "key"
    file.write_text(text)
    with pytest.raises(InvalidFile, match=fault):
        key_fields(str(file), tmp_path)


def test_a_description_is_read(tmp_path: Path) -> None:
    file = tmp_path / "env.yaml"
    file.write_text("name: debian12\nimage: {file: 'server:///srv/d.tar.zst', kind: tar, compression: zstd}\n")
    assert read_source(str(file)).content["name"] == "debian12"


def test_files_of_this_machine_that_are_not_there_are_all_told(tmp_path: Path) -> None:
    file = tmp_path / "env.yaml"
    file.write_text(
        "image: {file: /srv/a.tgz}\npreinstall: {archive: 'local://b.tgz'}\npostinstalls: [{archive: c.tgz}, {}]\n"
    )
    missing = [fault.split(": there is no")[0] for fault in read_source(str(file)).missing]
    assert missing == ["/srv/a.tgz", "local://b.tgz", "c.tgz"]


@pytest.mark.parametrize("text", ["[", "- a list\n", "text", ""])
def test_what_is_no_description(tmp_path: Path, text: str) -> None:
    file = tmp_path / "env.yaml"
    file.write_text(text)
    with pytest.raises(Faults, match=r"^-a .*env\.yaml: "):
        read_source(str(file))


def test_where_no_description_is_read_from() -> None:
    with pytest.raises(
        Faults, match=r"^-a ftp://x/y: no description is read from there \(a file, server:///PATH or http"
    ):
        read_source("ftp://x/y")
