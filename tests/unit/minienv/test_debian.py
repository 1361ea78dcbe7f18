"""The mirrors are those of this system's apt, and of Debian only."""

from __future__ import annotations

from kadeploy.minienv import debian

TARGETS = """\
Debian|bookworm-security|http://mirror.example/debian-security/|main|Packages
Debian|bookworm-updates|http://mirror.example/debian/|main|Packages
Debian|bookworm|http://mirror.example/debian/|contrib|Packages
Debian|bookworm|http://mirror.example/debian/|main|Packages
Debian|bookworm|http://mirror.example/debian/|main|Packages
Debian|bookworm|http://mirror.example/debian/|main|Translations
Debian|bookworm-backports|http://mirror.example/debian/|main|Packages
Debian|trixie|http://mirror.example/debian/|main|Packages
. nodistro|nodistro|https://other.example/node|main|Packages
"""

SETTINGS = """\
APT::Architecture "amd64";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https "";
Acquire::Retries "3";
Acquire::Check-Valid-Until "false";
DPkg::Post-Invoke:: "something of this system's own";
"""


def test_the_release_its_updates_and_its_security_fixes_are_taken() -> None:
    assert debian.parse_targets(TARGETS) == (
        "deb http://mirror.example/debian/ bookworm main",
        "deb http://mirror.example/debian/ bookworm-updates main",
        "deb http://mirror.example/debian-security/ bookworm-security main",
    )


def test_another_system_has_none() -> None:
    assert debian.parse_targets("Ubuntu|noble|http://mirror.example/ubuntu/|main|Packages\n") == ()


def test_only_how_to_reach_a_mirror_is_passed_on() -> None:
    assert debian.parse_settings(SETTINGS) == (
        'Acquire::http::Proxy "http://proxy.example:3128";',
        'Acquire::Retries "3";',
        'Acquire::Check-Valid-Until "false";',
    )
