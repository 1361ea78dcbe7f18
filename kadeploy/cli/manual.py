"""Manual pages, man(7), made of what `--help` shows, so that neither can say what the other does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata

import click

_TICKS = re.compile(r"`([^`]+)`")


def page(command: click.Command, name: str, *, section: int) -> str:
    """The whole page as roff."""
    context = click.Context(command, info_name=name, help_option_names=["-h", "--help"])
    about = command.help or ""
    lines = [
        f'.TH "{name.upper()}" "{section}" "" "Kadeploy {metadata.version("kadeploy")}" "Kadeploy"',
        ".SH NAME",
        f"{_plain(name)} \\- {_text(_summary(about))}",
        ".SH SYNOPSIS",
        f".B {_plain(name)}",
        *[_plain(word) for word in command.collect_usage_pieces(context)],
        ".SH DESCRIPTION",
        *_paragraphs(about),
        ".SH OPTIONS",
        *_options(command, context),
    ]
    if isinstance(command, click.Group):
        lines += [".SH COMMANDS", *_commands(command, context, name)]
    return "\n".join([*lines, *_sections(command.epilog or "")]) + "\n"


def _summary(about: str) -> str:
    first = " ".join(about.split("\n\n")[0].split()).partition(". ")[0].rstrip(".")
    return first[:1].lower() + first[1:]


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            yield from (".TP", f"\\fB{_plain(record[0])}\\fR", _text(record[1]))


def _commands(group: click.Group, context: click.Context, name: str) -> Iterator[str]:
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        if command is None:
            continue
        inner = click.Context(command, info_name=word, parent=context)
        yield f".SS {_plain(f'{name} {word}')} {_plain(' '.join(command.collect_usage_pieces(inner)))}"
        yield from _paragraphs(command.help or "")
        yield from _options(command, inner)
        if isinstance(command, click.Group):
            yield from _commands(command, inner, f"{name} {word}")


def _sections(epilog: str) -> Iterator[str]:
    """The parts of the epilog; one that begins with a word and a colon is a section of its own."""
    for part in epilog.split("\n\n"):
        lines = [line for line in part.splitlines() if line.strip() != "\b"]
        if not lines:
            continue
        if re.fullmatch(r"[A-Z][A-Za-z ]+:", lines[0]):
            yield f".SH {lines.pop(0)[:-1].upper()}"
        else:
            yield ".SH SERVER"
        yield from (".nf", *(_text(line) or "\\&" for line in lines), ".fi")


def _paragraphs(text: str) -> Iterator[str]:
    for part in text.split("\n\n"):
        lines = [line for line in part.splitlines() if line.strip() != "\b"]
        if "\b" in part:
            yield from (".PP", ".nf", *(_text(line) for line in lines), ".fi")
        else:
            yield from (".PP", _text(" ".join(line.strip() for line in lines)))


def _text(text: str) -> str:
    return _TICKS.sub(r"\\fB\1\\fR", _plain(text))


def _plain(text: str) -> str:
    """Without what roff would take for its own."""
    safe = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{safe}" if safe.startswith(".") else safe
