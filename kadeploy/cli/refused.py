"""`Refused`: the server said no. It carries what the server said, so that the tools repeat it as it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from kadeploy.errors import Faults, KadeployError


class Refused(KadeployError):
    """The server refused the request: its own message, status and Kadeploy error number.

    `challenge` is what it wants to be shown instead (WWW-Authenticate).
    """

    def __init__(self, message: str, *, status: int, code: int | None, challenge: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.challenge = challenge

    @property
    def faults(self) -> Sequence[str]:
        """Each of those that it lists, else itself."""
        first, *rest = self.message.split("\n")
        return [line.strip() for line in rest if line.strip()] if first.endswith("faults:") else [str(self)]

    def without(self, known: Collection[str]) -> Refused | None:
        """The same but for the faults in whose words one of these is; None if it has no others."""
        left = [fault for fault in self.faults if not any(words in fault for words in known)]
        if len(left) == len(self.faults):
            return self
        return Refused(_listed(left), status=self.status, code=self.code) if left else None


def explained(error: KadeployError) -> str:
    """The error's sentence, with Kadeploy's number where there is one."""
    number = f" [Kadeploy error {error.code}]" if isinstance(error, Refused) and error.code else ""
    return f"{error}{number}"


def both(first: Refused | Faults, second: Refused) -> Refused | Faults:
    """As one, of the first one's kind."""
    faults = [*first.faults, *second.faults]
    if isinstance(first, Faults):
        return Faults(faults)
    return Refused(_listed(faults), status=first.status, code=first.code)


def _listed(faults: Sequence[str]) -> str:
    return "\n  ".join((f"the request has {len(faults)} faults:", *faults)) if len(faults) > 1 else faults[0]
