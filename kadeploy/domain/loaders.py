"""Where a system's own loader is found in its file system. Standard library only."""

from __future__ import annotations

from typing import Final

# The path for any machine (UEFI 3.5.1.1) first, then what systems name themselves.
EFI_LOADERS: Final = (
    "/EFI/BOOT/BOOTX64.EFI",
    "/EFI/debian/shimx64.efi",
    "/EFI/debian/grubx64.efi",
    "/EFI/ubuntu/shimx64.efi",
    "/EFI/fedora/shimx64.efi",
    "/EFI/centos/shimx64.efi",
    "/EFI/rocky/shimx64.efi",
    "/EFI/almalinux/shimx64.efi",
    "/EFI/redhat/shimx64.efi",
    "/EFI/opensuse/grubx64.efi",
    "/EFI/systemd/systemd-bootx64.efi",
    "/EFI/Microsoft/Boot/bootmgfw.efi",
)
# GRUB's menu: in the root file system, or in one that is mounted at /boot.
GRUB_MENUS: Final = ("/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/grub/grub.cfg", "/grub2/grub.cfg")
