"""One machine's IPMI BMC, as a process: `python -m kadeploy.lab.ipmi FILE`.

virtualbmc's protocol and power, without its daemon (which needs a port of its own on the host for each lab), and with
what a server's BMC does and virtualbmc's does not: a power cycle, and a boot order in which the other devices stay.
"""

from __future__ import annotations

import sys
from pathlib import Path

import libvirt
from virtualbmc.vbmc import GET_BOOT_DEVICES_MAP, IPMI_COMMAND_NODE_BUSY, IPMI_INVALID_DATA, VirtualBMC

from kadeploy.errors import KadeployError
from kadeploy.lab import domain_xml
from kadeploy.lab.credentials import Credentials, read
from kadeploy.lab.libvirtd import URI, connection

DEVICES: dict[str, domain_xml.BootDevice] = {"network": "network", "hd": "hd"}
SESSION_TURN = 1  # seconds the server sleeps at most before it looks after its sessions


class Bmc(VirtualBMC):  # type: ignore[misc]  # virtualbmc has no types
    """What a VirtualBMC lacks."""

    def power_cycle(self) -> int | None:
        """Off and on again, also when it was off (IPMI 2.0, 28.3 leaves that to the BMC)."""
        failed = self.power_off()
        return failed if failed is not None else self.power_on()  # type: ignore[no-any-return]

    def power_reset(self) -> int | None:
        """A boot device that was chosen meanwhile is the one that is booted: QEMU learns of it only by a new start."""
        running = self._first_boot_device(0)
        if running == self._first_boot_device(libvirt.VIR_DOMAIN_XML_INACTIVE):
            return super().power_reset()  # type: ignore[no-any-return]
        return self.power_cycle()

    def get_boot_device(self) -> int:
        return int(GET_BOOT_DEVICES_MAP[self._first_boot_device(libvirt.VIR_DOMAIN_XML_INACTIVE)])

    def set_boot_device(self, bootdevice: str) -> int | None:
        if bootdevice not in DEVICES:
            return int(IPMI_INVALID_DATA)
        secure = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
        try:
            with connection() as conn:
                now = conn.lookupByName(self.domain_name).XMLDesc(secure)
                conn.defineXML(domain_xml.booting_first(now, DEVICES[bootdevice]))
        except KadeployError as error:
            print(f"set boot device: {error}", file=sys.stderr)
            return int(IPMI_COMMAND_NODE_BUSY)
        return None

    def _first_boot_device(self, flags: int) -> domain_xml.BootDevice:
        with connection(read_only=True) as conn:
            return domain_xml.first_boot_device(conn.lookupByName(self.domain_name).XMLDesc(flags))


def main() -> None:
    settings: Credentials = read(Path(sys.argv[1]))
    bmc = Bmc(
        username=settings.user,
        password=settings.password,
        address=settings.address,
        port=settings.port,
        domain_name=settings.domain,
        libvirt_uri=URI,
    )
    bmc.listen(timeout=SESSION_TURN)


if __name__ == "__main__":
    main()
