"""What of the packages goes into the file system: GRUB's modules, libraries, files left out, arguments."""

from __future__ import annotations

import pytest

from kadeploy.minienv import grub, libraries, packages
from kadeploy.minienv.arguments import KERNEL_ARGUMENTS
from kadeploy.minienv.tree import is_left_out


def test_grub_modules_come_with_what_they_need() -> None:
    depends = grub.parse_moddep("linux: boot mmap\nboot:\nmmap: boot\nhello: extcmd\n")
    assert grub.select(["linux", "nothing"], depends) == (frozenset({"linux", "boot", "mmap"}), ("nothing",))


@pytest.mark.parametrize("module", ["part_gpt", "part_msdos", "ext2", "xfs", "btrfs", "fat", "linux", "chain"])
def test_grub_can_boot_from_every_layout(module: str) -> None:
    assert module in grub.WANTED


def test_the_linkers_list_is_read_whole() -> None:
    text = """\
\tlinux-vdso.so.1 (0x00007ffe)
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f17)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f18)
"""
    assert libraries.parse_list(text) == {"/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"}


@pytest.mark.parametrize("name", ["asyncio/base_events.py", "ssl.py", "json/decoder.py", "tarfile.py", "zipimport.py"])
def test_what_an_agent_of_the_standard_library_uses_stays(name: str) -> None:
    assert not is_left_out(f"usr/lib/python3.11/{name}")


@pytest.mark.parametrize("name", ["_ssl", "_hashlib", "_lzma", "_bz2", "_asyncio", "_json", "_struct"])
def test_its_compiled_parts_stay(name: str) -> None:
    assert not is_left_out(f"usr/lib/python3.11/lib-dynload/{name}.cpython-311-x86_64-linux-gnu.so")


@pytest.mark.parametrize(
    "name", ["test/support/__init__.py", "idlelib/run.py", "lib-dynload/_sqlite3.cpython-311-x.so"]
)
def test_what_no_agent_uses_goes(name: str) -> None:
    assert is_left_out(f"usr/lib/python3.11/{name}")


def test_every_link_leads_to_a_program_that_is_there() -> None:
    names = {path.rpartition("/")[2] for path in packages.PROGRAMS} | {"grub-bios-setup"}
    assert {target.rpartition("/")[2] for target in packages.LINKS.values()} <= names


def test_no_program_is_named_twice() -> None:
    assert len(set(packages.PROGRAMS)) == len(packages.PROGRAMS)


def test_kernel_arguments_can_be_put_in_any_boot_menu() -> None:
    assert all(word and not set(word) & set(" \t\"'{}$;&|#") for word in KERNEL_ARGUMENTS)
