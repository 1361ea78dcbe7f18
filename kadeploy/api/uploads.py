"""/uploads: files that users send, in as many requests as it takes, to be named as upload://SHA256 afterwards.

`POST /uploads` announces a file and says how much of it is here; `PUT /uploads/{id}` with a `Content-Range` (RFC 9110,
section 14.5) brings more of it, as raw bytes. Whatever of a PUT came is kept, however it ended.
"""

from __future__ import annotations

import re
from typing import Any, Final

from kadeploy.api.call import Call
from kadeploy.api.parameters import Parameters, decoded
from kadeploy.errors import InvalidOption, NotFound
from kadeploy.ports.files import Upload, Uploads

_RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})\Z")


class UploadParameters(Parameters):
    """`size` in bytes, `sha256` in hexadecimal; `name` is for people."""

    size: int
    sha256: str
    name: str = ""


class UploadsResource:
    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    async def listed(self, call: Call) -> object:
        rules, mine = self._uploads.rules, await self._uploads.listed(call.caller.name)
        return {
            "uploads": [view(one) for one in mine],
            "used": sum(one.size for one in mine),
            "quota": rules.quota,
            "for_environments": rules.for_environments,
        }

    async def begin(self, call: Call) -> object:
        asked = decoded(UploadParameters, call.parameters)
        name = "".join(sign for sign in asked.name if sign.isprintable())[:200]
        sha256 = asked.sha256.lower()
        return view(await self._uploads.begin(call.caller.name, size=asked.size, sha256=sha256, name=name))

    async def append(self, call: Call) -> object:
        told = _RANGE.match(call.content_range)
        if told is None or call.content is None:
            raise InvalidOption("Content-Range: must be bytes FIRST-LAST/SIZE")
        return view(await self._uploads.append(call.caller.name, call.path["id"], int(told[1]), call.content))

    async def show(self, call: Call) -> object:
        listed = await self._uploads.listed(call.caller.name)
        found = next((one for one in listed if one.id == call.path["id"]), None)
        if found is None:
            raise NotFound("there is no such upload of yours")
        return view(found)

    async def abandon(self, call: Call) -> object:
        await self._uploads.abandon(call.caller.name, call.path["id"])
        return {"id": call.path["id"]}


def view(upload: Upload) -> dict[str, Any]:
    return {
        "id": upload.id,
        "name": upload.name,
        "size": upload.size,
        "received": upload.received,
        "complete": upload.is_complete,
        "sha256": upload.sha256,
        "url": f"upload://{upload.sha256}",
        "expires": None if upload.kept_for else round(upload.expires),
        "kept_for": list(upload.kept_for),
    }
