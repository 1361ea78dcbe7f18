"""For whom the files are read that a request names."""

from __future__ import annotations

from kadeploy.domain.environment import Environment
from kadeploy.operations.caller import Caller
from kadeploy.ports.files import Reader


def reader_of(caller: Caller, environment: Environment | None = None) -> Reader:
    """Who lends somebody an environment lends its files: of a recorded one its owner's rights count, too."""
    owners = (environment.user,) if environment is not None and environment.recorded else ()
    return Reader(users=tuple(dict.fromkeys((caller.name, *owners))), address=caller.address)
