"""Which addresses a fetch may connect to."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from kadeploy.files.reach import Reach, parse_address


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("10.1.2.3", True),  # a site's own network: that is where images are
        ("2001:db8::1", True),
        ("192.0.2.1", True),
        ("127.0.0.1", False),
        ("127.8.9.1", False),
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("169.254.169.254", False),
        ("::ffff:169.254.169.254", False),
        ("fe80::1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("224.0.0.1", False),
        ("ff02::1", False),
    ],
)
def test_what_machines_keep_for_themselves_is_refused(address: str, allowed: bool) -> None:
    assert Reach().allows(ip_address(address)) is allowed


def test_what_is_permitted_and_ones_own_are_allowed() -> None:
    reach = Reach(permitted=(ip_network("127.0.0.0/8"),), own="fe80::7%eth0")
    assert reach.allows(ip_address("127.0.0.1"))
    assert reach.allows(ip_address("::ffff:127.0.0.1"))
    assert reach.allows(ip_address("fe80::7"))
    assert not reach.allows(ip_address("fe80::8"))
    assert Reach(everything=True).allows(ip_address("127.0.0.1"))


def test_a_clients_files_are_nowhere_but_at_the_client() -> None:
    reach = Reach(own="10.0.0.7", only_own=True)
    assert reach.allows(ip_address("10.0.0.7"))
    assert reach.allows(ip_address("::ffff:10.0.0.7"))
    assert not reach.allows(ip_address("10.0.0.8"))
    assert not Reach(only_own=True).allows(ip_address("10.0.0.8"))


def test_a_name_is_no_address() -> None:
    assert parse_address("localhost") is None
    assert parse_address("") is None
