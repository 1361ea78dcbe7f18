"""The descriptions of environments that a text holds: one for each YAML document, and for each entry of a list.

What is in them is judged elsewhere: these are keys and values that can be sent on, and nothing more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from kadeploy.domain import yaml_text

Description = Mapping[str, object]


@dataclass(slots=True, kw_only=True)
class Held:
    """The descriptions with their places, and what is wrong with what is none."""

    found: list[tuple[str, Description]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def descriptions_in(text: str, place: str, *, trusted: bool) -> Held:
    """Raises Faults, which quote the text, when it is not YAML."""
    documents = yaml_text.parse_all(text, trusted=trusted)
    entries = [entry for document in documents for entry in (document if isinstance(document, list) else [document])]
    return sorted_out([entry for entry in entries if entry is not None], place)


def sorted_out(entries: list[object], place: str) -> Held:
    """Each with its own place, where there are several."""
    held = Held(faults=[] if entries else [f"{place}: is empty"])
    for number, entry in enumerate(entries, 1):
        where = place if len(entries) == 1 else f"{place} ({number} of {len(entries)})"
        if not isinstance(entry, dict) or not all(isinstance(key, str) for key in entry):
            held.faults.append(f"{where}: is not the description of an environment (keys and values)")
        elif problem := _unspeakable(entry):
            held.faults.append(f"{where}: {problem}")
        else:
            held.found.append((where, entry))
    return held


def _unspeakable(entry: Description) -> str:
    """What of it JSON cannot carry, as YAML can: sets, bytes, infinities, and what holds itself."""
    try:
        json.dumps(entry, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        return f"holds what cannot be sent: {error}"
    return ""
