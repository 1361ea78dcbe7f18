"""What the agent must know to report for work: said on the kernel's command line, or as options for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from kadeploy.errors import Faults

STATE = Path("/run/kadeploy")  # in memory: gone with the boot, kept when only the agent ends
VARIABLE = "KADEPLOY_AGENT"  # words as the kernel's, in a system that others use: there everybody can read arguments
_NEEDED = ("meet", "node", "token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where to report (`host`, `port`), as which node, with which secret; `server` is the HTTP address.

    `ca` is the SHA-256 of the certificate that vouches for the server, in hexadecimal; without it there is no TLS.
    """

    host: str
    port: int
    node: str
    token: str = field(repr=False)
    server: str = ""
    ca: str = ""
    state: Path = STATE


def kernel_words(line: str) -> dict[str, str]:
    """The `kadeploy.*=value` words of a kernel command line, without the prefix."""
    pairs = (word.split("=", 1) for word in line.split() if word.startswith("kadeploy.") and "=" in word)
    return {name.removeprefix("kadeploy."): value for name, value in pairs}


def settings_from(words: Mapping[str, str]) -> Settings:
    """Raises Faults naming everything that is missing or wrong."""
    faults = [f"kadeploy.{name}: is missing from the kernel's command line" for name in _NEEDED if not words.get(name)]
    host, _, port = words.get("meet", "").rpartition(":")
    if words.get("meet") and not (host and port.isdecimal()):
        faults.append(f"kadeploy.meet: {words['meet']!r} is not HOST:PORT")
    if words.get("ca") and not words.get("server"):
        faults.append("kadeploy.server: is missing, which has the certificate that kadeploy.ca is the fingerprint of")
    if faults:
        raise Faults(faults)
    return Settings(
        host=host.strip("[]"),
        port=int(port),
        node=words["node"],
        token=words["token"],
        server=words.get("server", ""),
        ca=words.get("ca", "").lower(),
        state=Path(words.get("state") or STATE),
    )


def options(argv: Sequence[str]) -> dict[str, str]:
    """`--node NAME` and so on, as words of the same names. Without argparse: it is a thirtieth of the agent's start.

    Raises Faults.
    """
    names = [name.removeprefix("--") for name in argv[::2]]
    faults = [f"{name}: is no option" for name in names if name not in (*_NEEDED, "server", "ca", "state")]
    if len(argv) % 2:
        faults.append(f"{argv[-1]}: needs a value")
    if faults:
        raise Faults(faults)
    return dict(zip(names, argv[1::2], strict=True))


def read_settings(
    argv: Sequence[str], environ: Mapping[str, str] = MappingProxyType({}), cmdline: Path = Path("/proc/cmdline")
) -> Settings:
    """Options win over the environment, and that over the kernel's words. Raises Faults."""
    said = f"{cmdline.read_text()} {environ.get(VARIABLE, '')}"
    return settings_from({**kernel_words(said), **options(argv)})
