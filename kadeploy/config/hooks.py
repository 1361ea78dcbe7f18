"""`hooks` of server.conf: the site's commands at the ends of operations."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from kadeploy.config.decode import Section
from kadeploy.domain.state import OperationKind

_OF_A_SHELL: Final = frozenset({"|", "||", "&", "&&", ";", "<", ">", ">>", "2>", "2>&1"})


def _words(value: object) -> object:
    """Kadeploy3 has one text, of which a shell made words."""
    if not isinstance(value, str):
        return value
    try:
        return shlex.split(value)
    except ValueError as error:
        raise ValueError(f"cannot be read as words: {error}") from error


def _without_a_shell(value: tuple[str, ...]) -> tuple[str, ...]:
    for word in value:
        if word in _OF_A_SHELL or word.endswith(";"):
            raise ValueError(f"is run without a shell, which {word!r} is for: put it in a script and name that")
    return value


Command = Annotated[tuple[str, ...], BeforeValidator(_words), AfterValidator(_without_a_shell)]


class Hooks(Section):
    """Commands in which WORKFLOW_ID is the operation's id; empty for none. `deadline` is in seconds.

    `when`: for operations whose user asked for it, as in Kadeploy3, or always.
    """

    end_of_deployment: Command = ()
    end_of_reboot: Command = ()
    end_of_power: Command = ()
    deadline: Annotated[float, Field(gt=0, le=3600)] = 20.0
    when: Literal["asked", "always"] = "asked"

    @property
    def commands(self) -> Mapping[OperationKind, tuple[str, ...]]:
        return {
            OperationKind.DEPLOYMENT: self.end_of_deployment,
            OperationKind.REBOOT: self.end_of_reboot,
            OperationKind.POWER: self.end_of_power,
        }
