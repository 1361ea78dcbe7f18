"""OpenIPMI's own BMCs (ipmi_sim, of another hand than virtualbmc): power, and serial over LAN.

The power is in a file for each; the serial line is a device. See ipmi_sim(1), ipmi_lan(5), ipmi_sim_cmd(5).
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from kadeploy.domain.node import Bmc, BmcKind
from tests.contract.simulators.running import free_udp_ports

CIPHER_SUITE = 3  # the only one it has; it does not answer the question which
PROMPT = b"> "  # of its own console: it serves

# A BMC is empty until it gets a management controller: Get Device ID (IPMI 2.0, 20.1), field by field.
COMMANDS = "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02\nmc_enable 0x20\n"
# Called with the controller's address, then `get power`, `set power 0`, `set power 1` or `set reset 1`.
CHASSIS = """#!/bin/sh
case "$2 $3" in
"get power") echo "power:$(cat {power})" ;;
"set power") echo "$4" > {power} ;;
esac
"""
LAN = """name "bmc"
set_working_mc 0x20
startlan 1
  addr 127.0.0.1 {port}
  priv_limit admin
  allowed_auths_admin md5
  guid a123456789abcdefa123456789abcdef
endlan
chassis_control "{chassis} 0x20"
{serial}
user 2 true "{user}" "{password}" admin 10 md5
"""


@contextlib.contextmanager
def openipmi(folder: Path, *, user: str, password: str, serial: str = "") -> Iterator[Bmc]:
    """One BMC of a machine that is off. `serial` is the path of the terminal that is its serial line."""
    assert shutil.which("ipmi_sim"), "ipmi_sim is not here: run `make setup`"
    (port,) = free_udp_ports(1)
    folder.mkdir()
    power, chassis, lan = folder / "power", folder / "chassis", folder / "lan.conf"
    power.write_text("0")
    chassis.write_text(CHASSIS.format(power=power))
    chassis.chmod(0o755)
    line = f'sol "{serial}" 115200' if serial else ""
    lan.write_text(LAN.format(port=port, chassis=chassis, serial=line, user=user, password=password))
    (folder / "commands").write_text(COMMANDS)
    argv: list[str | Path] = ["ipmi_sim", "-c", lan, "-f", folder / "commands", "-s", folder]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as child:
        try:
            await_prompt(child)
            yield Bmc(
                driver=BmcKind.IPMI,
                address="127.0.0.1",
                port=port,
                user=user,
                password=password,
                cipher_suite=CIPHER_SUITE,
            )
        finally:
            child.kill()


def await_prompt(child: subprocess.Popen[bytes]) -> None:
    assert child.stdout is not None
    said = b""
    while not said.endswith(PROMPT):
        byte = child.stdout.read(1)
        assert byte, f"ipmi_sim did not start: {said.decode(errors='replace')}"
        said += byte
