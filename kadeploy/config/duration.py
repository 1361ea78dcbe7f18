"""Durations as people write them: seconds, or a formula in the number of nodes."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from kadeploy.domain.timeout import Timeout
from kadeploy.errors import InvalidOption


def _timeout(value: object) -> object:
    if isinstance(value, Timeout):
        return value
    if isinstance(value, str | int) and not isinstance(value, bool):
        try:
            return Timeout(str(value))
        except InvalidOption as error:
            raise ValueError(error.message) from error
    raise ValueError(f"must be a number of seconds or a formula in n, not {value!r}")


Duration = Annotated[Timeout, BeforeValidator(_timeout)]
