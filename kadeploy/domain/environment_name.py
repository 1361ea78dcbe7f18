"""`NAME[/ARCHITECTURE][@OWNER][:VERSION]`: one text that says which environment is meant, wherever a name is taken."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Architecture(StrEnum):
    """Processors, by the names the Linux kernel gives them (`uname -m`)."""

    X86_64 = "x86_64"
    AARCH64 = "aarch64"
    PPC64LE = "ppc64le"
    RISCV64 = "riscv64"
    S390X = "s390x"
    I686 = "i686"


SYNONYMS: Final = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64", "ppc64el": "ppc64le", "i386": "i686"}
LONGEST: Final = 1000  # characters; longer texts are no names, and would take the pattern minutes
_NAME: Final = re.compile(
    r"(?P<name>.+?)"
    rf"(?:/(?P<architecture>{'|'.join([*Architecture, *SYNONYMS])}))?"
    r"(?:@(?P<owner>[A-Za-z0-9_][A-Za-z0-9_.@+-]*))?"
    r"(?::(?P<version>\d{1,10}))?\Z"
)


def architecture_named(text: str) -> Architecture:
    """Debian's names, too; raises ValueError."""
    return Architecture(SYNONYMS.get(text, text))


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentName:
    """`name` may be an alias; what is not said is None."""

    name: str
    owner: str | None = None
    version: int | None = None
    architecture: Architecture | None = None

    @classmethod
    def parse(cls, text: str) -> EnvironmentName:
        """Any text is one: what does not fit is part of the name."""
        found = _NAME.match(text) if len(text) <= LONGEST else None
        if found is None:
            return cls(name=text)
        named, version = found.group("architecture"), found.group("version")
        return cls(
            name=found.group("name"),
            owner=found.group("owner"),
            version=int(version) if version else None,
            architecture=architecture_named(named) if named else None,
        )

    def __str__(self) -> str:
        architecture = f"/{self.architecture}" if self.architecture else ""
        owner = f"@{self.owner}" if self.owner else ""
        return f"{self.name}{architecture}{owner}{'' if self.version is None else f':{self.version}'}"

    @property
    def is_plain(self) -> bool:
        """Nothing but a name."""
        return self.owner is None and self.version is None and self.architecture is None
