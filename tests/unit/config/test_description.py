"""An environment's description: every fault at once with its path, and what a valid one becomes."""

from __future__ import annotations

from typing import Any

import pytest

from kadeploy.config.description import describe, describe_text
from kadeploy.domain.environment import Environment, OsKind, Visibility
from kadeploy.domain.image import Compression, ImageKind
from kadeploy.errors import Faults


def valid(**changes: object) -> dict[str, Any]:
    description: dict[str, Any] = {
        "name": "debian12",
        "version": 3,
        "os": "linux",
        "image": {"file": "server:///srv/debian12.tar.zst", "kind": "tar", "compression": "zstd"},
        "boot": {"kernel": "/vmlinuz", "initrd": "/initrd.img", "kernel_params": "quiet"},
        "filesystem": "ext4",
        **changes,
    }
    return {key: value for key, value in description.items() if value is not None}


def faults_of(description: object) -> tuple[str, ...]:
    with pytest.raises(Faults) as caught:
        describe(description, user="alice")
    return caught.value.faults


def test_a_valid_one() -> None:
    written = valid(visibility="shared", destructive=True, author="a@b", bogus=1, user="mallory")
    described = describe(written, user="alice")
    environment = described.environment
    assert (environment.name, environment.version, environment.user) == ("debian12", 3, "alice")
    assert (environment.os, environment.visibility, environment.destructive) == (OsKind.LINUX, Visibility.SHARED, True)
    assert (environment.image.kind, environment.image.compression) == (ImageKind.TAR, Compression.ZSTD)
    assert environment.boot.kernel_params == "quiet"
    assert described.warnings == ("bogus: is not a known key",)
    assert environment.description == {key: value for key, value in written.items() if key != "user"}


def test_everything_wrong_is_told_at_once() -> None:
    assert faults_of(
        {
            "name": " x%",
            "version": "new",
            "os": "bsd",
            "visibility": "secret",
            "image": {"file": "ftp://host/x", "kind": "tar", "compression": "rar"},
            "boot": {"kernel": "../vmlinuz", "kernel_params": "a\nb"},
            "filesytem": "ext4",
        }
    ) == (
        "name: must not begin or end with a space",
        "version: must be a whole number, not 'new'",
        "visibility: must be private, shared or public, not 'secret'",
        "os: must be linux, xen or other, not 'bsd'",
        "image.file: must be server:///PATH, http://… or https://…, not 'ftp://host/x'",
        "image.compression: must be none, gzip, bzip2, xz, zstd, lz4, not 'rar'",
        "boot.kernel: must not leave the image with ..",
        "boot.kernel_params: must be one line without control characters",
        "filesystem: is required for a tar image",
        "filesytem: is not a known key; did you mean filesystem?",
    )


@pytest.mark.parametrize(
    ("description", "fault"),
    [
        ({}, "name: is required"),
        ([], "must be a mapping of keys to values, not a list"),
        (None, "must be a mapping of keys to values, not nothing"),
        (valid(name=""), "name: must not be empty"),
        (valid(name="x" * 256), "name: must have at most 255 characters"),
        (valid(version=-1), "version: must be at least 0, not -1"),
        (valid(image={"kind": "tar", "compression": "gzip"}), "image.file: is required"),
        (valid(image={"file": "server://srv/x", "kind": "tar", "compression": "xz"}), "image.file: must be server:///"),
        (
            valid(image={"file": "server:///x", "kind": "tar"}),
            "image.compression: is required for a tar image",
        ),
        (
            valid(image={"file": "server:///x", "kind": "fsa", "compression": "gzip"}),
            "image.compression: must be 0 to 9 for an fsa image, not 'gzip'",
        ),
        (
            valid(image={"file": "server:///x", "kind": "tar", "compression": "xz", "checksum": "abc"}),
            "image.checksum: must be a SHA-256 in hexadecimal: 64 digits",
        ),
        (valid(boot={}), "boot.kernel: is required for a tar image"),
        (valid(os="xen"), "boot.hypervisor: is required for a tar image with os: xen"),
        (valid(multipart=True), "image.kind: must be fsa when multipart is true, not 'tar'"),
        (valid(postinstalls={"archive": "x"}), "postinstalls: must be a list, not a mapping"),
        (valid(postinstalls=[{"archive": "server:///x"}]), "postinstalls[0].compression: is required"),
        (valid(preinstall={}), "preinstall.archive: is required"),
        (valid(image={"file": "server:///x", "kind": "dd"}), "image.compression: is required for a dd image"),
        (valid(image={"file": "server:///x", "kind": "fsa"}), "image.compression: is required for an fsa image"),
        (
            valid(image={"file": "server:///x", "kind": "fsa", "compression": "12"}),
            "image.compression: must be 0 to 9 for an fsa image, not '12'",
        ),
        (
            valid(image={"file": "server:///x", "kind": "iso", "compression": "xz"}),
            "image.kind: must be tar, dd or fsa",
        ),
        (valid(image=None), "image: is required"),
        (valid(os=None), "os: is required"),
        (valid(name="a\nb"), "name: must be one line without control characters"),
        (valid(version=2**31), "version: must be at most 2147483647"),
        (valid(version=1.5), "version: must be a whole number, not 1.5"),
        (valid(description="x" * 10_001), "description: must have at most 10000 characters"),
        (valid(author="x" * 4097), "author: must have at most 4096 characters"),
        (valid(alias="deb@bob"), "alias: must not hold @, : or /"),
        (valid(alias="d%"), "alias: must not hold %"),
        (valid(arch="vax"), "arch: must be x86_64, aarch64, ppc64le, riscv64, s390x or i686, not 'vax'"),
        (valid(image="x.tgz"), "image: must be a mapping of keys to values, not 'x.tgz'"),
        (valid(boot="vmlinuz"), "boot: must be a mapping of keys to values, not 'vmlinuz'"),
        (valid(filesystem="x" * 33), "filesystem: must have at most 32 characters"),
        (valid(filesystem=None), "filesystem: is required for a tar image"),
        (valid(preinstall=[]), "preinstall: must be a mapping of keys to values, not a list"),
        (
            valid(preinstall={"archive": "server:///x", "compression": "zip"}),
            "preinstall.compression: must be none, gzip, bzip2, xz, zstd or lz4, not 'zip'",
        ),
        (
            valid(postinstalls=[{"archive": "server:///x", "compression": "gzip", "script": "a\nb"}]),
            "postinstalls[0].script: must be one line",
        ),
        (
            valid(postinstalls=[{"archive": "server:///x", "compression": "gzip", "checksum": "1234"}]),
            "postinstalls[0].checksum: must be a SHA-256",
        ),
        (valid(boot={"kernel": "/k", "initrd": "a/../../b"}), "boot.initrd: must not leave the image"),
        (valid(boot={"kernel": "/k", "block_device": "/dev/../sda"}), "boot.block_device: must be a device"),
        (valid(boot={"kernel": "/k", "partition": 0}), "boot.partition: must be at least 1"),
        (valid(options=[1]), "options: must be a mapping of keys to values"),
        (valid(options={"partitions": [{"id": -1, "device": "sda1"}]}), "options.partitions[0].id: must be at least 0"),
        (valid(options={"partitions": [{"id": 1}]}), "options.partitions[0].device: is required"),
        (valid(multipart=1.5), "multipart: must be true or false"),
        (valid(partition_type=True), "partition_type: must be a number such as 131 or 0x83, not True"),
        (valid(custom_variables=["a"]), "custom_variables: must be a mapping"),
        (valid(partition_type="ext4"), "partition_type: must be a number such as 131 or 0x83, not 'ext4'"),
        (valid(destructive="perhaps"), "destructive: must be true or false, not 'perhaps'"),
        (valid(extra=float("nan")), "extra: nan is not a number"),
        (valid(extra=[{1: 2}]), "extra[0]: the key 1 must be text"),
        (valid(extra={"deep": {3}}), "extra.deep: cannot be a set"),
    ],
)
def test_one_fault(description: object, fault: str) -> None:
    told = faults_of(description)
    assert any(line.startswith(fault) for line in told), told


def test_fsa_with_several_partitions_needs_what_kadeploy3_needed() -> None:
    image = {"file": "server:///x.fsa", "kind": "fsa", "compression": 3}
    told = faults_of(valid(image=image, multipart=True, boot={}, filesystem=None))
    assert told == (
        "boot.block_device: is required when multipart is true",
        "boot.partition: is required when multipart is true",
        "options.partitions: is required when multipart is true",
    )
    parts = [{"id": 0, "device": "sda1"}, {"id": 1, "device": "/dev/sda3"}]
    whole = describe(
        valid(image=image, multipart=True, boot={"block_device": "sda", "partition": 3}, options={"partitions": parts}),
        user="alice",
    ).environment
    assert [(part.id, part.device) for part in whole.parts] == [(0, "/dev/sda1"), (1, "/dev/sda3")]
    assert (whole.boot_disk, whole.boot_partition) == ("/dev/sda", 3)
    doubled = [{"id": 0, "device": "/dev/sda1"}, {"id": 0, "device": "sda1"}]
    boot = {"block_device": "/dev/sda", "partition": 1}
    told = faults_of(valid(image=image, multipart=True, boot=boot, options={"partitions": doubled}))
    assert told == (
        "options.partitions[1].id: 0 is given twice",
        "options.partitions[1].device: sda1 is given twice",
    )


@pytest.mark.parametrize("compression", ["none", "gzip", "bzip2", "xz", "zstd", "lz4"])
def test_compressions(compression: str) -> None:
    image = {"file": "http://images/x", "kind": "tar", "compression": compression}
    assert describe(valid(image=image), user="a").environment.image.compression == Compression(compression)


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ("A" * 64, "a" * 64),
        (f"sha256:{'0' * 64}", "0" * 64),
        ("d41d8cd98f00b204e9800998ecf8427e", "md5:d41d8cd98f00b204e9800998ecf8427e"),
        ('etag:"10a-3f-52"', "etag:10a-3f-52"),
        (None, ""),
        ("", ""),
    ],
)
def test_checksums_of_now_and_of_kadeploy3(given: str | None, known: str) -> None:
    image = {"file": "server:///x", "kind": "tar", "compression": "xz", "checksum": given}
    assert describe(valid(image=image), user="a").environment.image.checksum == known


def test_processors_have_several_names() -> None:
    read = [describe(valid(arch=name), user="a").environment.architecture for name in ("amd64", "x86_64", "arm64")]
    assert read == ["x86_64", "x86_64", "aarch64"]


def test_what_is_left_empty_is_left_out() -> None:
    empty = {"preinstall": "", "postinstalls": "", "author": "", "options": "", "partition_type": "", "alias": ""}
    given: dict[str, object] = {**valid(), **dict.fromkeys(empty)}
    environment = describe(given, user="alice").environment
    assert (environment.preinstall, environment.postinstalls, environment.alias) == (None, (), "")


def test_text_is_read_as_yaml_without_its_traps() -> None:
    text = "name: d\nversion: 1\nos: linux\nauthor: 2024-01-02\nfilesystem: ext4\npartition_type: 0x83\n"
    text += "image: {file: 'server:///x', kind: tar, compression: gzip}\nboot: {kernel: vmlinuz}\n"
    environment = describe_text(text, user="alice").environment
    assert environment.description["author"] == "2024-01-02"
    assert environment.description["partition_type"] == 131
    assert environment.boot.kernel == "/vmlinuz"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name: a\nname: b\n", "line 2, column 1: the key 'name' is given twice"),
        ("a: &x [1]\nb: *x\n", "line 2, column 4: aliases (*name) are not accepted here"),
        ("[" * 100_000, "line 1, column 51: nested more than 50 deep"),
        ("name: [", "line 2, column 1: did not find expected node content"),
        ("\x00", "not YAML"),
        ("!!python/object:os.system {}", "line 1, column 1: tags (!name) are not accepted here"),
    ],
)
def test_text_that_is_no_good_yaml(text: str, fault: str) -> None:
    with pytest.raises(Faults) as caught:
        describe_text(text, user="alice")
    assert caught.value.faults[0].startswith(fault), caught.value.faults


def test_variables_for_scripts_and_the_partition_type() -> None:
    def described(**more: object) -> Environment:
        return describe(valid(**more), user="alice").environment

    environment = described(custom_variables={"SITE": "nancy", "COUNT": 3}, partition_type="0x83")
    assert environment.custom_variables == {"SITE": "nancy", "COUNT": "3"}
    assert environment.partition_type == 0x83
    assert [described(partition_type=given).partition_type for given in (131, "131", "8e")] == [131, 131, 0x8E]
    assert faults_of(valid(custom_variables={"a b": "x", "KADEPLOY_ENV": "x"})) == (
        "custom_variables: a b: is no name of a variable: letters, digits and _ only, no digit first; "
        "KADEPLOY_ENV: names that begin with KADEPLOY_ are Kadeploy's own",
    )
