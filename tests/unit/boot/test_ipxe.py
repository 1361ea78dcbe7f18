from __future__ import annotations

import pytest

from kadeploy.boot.grub import Platform
from kadeploy.boot.local_disk import commands
from kadeploy.boot.menus.ipxe import MinimalBoot, disk, kernel_words, minimal, partition
from kadeploy.boot.partition import commands as of_partition
from kadeploy.errors import BadConfiguration
from tests.unit.boot.memory import node_of


def test_the_minimal_environment_is_told_who_it_is_and_where_to_report() -> None:
    boot = MinimalBoot(
        server="http://10.215.0.1:25301",
        meet="10.215.0.1:25302",
        node=node_of("node-1", mac="52:54:00:AB:00:01"),
        token="c0ffee",
        arguments=("quiet", "console=ttyS0,115200"),
    )
    assert minimal(boot) == (
        "#!ipxe\n"
        "kernel http://10.215.0.1:25301/boot/vmlinuz quiet console=ttyS0,115200"
        " kadeploy.server=http://10.215.0.1:25301 kadeploy.meet=10.215.0.1:25302 kadeploy.node=node-1"
        " kadeploy.token=c0ffee BOOTIF=01-52-54-00-ab-00-01 initrd=initrd\n"
        "initrd http://10.215.0.1:25301/boot/initrd\n"
        "boot\n"
    )


def test_the_authority_to_trust_is_told_where_there_is_one() -> None:
    boot = MinimalBoot(server="http://s", meet="s:1", node=node_of("node-1"), token="t", arguments=(), ca="ab" * 32)
    assert f" kadeploy.ca={'ab' * 32} " in minimal(boot)


def test_the_disk_is_started_by_each_firmware_s_way() -> None:
    assert disk("http://10.215.0.1:25301/boot/disk.efi") == (
        "#!ipxe\n"
        "iseq ${platform} efi && goto efi ||\n"
        "sanboot --no-describe --drive 0x80 || exit 1\n"
        ":efi\n"
        "chain http://10.215.0.1:25301/boot/disk.efi ||\n"
        "exit 1\n"
    )
    assert "chain" not in disk("")


def test_grub_tries_one_loader_after_the_other() -> None:
    assert commands(["/EFI/A.EFI", "/EFI/B.EFI"]) == (
        "search.file /EFI/A.EFI root\nchainloader /EFI/A.EFI\nboot\n"
        "search.file /EFI/B.EFI root\nchainloader /EFI/B.EFI\nboot\n"
        "exit\n"
    )


def test_a_partition_is_started_or_else_the_disk() -> None:
    otherwise = disk("http://10.215.0.1:25301/boot/disk.efi")
    first, second, *rest = partition("http://10.215.0.1:25301", "52:54:00:00:00:01", otherwise=otherwise).splitlines()
    assert (first, second) == (
        "#!ipxe",
        "chain http://10.215.0.1:25301/boot/partition/${platform}?mac=52:54:00:00:00:01 ||",
    )
    assert [first, *rest] == otherwise.splitlines()


def test_grub_tries_what_a_partition_may_hold() -> None:
    bios, efi = (of_partition(platform, 1, 3).splitlines() for platform in Platform)
    assert bios[:4] == ["set root=hd1,3", "chainloader +1", "boot", "configfile /boot/grub/grub.cfg"]
    assert bios[-4:] == ["set root=hd1", "chainloader +1", "boot", "exit"]
    assert efi[:2] == ["set root=hd1,3", "configfile /boot/grub/grub.cfg"]
    assert efi[-3:] == ["chainloader /EFI/Microsoft/Boot/bootmgfw.efi", "boot", "exit"]
    assert efi.index("chainloader /EFI/BOOT/BOOTX64.EFI") > efi.index("configfile /grub2/grub.cfg")


def test_kernel_arguments_are_words() -> None:
    assert kernel_words("  a=1   b \n c,d ") == ("a=1", "b", "c,d")
    assert kernel_words("a||b") == ("a||b",)


@pytest.mark.parametrize("text", ["a || b", "a && b", "a ; b", "a #b", "x=${net0/mac}", "a\x1bb"])
def test_what_ipxe_would_not_hand_on_is_refused(text: str) -> None:
    with pytest.raises(BadConfiguration, match="cannot be passed through iPXE"):
        kernel_words(text)
