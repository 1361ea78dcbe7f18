"""The names of the tools: those of users, which Kadeploy3 also had with a 3 behind, and those of the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

MODULES: Final[Mapping[str, str]] = {
    "kadeploy": "kadeploy.cli.deploy",
    "kareboot": "kadeploy.cli.reboot",
    "kapower": "kadeploy.cli.power",
    "kaconsole": "kadeploy.cli.console",
    "kaenv": "kadeploy.cli.env",
    "kanodes": "kadeploy.cli.nodes",
    "karights": "kadeploy.cli.rights",
    "kastat": "kadeploy.cli.stat",
}
KADEPLOY3: Final = tuple(f"{name}3" for name in MODULES)
ADMINISTRATION: Final = ("kaadmin", "kaadmin3")
"""What Kadeploy3 called the tool that is `kadmin` here."""
SERVERS: Final = ("kadeployd", "kadmin", *ADMINISTRATION)
EVERY_TOOL: Final = (*MODULES, *KADEPLOY3, *SERVERS)
