"""The public keys that open the deployed nodes to the user: `-k [FILE]`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from kadeploy.cli.unread import reason
from kadeploy.errors import InvalidFile

DEFAULT: Final = "~/.ssh/authorized_keys, else ~/.ssh/id_*.pub"
_KEY: Final = re.compile(r"(^|\s)(ssh-\S+|ecdsa-\S+|sk-\S+) [A-Za-z0-9+/]{16,}={0,3}(\s|$)")
_REMOTE: Final = ("server://", "http://", "https://")


def key_fields(value: str | None, home: Path) -> dict[str, object]:
    """What a request says about keys; `value` is None without `-k` and empty for the user's own.

    A file's content travels in the request; a URL is left to the server. Raises InvalidFile.
    """
    if value is None:
        return {}
    if value.startswith(_REMOTE):
        return {"ssh_authorized_keys": value}
    paths = [Path(value.removeprefix("local://")).expanduser()] if value else _own(home)
    return {"ssh_authorized_keys_content": "".join(_read(path) for path in paths)}


def _own(home: Path) -> list[Path]:
    directory = home / ".ssh"
    authorized = directory / "authorized_keys"
    if authorized.is_file() and authorized.stat().st_size:
        return [authorized]
    found = sorted(directory.glob("id_*.pub"))
    if not found:
        raise InvalidFile(f"-k: there is neither {authorized} nor {directory}/id_*.pub", hint="make one: ssh-keygen")
    return found


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFile(f"-k {path}: cannot be read: {reason(error)}") from error
    if "PRIVATE KEY" in text:
        raise InvalidFile(f"-k {path}: this is a private key", hint=f"give the public one, {path}.pub")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        raise InvalidFile(f"-k {path}: there is no key in it")
    for number, line in enumerate(text.splitlines(), 1):
        if line in lines and not _KEY.search(line):
            raise InvalidFile(f"-k {path}: line {number} is not a public key")
    return text if text.endswith("\n") else text + "\n"
