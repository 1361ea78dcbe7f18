"""Which server the tools speak to: the environment variable, else `client.conf` (Kadeploy3's file), else this machine.

`client.conf` is YAML: `default: NAME` and `servers:`, a list of `name`, `hostname`, `port` (25300), `secure` (true),
`auth_headers_prefix`, and one key of ours, `ca`: the file of the authority that signed the server's certificate.
Where neither names a server, it is the one that was logged in to last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import yaml

from kadeploy.cli.logins import Logins, read_logins
from kadeploy.cli.unread import reason
from kadeploy.errors import BadConfiguration, InvalidOption

PORT: Final = 25300
FILE: Final = "client.conf"
OLD_FILE: Final = "client_conf.yml"
VARIABLE: Final = "KADEPLOY_SERVER"
TOKEN_VARIABLE: Final = "KADEPLOY_TOKEN"
DIRECTORY_VARIABLES: Final = ("KADEPLOY_CONFIG_DIR", "KADEPLOY3_CONFIG_DIR")
SYSTEM_DIRECTORIES: Final = (Path("/etc/kadeploy"), Path("/etc/kadeploy3"))
REMEDY: Final = f"choose another with {VARIABLE}=https://HOST:{PORT}, with {FILE} or, among those in it, with -S NAME"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """`origin` says who named it, for error messages; an empty `prefix` means: ask the server.

    `ca` is the file of the authority to trust, `authority` its certificate (PEM) itself. `certified` is the name that
    the server's certificate must have, where it is not the address's.
    """

    url: str
    name: str = ""
    prefix: str = ""
    ca: str = ""
    origin: str = ""
    authority: str = ""
    certified: str = ""
    token: str = field(default="", repr=False)


def choose_server(name: str | None, environ: Mapping[str, str], home: Path) -> Server:
    """The server to use, with what is known of it; `name` is one of client.conf's, or an address.

    Raises BadConfiguration or InvalidOption.
    """
    logins = read_logins(home)
    return _logged_in(_chosen(name, environ, home, logins), environ, logins)


def every_server(environ: Mapping[str, str], home: Path) -> Sequence[Server]:
    """All of client.conf, for `-M`. Raises BadConfiguration."""
    path = next((path for path in _files(environ, home) if path.is_file()), None)
    if path is None:
        raise BadConfiguration(f"-M: there is no {FILE} that names servers", hint=_places(environ, home))
    logins = read_logins(home)
    return [_logged_in(server, environ, logins) for server in _known(path)[0]]


def _logged_in(server: Server, environ: Mapping[str, str], logins: Logins) -> Server:
    login = logins.of(server.url)
    token = environ.get(TOKEN_VARIABLE, "").strip()
    if not (token.isascii() and token.isprintable()):
        raise BadConfiguration(f"{TOKEN_VARIABLE} holds no token: no token has such characters")
    return replace(server, authority="" if server.ca else login.authority, token=token or login.token)


def _chosen(name: str | None, environ: Mapping[str, str], home: Path, logins: Logins) -> Server:
    if name and "://" in name:
        return Server(url=_url(name, "-S"), origin="-S")
    given = environ.get(VARIABLE, "").strip()
    if given and not name:
        return Server(url=_url(given, VARIABLE), origin=VARIABLE)
    path = next((path for path in _files(environ, home) if path.is_file()), None)
    if path is not None:
        return _from_file(path, name)
    if name:
        raise InvalidOption(f"-S {name}: there is no {FILE} in which it could be", hint=_places(environ, home))
    _refuse_empty_directory(environ)
    if logins.latest:
        return Server(url=logins.latest, origin="the latest kadeploy login")
    return Server(url=f"http://localhost:{PORT}", origin="nobody; this machine was tried")


def _refuse_empty_directory(environ: Mapping[str, str]) -> None:
    for variable in DIRECTORY_VARIABLES:
        if environ.get(variable):
            raise BadConfiguration(f"{variable} is {environ[variable]}, but there is no {FILE} in it")


def _files(environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    named = [Path(environ[variable]) for variable in DIRECTORY_VARIABLES if environ.get(variable)]
    for directory in named or [home / ".config" / "kadeploy", *SYSTEM_DIRECTORIES]:
        yield from (directory / FILE, directory / OLD_FILE)


def _places(environ: Mapping[str, str], home: Path) -> str:
    return "looked for " + ", ".join(str(path) for path in _files(environ, home) if path.name == FILE)


def _url(text: str, given_by: str) -> str:
    scheme, separator, rest = text.partition("://")
    if "@" in rest:
        raise BadConfiguration(
            f"{given_by} has a user or a password in the address, where others can read it",
            hint="--password asks for it; kadeploy login keeps a token",
        )
    if not separator or scheme not in ("http", "https") or not rest.strip("/"):
        raise BadConfiguration(f"{given_by} is {text!r}, not a server's address", hint=f"as in https://kadeploy:{PORT}")
    return text.rstrip("/")


def _from_file(path: Path, name: str | None) -> Server:
    known, default = _known(path)
    wanted = name or default or known[0].name
    for server in known:
        if server.name == wanted:
            return server
    asked = f"-S {name}" if name else f"default: {wanted}"
    raise BadConfiguration(
        f"{path}: {asked}: no server has this name", hint="known: " + ", ".join(s.name for s in known)
    )


def _known(path: Path) -> tuple[list[Server], str]:
    """The servers of a client.conf, and the name of the default; raises BadConfiguration."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadConfiguration(f"{path} cannot be read: {reason(error)}") from error
    entries = content.get("servers") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise BadConfiguration(f"{path}: servers: must be a list of servers")
    faults: list[str] = []
    known = [server for index, entry in enumerate(entries) if (server := _entry(entry, path, index, faults))]
    if faults:
        raise BadConfiguration("; ".join(faults))
    return known, str(content.get("default") or "")


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
