"""Names of environments, with owner, version and architecture."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.domain.environment_name import Architecture, EnvironmentName

ARM = Architecture.AARCH64


@pytest.mark.parametrize(
    ("text", "name", "owner", "version", "architecture"),
    [
        ("debian12", "debian12", None, None, None),
        ("debian12@bob", "debian12", "bob", None, None),
        ("debian12:3", "debian12", None, 3, None),
        ("debian12@bob:3", "debian12", "bob", 3, None),
        ("debian/aarch64@bob:3", "debian", "bob", 3, ARM),
        ("debian/arm64", "debian", None, None, ARM),
        ("my env", "my env", None, None, None),
        ("a/b", "a/b", None, None, None),
        ("debian12@bob.smith@lab.org", "debian12", "bob.smith@lab.org", None, None),
        ("debian12@", "debian12@", None, None, None),
        ("@bob", "@bob", None, None, None),
        ("debian:new", "debian:new", None, None, None),
        ("", "", None, None, None),
    ],
)
def test_reading(
    text: str, name: str, owner: str | None, version: int | None, architecture: Architecture | None
) -> None:
    read = EnvironmentName.parse(text)
    assert (read.name, read.owner, read.version, read.architecture) == (name, owner, version, architecture)
    assert read.is_plain is (read.name == text)


@given(st.text())
def test_any_text_is_a_name(text: str) -> None:
    read = EnvironmentName.parse(text)
    assert EnvironmentName.parse(str(read)) == read
