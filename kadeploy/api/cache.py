"""/cache: what fetched and sent files are kept, and who uses them; and removing those that nobody does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kadeploy.api.call import Call
from kadeploy.api.parameters import Parameters, Texts, decoded
from kadeploy.ports.files import Contents, Kept


class CleanParameters(Parameters):
    """`sha256` names contents; without it everything goes that nobody uses, and what has come half."""

    sha256: Texts = ()


class CacheResource:
    def __init__(self, contents: Contents) -> None:
        self._contents = contents

    async def show(self, call: Call) -> object:
        kept = self._contents.kept()
        told = {"limit": self._contents.limit, "size": _size(kept), "half": self._contents.half}
        return {**told, "contents": [view(one) for one in kept]}

    async def clean(self, call: Call) -> object:
        asked = decoded(CleanParameters, call.parameters)
        half = 0 if asked.sha256 else self._contents.half
        gone = await self._contents.clean(asked.sha256 or None)
        return {"size": _size(gone), "half": half, "contents": [view(one) for one in gone]}


def view(kept: Kept) -> dict[str, Any]:
    return {
        "sha256": kept.sha256,
        "size": kept.size,
        "used": round(kept.used, 3),
        "origins": list(kept.origins),
        "users": list(kept.users),
    }


def _size(contents: Sequence[Kept]) -> int:
    return sum(one.size for one in contents)
