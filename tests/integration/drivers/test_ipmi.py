"""BMCs with manners of their own, as a command of ipmitool's name plays them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from kadeploy.domain.node import Bmc, BmcKind, Node
from kadeploy.drivers.power.driver import PowerRefused, PowerState, PowerTimings
from kadeploy.drivers.power.ipmi import IpmiPower

BMC = Bmc(driver=BmcKind.IPMI, address="bmc-1", user="admin", password="secret")
NODE = Node(name="node-1", cluster="c", address="192.0.2.1", block_device="/dev/sda", bmc=BMC)

# $STATE is a file with the power in it; the last argument is the verb.
PLAYED = """#!/bin/sh
cd "$(dirname "$0")"
for verb; do :; done
echo "$verb $IPMI_PASSWORD" >> log
state=$(cat power)
say_no() { echo "Set Chassis Power Control to $verb failed: $1" >&2; exit 1; }
"""


def play(folder: Path, monkeypatch: pytest.MonkeyPatch, power: str, script: str) -> None:
    (folder / "power").write_text(power)
    (folder / "ipmitool").write_text(PLAYED + script)
    (folder / "ipmitool").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def driver() -> IpmiPower:
    return IpmiPower(timings=PowerTimings(look=0.01, settle=1.0))


def log_of(folder: Path) -> list[str]:
    return [line.split()[0] for line in (folder / "log").read_text().splitlines()]


def test_a_bmc_that_cannot_reset_is_switched_off_and_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = """case $verb in
status) echo "Chassis Power is $state" ;;
reset) say_no "Invalid data field in request" ;;
*) echo $verb > power ;;
esac
"""
    play(tmp_path, monkeypatch, "on", script)
    asyncio.run(driver().cycle(NODE))
    assert log_of(tmp_path) == ["status", "reset", "off", "status", "on", "status"]
    assert "off secret" in (tmp_path / "log").read_text(), "the password comes by the environment"


def test_a_bmc_that_refuses_to_switch_on_what_is_on_has_obeyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = """case $verb in
status) echo "Chassis Power is $state" ;;
*) say_no "Command not supported in present state" ;;
esac
"""
    play(tmp_path, monkeypatch, "on", script)
    asyncio.run(driver().on(NODE))
    with pytest.raises(PowerRefused, match="Command not supported in present state"):
        asyncio.run(driver().off(NODE))


def test_a_bmc_that_is_slow_to_act_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = """case $verb in
status) echo "Chassis Power is $state"; [ $(grep -c status log) -lt 3 ] || echo off > power ;;
esac
"""
    play(tmp_path, monkeypatch, "on", script)
    asyncio.run(driver().off(NODE))
    assert log_of(tmp_path) == ["off", "status", "status", "status", "status"]


def test_a_bmc_that_says_yes_and_does_nothing_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play(tmp_path, monkeypatch, "on", 'echo "Chassis Power is on"\n')
    with pytest.raises(PowerRefused, match="accepted the order, but the power was not off after 1 s"):
        asyncio.run(driver().off(NODE))


def test_a_bmc_that_fails_at_the_reset_is_not_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = """[ $verb = status ] && echo "Chassis Power is on" || say_no "Node busy"
"""
    play(tmp_path, monkeypatch, "on", script)
    with pytest.raises(PowerRefused, match="Node busy"):
        asyncio.run(driver().cycle(NODE))
    assert log_of(tmp_path) == ["status", "reset"]


def test_an_ipmitool_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play(tmp_path, monkeypatch, "on", "sleep 60\n")
    hasty = IpmiPower(timings=PowerTimings(answer=0.2))
    with pytest.raises(PowerRefused, match=r"the BMC did not answer in time \(bmc-1:623\)"):
        asyncio.run(hasty.status(NODE))


def test_without_ipmitool_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PowerRefused, match="Debian package ipmitool"):
        asyncio.run(driver().status(NODE))


def test_status_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play(tmp_path, monkeypatch, "off", 'echo "Chassis Power is $state"\n')
    assert asyncio.run(driver().status(NODE)) is PowerState.OFF
