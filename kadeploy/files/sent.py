"""What users send, and have sent: whose it is, how much of it came, and until when it is kept. Pure bookkeeping.

How much came is how long its file is: only that is true after a crash.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from kadeploy.errors import Conflict, NotFound
from kadeploy.ports.files import Keep, Upload


class Sent:
    def __init__(self) -> None:
        self._by_id: dict[str, Upload] = {}

    def __iter__(self) -> Iterator[Upload]:
        return iter(tuple(self._by_id.values()))

    def put(self, upload: Upload) -> Upload:
        self._by_id[upload.id] = upload
        return upload

    def of(self, user: str, upload_id: str) -> Upload:
        """Raises NotFound also for somebody else's."""
        found = self._by_id.get(upload_id)
        if found is None or found.user != user:
            raise NotFound(f"there is no upload {upload_id} of {user}")
        return found

    def same(self, user: str, sha256: str) -> Upload | None:
        """The one of that content that the user began or finished."""
        return next((one for one in self if (one.user, one.sha256) == (user, sha256)), None)

    def forget(self, upload: Upload) -> None:
        self._by_id.pop(upload.id, None)

    def used(self, user: str) -> int:
        """Bytes that count for the user's quota."""
        return sum(one.size for one in self if one.user == user)

    def expired(self, at: float) -> list[Upload]:
        return [one for one in self if one.expires <= at and not one.kept_for]

    def keep_only(self, wanted: Collection[Keep]) -> bool:
        """Exactly these are kept; whether that changed anything."""
        changed = False
        for one in self:
            names = sorted({each.kept_for for each in wanted if (each.user, each.sha256) == (one.user, one.sha256)})
            if tuple(names) != one.kept_for:
                self.put(replace(one, kept_for=tuple(names)))
                changed = True
        return changed

    def refuse_kept(self, upload: Upload) -> None:
        if upload.kept_for:
            raise Conflict(f"the upload {upload.name or upload.id} is used by {', '.join(upload.kept_for)}")

    def to_json(self) -> dict[str, object]:
        return {"uploads": [asdict(one) for one in self]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Sent:
        """Anything that is not as `to_json` writes it is left out."""
        sent = cls()
        listed = data.get("uploads")
        for entry in listed if isinstance(listed, list) else ():
            try:
                sent.put(Upload(**{**entry, "kept_for": tuple(entry["kept_for"])}))
            except (TypeError, KeyError):
                continue
        return sent
