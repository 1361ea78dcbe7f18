"""Variables that people define for scripts on nodes, in descriptions and requests."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from kadeploy.domain.exported import variable_faults


def _checked(value: dict[str, str]) -> dict[str, str]:
    """Names that no script could read, and Kadeploy's own, are refused; all of them at once."""
    faults = [fault.removeprefix(".").removeprefix(": ") for fault in variable_faults(value, "")]
    if faults:
        raise ValueError("; ".join(faults))
    return value


Variables = Annotated[dict[str, str], AfterValidator(_checked)]
