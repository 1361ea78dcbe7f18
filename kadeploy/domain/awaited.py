"""What a plan is made with before its files have been fetched: a token stands for each, and is filled in when the file
is here. So an operation can be recorded, with its plan, at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from typing import Any, Final, TypeVar, cast

from kadeploy.domain.image import Compression, LocalFile

_TOKEN: Final = re.compile(r"\{awaited:(\d+)\}")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedFile:
    """A file that an operation needs. `users` and `address` are those of its reader, `size` is what it has said it has
    (bytes, 0 for unknown); `checksum` is as in `domain.checksum`; the text of a file of `keys` is wanted, checked;
    the others are as `ports.files` has them."""

    number: int
    url: str
    users: tuple[str, ...] = ()
    address: str = ""
    checksum: str = ""
    compression: Compression | None = None
    copied: bool = False
    trusted: bool = False
    limit: int | None = None
    size: int = 0
    keys: bool = False

    @property
    def token(self) -> str:
        return f"{{awaited:{self.number}}}"

    @property
    def awaited(self) -> LocalFile:
        """The file as a plan has it meanwhile."""
        return LocalFile(path="", size=self.size, sha256=self.token)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedFile:
    """`text` is what is in a file whose text was wanted."""

    file: LocalFile
    text: str = ""

    @property
    def said(self) -> str:
        """What takes the token's place in a text."""
        return self.text or self.file.sha256

    def to_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FetchedFile:
        return cls(file=LocalFile(**data["file"]), text=data["text"])


Fetched = Mapping[int, FetchedFile]
"""By the numbers of what was wanted."""


def filled(value: T, fetched: Fetched) -> T:
    """The same with the files that are here in place of their tokens; other tokens stay. Pure."""
    return cast(T, _filled(value, fetched)) if fetched else value


def _filled(value: object, fetched: Fetched) -> object:
    match value:
        case str():
            return _TOKEN.sub(lambda found: _said(found, fetched), value) if "{awaited:" in value else value
        case LocalFile():
            whole = _TOKEN.fullmatch(value.sha256)
            known = fetched.get(int(whole[1])) if whole else None
            return known.file if known else value
        case tuple():
            return tuple(_filled(each, fetched) for each in value)
        case Mapping():
            return {key: _filled(each, fetched) for key, each in value.items()}
    if not is_dataclass(value) or isinstance(value, type):
        return value
    before = {field.name: getattr(value, field.name) for field in fields(value) if field.init}
    after = {name: _filled(each, fetched) for name, each in before.items()}
    changed = {name: each for name, each in after.items() if each != before[name]}
    return replace(value, **changed) if changed else value


def _said(found: re.Match[str], fetched: Fetched) -> str:
    known = fetched.get(int(found[1]))
    return known.said if known else found[0]
