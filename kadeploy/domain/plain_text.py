"""What nodes say, without what a terminal would obey.

Users are root on nodes: what these print must not move somebody else's cursor, set their window's title, or make a line
of a log look like two (ECMA-48, 5.5 and 8). Line ends and tabs stay.
"""

from __future__ import annotations

import re
from typing import Final

_PICTURES: Final = 0x2400  # where Unicode has pictures of the control characters 0 to 31
_DELETE: Final = 0x7F
_HIDING: Final = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))  # turn text around
_SHOWN: Final = {
    **{code: chr(_PICTURES + code) for code in range(32) if chr(code) not in "\n\t"},
    **dict.fromkeys((*range(0x80, 0xA0), *_HIDING, *range(0xD800, 0xE000)), "\N{REPLACEMENT CHARACTER}"),
    _DELETE: "\N{SYMBOL FOR DELETE}",
    0x2028: "\n",
    0x2029: "\n",
}


_OBEYED: Final = re.compile(f"[{re.escape(''.join(map(chr, _SHOWN)))}]")


def plain(text: str) -> str:
    """The text with pictures in place of control characters; the line ends of DOS are line ends."""
    return text.replace("\r\n", "\n").translate(_SHOWN) if _OBEYED.search(text) else text


def one_line(text: str) -> str:
    """The same without line ends: nobody's words are to look like two lines of a log."""
    return plain(text).replace("\n", " ")


def harmless(value: object) -> object:
    """The same of every text in what JSON gave."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {plain(key): harmless(entry) for key, entry in value.items()}
    return [harmless(entry) for entry in value] if isinstance(value, list) else value
