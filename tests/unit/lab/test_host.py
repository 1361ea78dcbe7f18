"""What the lab decides about the machine it lives on: its networks, firewall, processor and processes."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from kadeploy.errors import BadConfiguration, CommandFailed
from kadeploy.lab.background import Background
from kadeploy.lab.command import run
from kadeploy.lab.libvirtd import can_virtualize
from kadeploy.lab.machines import check_reachable
from kadeploy.lab.network import may_drop, overlapping
from kadeploy.lab.without_kvm import without_namespaces

LAB = IPv4Network("10.214.0.0/24")


def test_a_subnet_that_is_in_use_is_named_with_its_interface() -> None:
    others = {"lo": [IPv4Network("127.0.0.0/8")], "eth0": [IPv4Network("10.214.0.128/25")]}
    assert overlapping(LAB, others) == "10.214.0.128/25 on eth0"


def test_other_networks_and_a_default_route_are_no_obstacle() -> None:
    others = {"eth0": [IPv4Network("10.213.0.0/16"), IPv4Network("0.0.0.0/0")]}
    assert overlapping(LAB, others) is None


@pytest.mark.parametrize(
    ("listing", "drops"),
    [
        ("-P FORWARD ACCEPT\n", False),
        ("-P FORWARD DROP\n", True),
        ("-P INPUT ACCEPT\n-A INPUT -j ufw-before-input\n", True),
        ("", False),
    ],
)
def test_a_firewall_that_could_drop_something(listing: str, drops: bool) -> None:
    assert may_drop(listing) is drops


@pytest.mark.parametrize(
    ("flags", "can"), [("fpu vmx sse", True), ("fpu svm", True), ("fpu sse hypervisor", False), ("vmxnet", False)]
)
def test_kvm_is_for_processors_that_have_virtualization(flags: str, can: bool) -> None:
    assert can_virtualize(f"processor : 0\nflags : {flags}\nbugs : svm\n") is can
    assert can_virtualize("") is False


def test_libvirt_is_told_not_to_rebuild_dev_and_nothing_else() -> None:
    conf = '# namespaces are good\nuser = "root"\nnamespaces = [ "mount" ]\n'
    assert without_namespaces(conf).splitlines() == ["# namespaces are good", 'user = "root"', "namespaces = []"]


def test_a_directory_that_qemu_may_not_enter_is_refused(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(BadConfiguration, match=f"QEMU's own user may not pass {closed}"):
        check_reachable(closed / "labs" / "try")


def test_a_number_in_a_file_is_not_yet_our_process(tmp_path: Path) -> None:
    pidfile = tmp_path / "pid"
    assert Background(pidfile=pidfile, mark="kadeploy").pid is None
    pidfile.write_text("not a number\n")
    assert Background(pidfile=pidfile, mark="kadeploy").pid is None
    pidfile.write_text("1\n")
    somebody_else = Background(pidfile=pidfile, mark=str(tmp_path))
    assert somebody_else.pid is None
    assert somebody_else.end() is False
    assert not pidfile.exists()


def test_a_background_process_is_started_known_and_ended(tmp_path: Path) -> None:
    mark = str(tmp_path / "marked")
    Path(mark).touch()
    process = Background(pidfile=tmp_path / "pid", mark=mark)
    pid = process.start(("/usr/bin/tail", "-f", mark), log=tmp_path / "log", env={})
    try:
        assert Path(f"/proc/{pid}/fd/0").readlink() == Path("/dev/null")
    finally:
        assert process.end() is True
    assert not Path(f"/proc/{pid}").exists()
    assert process.pid is None


def test_a_command_that_is_missing_or_fails_is_one_sentence() -> None:
    with pytest.raises(CommandFailed, match=r"no-such-command is not installed \(apt-get install its-package\)"):
        run(("no-such-command",), package="its-package")
    with pytest.raises(CommandFailed, match=r"ls /no/such/place: .*No such file or directory"):
        run(("ls", "/no/such/place"), package="coreutils")
