from __future__ import annotations

from pathlib import Path

import pytest

from kadeploy.agent.tree import existing, faults_of, inside, resolve
from kadeploy.errors import CommandFailed


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "boot").mkdir(parents=True)
    (root / "usr/lib").mkdir(parents=True)
    (root / "boot/vmlinuz-6.1").touch()
    for name, target in {
        "vmlinuz": "boot/vmlinuz-6.1",
        "absolute": "/boot/vmlinuz-6.1",
        "lib": "usr/lib",
        "usr/lib/up": "../../boot",
        "out": "/../../../../boot/vmlinuz-6.1",
        "dangling": "/boot/none",
        "circle": "circle",
        "passwd": "/etc/passwd",
    }.items():
        (root / name).symlink_to(target)
    return root


@pytest.mark.parametrize(
    "path",
    ["/vmlinuz", "vmlinuz", "/absolute", "/out", "/lib/up/vmlinuz-6.1", "/lib/../boot/./vmlinuz-6.1", "//vmlinuz"],
)
def test_links_are_followed_as_in_the_running_system(tree: Path, path: str) -> None:
    """`..` goes up from where a link led, as in the kernel."""
    expected = "/usr/boot/vmlinuz-6.1" if path.startswith("/lib/..") else "/boot/vmlinuz-6.1"
    assert resolve(tree, path) == expected


def test_nothing_leads_out_of_the_tree(tree: Path) -> None:
    assert inside(tree, "/passwd") == tree / "etc/passwd"
    assert inside(tree, "../../etc/passwd") == tree / "etc/passwd"


def test_a_circle_ends(tree: Path) -> None:
    with pytest.raises(CommandFailed, match="too many links"):
        resolve(tree, "/circle")


def test_every_missing_file_is_named(tree: Path) -> None:
    assert faults_of(tree, ("/vmlinuz", "/dangling", "/initrd.img", "/boot")) == [
        "the image has no file /dangling, which leads to /boot/none",
        "the image has no file /initrd.img",
        "the image has no file /boot",
    ]
    assert existing(tree, "/vmlinuz") == "/boot/vmlinuz-6.1"
    with pytest.raises(CommandFailed, match="the image has no file /none"):
        existing(tree, "/none")
