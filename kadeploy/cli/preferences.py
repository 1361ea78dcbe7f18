"""What users set once instead of saying it every time: `KADEPLOY_*` variables, and `~/.config/kadeploy/config.yaml`.

An option is stronger than a variable, a variable than the user's file, the user's file than `client.conf`.
`--show-config` shows what holds, and where it comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from kadeploy.cli.unread import reason
from kadeploy.errors import BadConfiguration

FILE: Final = Path(".config") / "kadeploy" / "config.yaml"
SERVER: Final = "server"
OUTPUT: Final = "output"
COLOR: Final = "color"
FORMS: Final = ("table", "json", "yaml")
_TRUE: Final = ("true", "yes", "on", "1")
_FALSE: Final = ("false", "no", "off", "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """`parameter` is the option's name that it is the default of, where there is one that takes it as it is."""

    key: str
    wanted: str
    usual: str
    fits: Callable[[str], bool]
    parameter: str = ""

    @property
    def variable(self) -> str:
        return f"KADEPLOY_{self.key.upper()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A preference's value as text, and who set it."""

    value: str
    origin: str


def _is_switch(text: str) -> bool:
    return text.lower() in (*_TRUE, *_FALSE)


def _switch(key: str, parameter: str, usual: str = "false") -> Preference:
    return Preference(key=key, wanted="must be true or false", usual=usual, fits=_is_switch, parameter=parameter)


def _choice(key: str, *words: str, parameter: str = "") -> Preference:
    return Preference(
        key=key,
        wanted=f"must be {' or '.join(words)}",
        usual=words[0],
        fits=lambda text: text in words,
        parameter=parameter,
    )


PREFERENCES: Final = (
    Preference(
        key=SERVER,
        wanted="must be a server's name or address",
        usual="",
        fits=lambda text: bool(text.strip()),
        parameter="server",
    ),
    _choice(OUTPUT, *FORMS),
    _choice(COLOR, "auto", "never"),
    _choice("on_interrupt", "abort", "leave", parameter="on_interrupt"),
    _switch("exit_zero", "exit_zero"),
    _switch("wait_nodes", "wait_nodes"),
    _switch("multi_server", "multi_server"),
    _switch("debug_http", "debug_http"),
    Preference(
        key="verbose_level",
        wanted="must be a number from 1 to 5",
        usual="3",
        fits=lambda text: text in ("1", "2", "3", "4", "5"),
        parameter="level",
    ),
    Preference(
        key="patience",
        wanted="must be a number of seconds",
        usual="600",
        fits=lambda text: text.isdecimal(),
        parameter="patience",
    ),
)


def read_preferences(environ: Mapping[str, str], home: Path) -> Mapping[str, Found]:
    """By their keys, those that somebody has set. Raises BadConfiguration with everything that is wrong."""
    path = home / FILE
    written, faults = _written(path)
    found: dict[str, Found] = {}
    for preference in PREFERENCES:
        value, origin, place = environ.get(preference.variable, "").strip(), preference.variable, preference.variable
        if not value and preference.key in written:
            value, origin, place = written[preference.key], str(path), f"{path}: {preference.key}"
        if not value and origin == preference.variable:
            continue
        if preference.fits(value):
            found[preference.key] = Found(value=value, origin=origin)
        else:
            faults.append(f"{place}: {preference.wanted}, not {value!r}")
    if faults:
        raise BadConfiguration("; ".join(faults))
    return found


def defaults(found: Mapping[str, Found]) -> dict[str, object]:
    """What options are when they are not given. The variable for the server is heeded where servers are chosen."""
    chosen: dict[str, object] = {}
    for preference in PREFERENCES:
        set_to = found.get(preference.key)
        if not preference.parameter or set_to is None:
            continue
        if preference.key == SERVER and set_to.origin == preference.variable:
            continue
        is_switch = preference.fits is _is_switch
        chosen[preference.parameter] = set_to.value.lower() in _TRUE if is_switch else set_to.value
    return chosen


def _written(path: Path) -> tuple[Mapping[str, str], list[str]]:
    """The user's file as texts, and what is wrong with it as a whole."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}, []
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        return {}, [f"{path}: cannot be read: {reason(error)}"]
    if content is None:
        return {}, []
    if not isinstance(content, dict):
        return {}, [f"{path}: must be keys and values, as in `output: json`"]
    known = [preference.key for preference in PREFERENCES]
    faults = [f"{path}: {key}: is not known here (known: {', '.join(known)})" for key in content if key not in known]
    texts = {str(key): str(value).lower() if isinstance(value, bool) else str(value) for key, value in content.items()}
    return texts, faults
