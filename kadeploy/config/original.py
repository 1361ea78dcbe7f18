"""Kadeploy3's own files, given our form: what is said there under another name, and the defaults that it had.

What has no meaning here is left for the decoding to tell, key by key.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Final

_MINIENV: Final = "/var/lib/kadeploy/minienv"
_KEY: Final = Path("keys") / "id_deploy"
_TIMEOUTS: Final = {"reboot": 120, "kexec": 60}
_CONNECTOR: Final = "TAKTUK_CONNECTOR"
_PLAIN: Final = "DEFAULT_CONNECTOR"


@dataclass(slots=True)
class Ours:
    """The same in our form. Notes are lines like `boot: is not given`."""

    data: Any
    notes: list[str] = field(default_factory=list)


def written(data: object) -> object:
    """Without keys that have no value: `hooks:` with nothing behind it is as good as not there."""
    if isinstance(data, dict):
        return {key: written(value) for key, value in data.items() if value is not None}
    return [written(value) for value in data] if isinstance(data, list) else data


def is_kadeploy3s(server: object) -> bool:
    """`pxe` and `database.host` are required there, and unknown here."""
    return "pxe" in _section(server) or "host" in _section(server, "database")


def server_as_ours(data: object, directory: Path) -> Ours:
    """server.conf; one of ours is left alone."""
    if not isinstance(data, dict) or not is_kadeploy3s(data):
        return Ours(data)
    ours = Ours(dict(data))
    _listen(ours)
    _boot(ours)
    _key(ours, directory)
    certificate = _section(data, "authentication", "certificate")
    if "ca_public_key" in certificate and not certificate.get("ca_cert"):
        kept = {key: value for key, value in _section(data, "authentication").items() if key != "certificate"}
        ours.data["authentication"] = kept
        ours.notes.append(
            "authentication.certificate: is left out: a bare key (ca_public_key) cannot vouch in TLS, give the "
            "certificate as ca_cert"
        )
    return ours


def cluster_as_ours(data: object, server: object) -> Ours:
    """A cluster's file, of a server whose server.conf that is; one of ours is left alone."""
    if not isinstance(data, dict) or not is_kadeploy3s(server):
        return Ours(data)
    ours = Ours(dict(data))
    timeouts = data.get("timeouts", {})
    if isinstance(timeouts, dict):
        ours.data["timeouts"] = {**_TIMEOUTS, **timeouts}
    _nfsroot(ours, server)
    for name in ("power_status", "console"):
        _without_levels(ours, name)
    _connector(ours, server)
    return ours


def _listen(ours: Ours) -> None:
    """There every interface is listened to, on the port among the network's."""
    network = _section(ours.data, "network")
    ports = dict(_section(network, "ports"))
    port = ports.pop("kadeploy_server", None)
    if "listen" not in ours.data:
        ours.data["listen"] = {"address": "0.0.0.0", **({} if port is None else {"port": port})}
        if network:
            ours.data["network"] = {**network, "ports": ports}


def _boot(ours: Ours) -> None:
    if "boot" in ours.data:
        return
    address = _section(ours.data, "pxe", "dhcp", "export").get("server")
    try:
        ours.data["boot"] = {"address": str(IPv4Address(str(address))), "minienv": _MINIENV}
        ours.notes.append(f"boot: is not given: the address of pxe.dhcp.export, {address}, and {_MINIENV} are taken")
    except ValueError:
        ours.notes.append(
            "boot: is not given: without it nodes cannot boot from the network, and no real ones be served"
        )


def _key(ours: Ours, directory: Path) -> None:
    if not ours.data.get("ssh_private_key"):
        ours.data.pop("ssh_private_key", None)
        if (directory / _KEY).exists():
            ours.data["ssh_private_key"] = str((directory / _KEY).absolute())


def _nfsroot(ours: Ours, server: object) -> None:
    kernel = _section(ours.data, "boot", "kernels", "nfsroot").get("vmlinuz")
    if not isinstance(kernel, str) or kernel.startswith("/"):
        return
    roles = (_section(server, "pxe", role).get("repository") for role in ("networkboot", "dhcp"))
    repository = next((role for role in roles if role), "/")
    boot, kernels = dict(_section(ours.data, "boot")), dict(_section(ours.data, "boot", "kernels"))
    nfsroot = dict(_section(kernels, "nfsroot"))
    nfsroot.pop("vmlinuz")
    kernels["nfsroot"] = {**nfsroot, **({"vmlinuz": str(Path(str(repository)) / kernel)} if kernel else {})}
    ours.data["boot"] = {**boot, "kernels": kernels}


def _without_levels(ours: Ours, name: str) -> None:
    """There is one command, whatever it is called."""
    remoteops = _section(ours.data, "remoteops")
    entries = remoteops.get(name)
    if isinstance(entries, list):
        plain = [{k: v for k, v in one.items() if k != "name"} if isinstance(one, dict) else one for one in entries]
        ours.data["remoteops"] = {**remoteops, name: plain}


def _connector(ours: Ours, server: object) -> None:
    localops = _section(ours.data, "localops")
    broadcast = _section(localops, "broadcastenv")
    command = broadcast.get("cmd")
    if not isinstance(command, str) or _CONNECTOR not in command:
        return
    external = _section(server, "external")
    usual = str(external.get("default_connector") or "ssh -l root")
    connector = str(_section(external, "taktuk").get("connector") or usual).replace(_PLAIN, usual)
    try:
        words = [word.replace(_CONNECTOR, connector) for word in shlex.split(command)]
    except ValueError:
        return  # which is told where it is decoded
    ours.data["localops"] = {**localops, "broadcastenv": {**broadcast, "cmd": words}}
    ours.notes.append(f"localops.broadcastenv.cmd: {_CONNECTOR} is replaced by {connector}")


def _section(data: object, *path: str) -> Mapping[str, Any]:
    """The mapping there; an empty one where there is none."""
    return next(iter(_sections(data, path)), {})


def _sections(data: object, path: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    for key in path:
        data = data.get(key) if isinstance(data, Mapping) else None
    if isinstance(data, Mapping):
        yield data
