"""A profile of the user's for the firmware to boot: Kadeploy3's `pxe` parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kadeploy.domain.boot import Profile
from kadeploy.errors import InvalidOption

LARGEST: Final = 64 * 1024  # characters
_BEGINS: Final = "#!ipxe"


def profile_of(pxe: Mapping[str, object]) -> Profile | None:
    """None when nothing was given; raises InvalidOption with everything that is wrong."""
    if not pxe:
        return None
    script, values = pxe.get("profile"), pxe.get("singularities") or {}
    faults = [f"pxe.{key}: is not a known key" for key in pxe.keys() - {"profile", "singularities", "files"}]
    if not isinstance(script, str) or not script.startswith(_BEGINS):
        faults.append(f"pxe.profile: must be an iPXE script, which begins with {_BEGINS}")
    elif len(script) > LARGEST:
        faults.append(f"pxe.profile: must have at most {LARGEST} characters")
    if not isinstance(values, Mapping):
        faults.append("pxe.singularities: must be a mapping of nodes to texts")
    if pxe.get("files"):
        faults.append("pxe.files: this server keeps no boot files of users; let the profile name their http:// URLs")
    if faults:
        raise InvalidOption("; ".join(faults))
    assert isinstance(script, str) and isinstance(values, Mapping)  # noqa: PT018 - for the type checker
    return Profile(script=script, singularities={str(node): str(value) for node, value in values.items()})
