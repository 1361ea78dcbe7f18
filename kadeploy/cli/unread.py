"""Why a file of the user's could not be read, in words of theirs and on one line."""

from __future__ import annotations


def reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"it is not text in UTF-8 (at byte {error.start})"
    return " ".join(str(getattr(error, "strerror", None) or error).split())
