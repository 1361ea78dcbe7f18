from __future__ import annotations

import pytest

from kadeploy.domain.node import Bmc, BmcKind
from kadeploy.drivers.power.driver import PowerRefused, PowerState, PowerTimings
from kadeploy.drivers.power.ipmi import argv_of, meaning, parse_status
from kadeploy.process import Finished

BMC = Bmc(driver=BmcKind.IPMI, address="bmc-1", port=6230, user="admin", password="secret")

# Recorded from ipmitool 1.8.19 against virtualbmc 3.3, and its own message strings for what that cannot be made to do.
SAID = [
    (
        "Loading IANA PEN Registry...\nUsing best available cipher suite 3\n\n> RAKP 2 HMAC is invalid\n"
        "Error: Unable to establish IPMI v2 / RMCP+ session\n",
        "the BMC refused the user or password (bmc-1:6230)",
    ),
    (
        "> Error: no response from RAKP 1 message\nSet Session Privilege Level to ADMINISTRATOR failed\n"
        "Error: Unable to establish IPMI v2 / RMCP+ session\n",
        "the BMC refused the user or password (bmc-1:6230)",
    ),
    (
        "> RAKP 2 message indicates an error : unauthorized name\nError: Unable to establish IPMI v2 / RMCP+ session\n",
        "the BMC refused the user or password (bmc-1:6230)",
    ),
    (
        "Set Session Privilege Level to ADMINISTRATOR failed\nError: Unable to establish IPMI v2 / RMCP+ session\n",
        "the BMC's user is no administrator there (bmc-1:6230)",
    ),
    (
        "Get Auth Capabilities error\nError issuing Get Channel Authentication Capabilities request\n"
        "Error: Unable to establish IPMI v2 / RMCP+ session\n",
        "the BMC does not answer (bmc-1:6230)",
    ),
    (
        "Address lookup for bmc-1 failed\nCould not open socket!\nError: Unable to establish IPMI v2 / RMCP+ session\n",
        "the name of the BMC is not known (bmc-1:6230)",
    ),
    (
        "Unable to get Chassis Power Status\nClose Session command failed\n",
        "the BMC stopped answering (bmc-1:6230)",
    ),
    (
        "Set Chassis Power Control to Up/On failed: Node busy\n",
        "ipmitool exited with 1: Set Chassis Power Control to Up/On failed: Node busy (bmc-1:6230)",
    ),
]


def failed(stderr: str, *, status: int = 1, timed_out: bool = False) -> Finished:
    return Finished(argv=("ipmitool",), status=status, stdout="", stderr=stderr, timed_out=timed_out)


@pytest.mark.parametrize(("stderr", "means"), SAID)
def test_what_ipmitool_says_is_put_into_words(stderr: str, means: str) -> None:
    assert meaning(failed(stderr), BMC) == means


def test_time_and_a_missing_program_are_told() -> None:
    assert meaning(failed("", status=-9, timed_out=True), BMC) == "the BMC did not answer in time (bmc-1:6230)"
    assert "Debian package ipmitool" in meaning(failed("No such file or directory", status=127), BMC)


def test_the_password_is_not_an_argument() -> None:
    argv = argv_of(BMC, "status", PowerTimings())
    assert not any("secret" in word for word in argv)
    assert "-E" in argv
    assert argv[-3:] == ("chassis", "power", "status")


def test_status_is_read_or_refused() -> None:
    assert parse_status("Chassis Power is on\n") is PowerState.ON
    assert parse_status("Chassis Power is off\n") is PowerState.OFF
    with pytest.raises(PowerRefused, match="not understood: 'Chassis Power is wet'"):
        parse_status("Chassis Power is wet\n")
