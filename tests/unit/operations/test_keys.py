"""Only public keys become authorized keys."""

from __future__ import annotations

import pytest

from kadeploy.errors import InvalidFile
from kadeploy.operations.keys import check_keys

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6u3kqX9G1Yy0mE3pQHn8u1r0bq3c8b9vYc1xUoJ5yW alice@host"
OPTIONS = f'command="echo hi there",no-pty {ED25519}'


def test_keys_come_back_one_a_line() -> None:
    assert check_keys(f"# mine\n\n{ED25519}\r\n  {OPTIONS}") == f"{ED25519}\n{OPTIONS}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nx", "hold a private key"),
        ("", "there is no key"),
        ("# nothing\n", "there is no key"),
        ("hello", "line 1 of the SSH keys is not a public key"),
        (f"{ED25519}\nssh-rsa AAAA bob\nx", "line 2 of the SSH keys is not a public key; line 3 of"),
        (ED25519.replace("AAAAC3Nza", "AAAAC3Nzb"), "line 1 of"),
        ("ssh-ed25519 not!base64", "line 1 of"),
        (f"{ED25519}\x1b[2J", "line 1 of"),
        ("ssh-rsa " + "A" * 70_000, "longer than"),
    ],
)
def test_what_is_no_key(text: str, message: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        check_keys(text)
    assert message in str(caught.value)
