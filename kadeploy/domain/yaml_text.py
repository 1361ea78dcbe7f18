"""Reading YAML that people wrote, more strictly than PyYAML's defaults.

A date stays text (nothing here wants dates, and JSON cannot carry them), `52:54:00:12:34:56` is a MAC and not a
number in base sixty (YAML 1.1's trap), a key written twice is a fault, and text that comes from users may hold no
aliases, since a few lines of them unfold to gigabytes, no depth, since libyaml's loader recurses in C, and no tags,
since those choose what is made of a value, and PyYAML fails on values that are not of their tag.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from kadeploy.errors import Faults

_PLAIN_INT: Final = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)\Z")
_PLAIN_FLOAT: Final = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?\Z")
_REPLACED: Final = frozenset({f"tag:yaml.org,2002:{kind}" for kind in ("timestamp", "int", "float")})


DEEPEST: Final = 50
_TEXT: Final = (None, "!", "tag:yaml.org,2002:str")


class _Loader(yaml.CSafeLoader):
    """libyaml's parser with our resolvers and no repeated keys."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own protocol
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in _REPLACED]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"the key {key.value!r} is given twice", problem_mark=key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _PLAIN_INT, list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _PLAIN_FLOAT, list("-+0123456789."))

_NOT_OF_ITS_TAG: Final = (AttributeError, KeyError, TypeError)
"""What PyYAML raises for `!!timestamp x`, `!!bool x` and their like."""


def parse(text: str | bytes, *, trusted: bool = False) -> object:
    """The value that the text holds, None when it is empty; raises Faults with line and column.

    `trusted` text, an admin's own files, may hold aliases.
    """
    try:
        if not trusted:
            _refuse_bombs(text)
        return yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError, *_NOT_OF_ITS_TAG) as error:
        raise _faults(error) from error


def parse_all(text: str | bytes, *, trusted: bool = False) -> list[object]:
    """The value of each document of the text, as `---` parts them; raises Faults as `parse` does."""
    try:
        if not trusted:
            _refuse_bombs(text)
        return list(yaml.load_all(text, Loader=_Loader))
    except (yaml.YAMLError, ValueError, *_NOT_OF_ITS_TAG) as error:
        raise _faults(error) from error


def _faults(error: Exception) -> Faults:
    if isinstance(error, yaml.reader.ReaderError):
        return Faults([f"not YAML: {error.reason} at position {error.position}"])
    return Faults([_place(error) if isinstance(error, yaml.MarkedYAMLError) else f"not YAML: {error}"])


def _refuse_bombs(text: str | bytes) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise _fault("aliases (*name) are not accepted here", event.start_mark)
        if getattr(event, "tag", None) not in _TEXT:
            raise _fault("tags (!name) are not accepted here", event.start_mark)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise _fault(f"nested more than {DEEPEST} deep", event.start_mark)


def _fault(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def _place(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{where}{error.problem or error.context or 'not YAML'}"
