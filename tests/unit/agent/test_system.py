"""What makes an unpacked tree a node's own."""

from __future__ import annotations

from pathlib import Path

from kadeploy.agent.commands.authorize import with_keys
from kadeploy.agent.commands.configure_system import forget_identity, write_fstab, write_hostname
from kadeploy.agent.fstab import SWAP, Entry, fstab, hosts

ROOT = Entry(uuid="r", where="/", filesystem="ext4")
ENTRIES = [
    Entry(uuid="s", where=SWAP, filesystem="swap", partuuid="ps"),
    Entry(uuid="t", where="/tmp", filesystem="xfs", partuuid="pt"),
    Entry(uuid="E-1", where="/boot/efi", filesystem="vfat"),
    ROOT,
]
OLD = """# of the machine the image was made on
UUID=old / ext4 defaults 0 1
/dev/sda2 none swap sw 0 0
LABEL=data /data ext4 defaults 0 2
tmpfs /tmp tmpfs size=1G 0 0
nfs.site:/home /home nfs rw,hard 0 0
tmpfs /run/cache tmpfs defaults 0 0
/swapfile none swap sw 0 0
"""


def test_fstab_is_this_node_s_and_keeps_what_comes_from_elsewhere() -> None:
    assert fstab(OLD, ENTRIES).splitlines()[1:] == [
        "UUID=r / ext4 errors=remount-ro 0 1",
        "UUID=E-1 /boot/efi auto umask=0077,nofail 0 2",
        "PARTUUID=pt /tmp auto nofail 0 2",
        "PARTUUID=ps none swap sw,nofail 0 0",
        "nfs.site:/home /home nfs rw,hard 0 0",
        "tmpfs /run/cache tmpfs defaults 0 0",
    ]
    assert fstab(fstab(OLD, ENTRIES), ENTRIES) == fstab(OLD, ENTRIES)


def test_hosts_know_the_node() -> None:
    old = "127.0.0.1\tlocalhost\n127.0.1.1 builder\n::1 localhost ip6-localhost\n"
    assert hosts(old, "node-1.site.net") == (
        "127.0.0.1\tlocalhost\n127.0.1.1 node-1.site.net node-1\n::1 localhost ip6-localhost\n"
    )
    assert hosts("", "n") == "127.0.0.1 localhost\n127.0.1.1 n\n"
    assert hosts(hosts(old, "n"), "n") == hosts(old, "n")


def test_keys_are_added_once() -> None:
    text, added = with_keys("ssh-rsa A a", "ssh-rsa B b\n\n  ssh-rsa A a \nssh-rsa B b\n")
    assert (text, added) == ("ssh-rsa A a\nssh-rsa B b\n", 1)
    assert with_keys(text, "ssh-rsa B b") == (text, 0)


def test_a_tree_is_written_within_itself(tmp_path: Path) -> None:
    tree, outside = tmp_path / "tree", tmp_path / "outside"
    (tree / "etc").mkdir(parents=True)
    (tree / "var/lib/dbus").mkdir(parents=True)
    outside.write_text("mine\n")
    (tree / "etc/hostname").symlink_to(outside)
    (tree / "etc/machine-id").write_text("old\n")
    (tree / "var/lib/dbus/machine-id").symlink_to("/etc/machine-id")
    write_hostname(tree, "node-1")
    write_fstab(tree, [ROOT, Entry(uuid="E-1", where="/boot/efi", filesystem="vfat")])
    forget_identity(tree)
    assert outside.read_text() == "mine\n"
    assert "127.0.1.1 node-1" in (tree / "etc/hosts").read_text()
    assert (tree / "boot/efi").is_dir()
    assert (tree / "etc/machine-id").read_text() == ""
