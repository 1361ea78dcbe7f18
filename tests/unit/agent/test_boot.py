"""What makes the installed system boot: GRUB's configuration, firmware entries, kernel arguments."""

from __future__ import annotations

from kadeploy.agent.efi import BootEntries, Entry, new_entry, order_with, parse_entries
from kadeploy.agent.grubcfg import grub_config, kernel_arguments, serial_lines

OVMF = """BootCurrent: 0002
Timeout: 0 seconds
BootOrder: 0001,0002,0003,0000,0004
Boot0000* UiApp\tFvVol(7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1)/FvFile(462caa21-7614-4503-836e-8ab6f4662331)
Boot0001* UEFI Misc Device\tPciRoot(0x0)/Pci(0x2,0x0)N.....YM....R,Y.
Boot0002* UEFI PXEv4 (MAC:525400123456)\tPciRoot(0x0)/Pci(0x3,0x0)/MAC(525400123456,1)/IPv4(0.0.0.00.0.0.0,0,0)N.....YM
Boot0003* UEFI HTTPv4 (MAC:525400123456)\tPciRoot(0x0)/Pci(0x3,0x0)/MAC(525400123456,1)/IPv4(0.0.0.0)/Uri()N.....YM
Boot0004  EFI Internal Shell\tFvVol(7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1)
Boot0005* kadeploy\tHD(2,GPT,e6e6,0x800,0x1000)/File(\\EFI\\BOOT\\BOOTX64.EFI)
"""


def test_the_firmware_s_entries() -> None:
    found = parse_entries(OVMF)
    assert (found.current, found.order) == ("0002", ("0001", "0002", "0003", "0000", "0004"))
    assert [entry.number for entry in found.entries if entry.is_network] == ["0002", "0003"]
    assert [entry.number for entry in found.entries if entry.is_ours] == ["0005"]


def test_vendors_name_the_network_in_their_ways() -> None:
    names = ["PXE IP4 Intel(R) I350", "Embedded NIC 1 Port 1: network boot", "IBA GE Slot IPv4", "Onboard HTTP boot"]
    assert all(Entry(number="0001", label=name).is_network for name in names)
    assert not Entry(number="0001", label="debian\tHD(1,GPT,..)/File(\\EFI\\debian\\shimx64.efi)").is_network


def test_the_node_asks_the_network_first_then_its_own_disk() -> None:
    found = parse_entries(OVMF)
    assert order_with("0005", found) == ("0002", "0003", "0005", "0001", "0000", "0004")
    again = BootEntries(current="0003", order=("0005", "0002", "0003", "0001"), entries=found.entries)
    assert order_with("0005", again) == ("0003", "0002", "0005", "0001")


def test_the_network_entry_that_booted_is_kept_even_if_it_was_in_no_order() -> None:
    found = BootEntries(current="0002", order=("0000",), entries=parse_entries(OVMF).entries)
    assert order_with("0005", found) == ("0002", "0005", "0000")
    nothing = parse_entries("BootOrder: \n")
    assert order_with("0005", nothing) == ("0005",)


def test_which_entry_is_new() -> None:
    entries = parse_entries(OVMF).entries
    assert new_entry(entries[:-1], entries) == "0005"
    assert new_entry(entries, entries) is None


def test_grub_boots_the_deployed_system_at_once() -> None:
    text = grub_config(
        uuid="ab-cd",
        filesystem="ext4",
        kernel="/boot/vmlinuz-6.1",
        initrd="/boot/initrd.img-6.1",
        params="quiet console=tty0 console=ttyS1,57600n8 init=/x;reboot",
    )
    assert text.splitlines()[1:] == [
        "set default=0",
        "set timeout=0",
        "serial --unit=1 --speed=57600",
        "terminal_input serial console",
        "terminal_output serial console",
        "insmod all_video",
        "set gfxpayload=keep",
        "insmod part_gpt",
        "insmod ext2",
        "search --no-floppy --fs-uuid --set=root ab-cd",
        'menuentry "Deployed system" {',
        "    linux /boot/vmlinuz-6.1 root=UUID=ab-cd ro quiet console=tty0 console=ttyS1,57600n8 init=/x\\;reboot",
        "    initrd /boot/initrd.img-6.1",
        "}",
    ]


def test_without_a_serial_console_or_an_initrd() -> None:
    text = grub_config(uuid="u", filesystem="xfs", kernel="/k", initrd="", params="")
    assert "serial" not in text
    assert "initrd" not in text
    assert "insmod xfs" in text
    assert "linux /k root=UUID=u ro\n" in text
    assert serial_lines("console=ttyS0")[0] == "serial --unit=0 --speed=115200"


def test_a_root_of_the_user_s_wins() -> None:
    assert kernel_arguments("u", " quiet ") == "root=UUID=u ro quiet"
    assert kernel_arguments("u", "root=/dev/nfs ip=dhcp") == "root=/dev/nfs ip=dhcp"
    assert kernel_arguments("u", "rd.root=x") == "root=UUID=u ro rd.root=x"
