from __future__ import annotations

import socket

from kadeploy.boot.solicitations import advertisement, checksum, link_local


def test_the_checksum_is_the_internet_s() -> None:
    # The example of RFC 1071, 3: the sum of these words is ddf2.
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF ^ 0xDDF2


def test_a_card_s_own_address() -> None:
    assert socket.inet_ntop(socket.AF_INET6, link_local(bytes.fromhex("525400ab0001"))) == "fe80::5054:ff:feab:1"


def test_an_advertisement_says_that_there_is_no_router() -> None:
    ours, asker = link_local(bytes.fromhex("525400ab0001")), link_local(bytes.fromhex("525400ab0002"))
    packet = advertisement(ours, asker)
    assert packet[:8].hex() == "600000000010" + "3a" + "ff"
    assert packet[8:24] == ours
    assert packet[24:40] == asker
    assert packet[40:42].hex() == "8600"
    assert packet[44:].hex() == "00" * 12  # no hop limit, no flags, lifetime 0, no timers, no options
    assert checksum(packet[8:40] + bytes.fromhex("000000100000003a") + packet[40:]) == 0


def test_who_has_no_address_yet_is_told_as_one_of_all() -> None:
    packet = advertisement(link_local(bytes(6)), bytes(16))
    assert socket.inet_ntop(socket.AF_INET6, packet[24:40]) == "ff02::1"
