"""`Refused`: the server said no. It carries what the server said, so that the tools repeat it as it is."""

from __future__ import annotations

from kadeploy.errors import KadeployError


class Refused(KadeployError):
    """The server refused the request: its own message, status and Kadeploy error number.

    `challenge` is what it wants to be shown instead (WWW-Authenticate).
    """

    def __init__(self, message: str, *, status: int, code: int | None, challenge: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.challenge = challenge


def explained(error: KadeployError) -> str:
    """The error's sentence, with Kadeploy's number where there is one."""
    number = f" [Kadeploy error {error.code}]" if isinstance(error, Refused) and error.code else ""
    return f"{error}{number}"
