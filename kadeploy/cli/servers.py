"""Which server the tools speak to: the environment variable, else `client.conf` (Kadeploy3's file), else this machine.

`client.conf` is YAML: `default: NAME` and `servers:`, a list of `name`, `hostname`, `port` (25300), `secure` (true),
`auth_headers_prefix`, and one key of ours, `ca`: the file of the authority that signed the server's certificate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from kadeploy.errors import BadConfiguration, InvalidOption

PORT: Final = 25300
FILE: Final = "client.conf"
VARIABLE: Final = "KADEPLOY_SERVER"
DIRECTORY_VARIABLES: Final = ("KADEPLOY_CONFIG_DIR", "KADEPLOY3_CONFIG_DIR")
SYSTEM_DIRECTORIES: Final = (Path("/etc/kadeploy"), Path("/etc/kadeploy3"))
REMEDY: Final = f"choose another with {VARIABLE}=http://HOST:{PORT}, with {FILE} or, among those in it, with -S NAME"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """`origin` says who named it, for error messages; an empty `prefix` means: ask the server."""

    url: str
    name: str = ""
    prefix: str = ""
    ca: str = ""
    origin: str = ""


def choose_server(name: str | None, environ: Mapping[str, str], home: Path) -> Server:
    """The server to use; `name` is one of client.conf's. Raises BadConfiguration or InvalidOption."""
    given = environ.get(VARIABLE, "").strip()
    if given and not name:
        return Server(url=_url(given), origin=VARIABLE)
    path = next((path for path in _files(environ, home) if path.is_file()), None)
    if path is not None:
        return _from_file(path, name)
    if name:
        raise InvalidOption(f"-S {name}: there is no {FILE} in which it could be", hint=_places(environ, home))
    _refuse_empty_directory(environ)
    return Server(url=f"http://localhost:{PORT}", origin="nobody; this machine was tried")


def _refuse_empty_directory(environ: Mapping[str, str]) -> None:
    for variable in DIRECTORY_VARIABLES:
        if environ.get(variable):
            raise BadConfiguration(f"{variable} is {environ[variable]}, but there is no {FILE} in it")


def _files(environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    named = [Path(environ[variable]) for variable in DIRECTORY_VARIABLES if environ.get(variable)]
    for directory in named or [home / ".config" / "kadeploy", *SYSTEM_DIRECTORIES]:
        yield directory / FILE


def _places(environ: Mapping[str, str], home: Path) -> str:
    return "looked for " + ", ".join(map(str, _files(environ, home)))


def _url(text: str) -> str:
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in ("http", "https") or not rest.strip("/"):
        raise BadConfiguration(f"{VARIABLE} is {text!r}, not a server's address", hint=f"as in http://kadeploy:{PORT}")
    return text.rstrip("/")


def _from_file(path: Path, name: str | None) -> Server:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadConfiguration(f"{path} cannot be read: {error}") from error
    entries = content.get("servers") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise BadConfiguration(f"{path}: servers: must be a list of servers")
    faults: list[str] = []
    known = [server for index, entry in enumerate(entries) if (server := _entry(entry, path, index, faults))]
    if faults:
        raise BadConfiguration("; ".join(faults))
    wanted = name or content.get("default") or known[0].name
    for server in known:
        if server.name == wanted:
            return server
    asked = f"-S {name}" if name else f"default: {wanted}"
    raise BadConfiguration(
        f"{path}: {asked}: no server has this name", hint="known: " + ", ".join(s.name for s in known)
    )


def _entry(entry: object, path: Path, index: int, faults: list[str]) -> Server | None:
    place = f"{path}: servers[{index}]"
    if not isinstance(entry, dict):
        faults.append(f"{place}: must be a mapping")
        return None
    port, secure, before = entry.get("port", PORT), entry.get("secure", True), len(faults)
    faults += [
        f"{place}.{key}: must be a text"
        for key in ("name", "hostname")
        if not isinstance(entry.get(key), str) or not entry[key]
    ]
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
        faults.append(f"{place}.port: must be a number from 1 to 65535")
    if not isinstance(secure, bool):
        faults.append(f"{place}.secure: must be true or false")
    if len(faults) > before:
        return None
    return Server(
        url=f"{'https' if secure else 'http'}://{entry['hostname']}:{port}",
        name=entry["name"],
        prefix=str(entry.get("auth_headers_prefix") or "").strip(),
        ca=str(entry.get("ca") or ""),
        origin=str(path),
    )
