"""How ipmitool(1) is told which BMC it talks to, for power and for consoles."""

from __future__ import annotations

from collections.abc import Mapping

from kadeploy.domain.node import Bmc


def words_to(bmc: Bmc) -> tuple[str, ...]:
    """The password is left to the environment (-E), since everybody can read arguments in /proc."""
    where = ("-I", "lanplus", "-H", bmc.address, "-p", str(bmc.port), "-U", bmc.user, "-E")
    return where if bmc.cipher_suite is None else (*where, "-C", str(bmc.cipher_suite))


def environment_for(bmc: Bmc) -> Mapping[str, str]:
    """In English, because what it says is read by a program."""
    return {"IPMI_PASSWORD": bmc.password, "LC_ALL": "C"}
