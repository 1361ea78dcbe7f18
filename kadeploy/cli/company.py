"""Options that mean nothing beside others: each is refused in a sentence, so that nobody believes that it had effect.

What the user's own configuration says is for whenever it applies, and gives way to what is said on the command line.
What stays harmless is in docs/reference/tools.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import click

from kadeploy.cli.given import Given

Company = Mapping[str, tuple[str, Collection[str]]]
"""An option: its letters, and what it goes with."""


def of_strangers(given: Given, options: Sequence[click.Parameter], *, friends: Collection[str], to: str) -> None:
    """A fault for each of the options that was given and is not among these friends of what is asked for."""
    for parameter in options:
        name = parameter.name or ""
        if given.said(name) and name not in friends:
            given.need(False, f"{_letters(parameter, given)} does not go with {to}")


def of_actions(given: Given, action: str, company: Company, letters: Mapping[str, str]) -> None:
    """A fault for each option that does not go with the action, in the table's order."""
    for name, (called, actions) in company.items():
        if given.said(name) and action not in actions:
            known = list(dict.fromkeys(letters[each] for each in actions))
            given.need(False, f"{called} goes with {_listed(known)}")


def of_nothing(given: Given, options: Sequence[click.Parameter]) -> None:
    """A fault for each text that was given and is empty, as of a script's variable that was never set. What may be left
    out is empty then, and of nodes and partitions more is said elsewhere."""
    for parameter in options:
        name = parameter.name or ""
        if given.said(name) and given.text(name) == "" and name != "partition" and not _may_be_left_out(parameter):
            given.need(False, f"{_letters(parameter, given)} is empty")


def of_servers(given: Given) -> Given:
    """-S chooses one server, also where the user's configuration wants all of them."""
    if not (given.said("server") and given.flag("multi_server")):
        return given
    given.need(not given.said("multi_server"), "-S and -M exclude each other: one server, or every one")
    return given if given.faults else given.but(multi_server=False)


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _letters(parameter: click.Parameter, given: Given) -> str:
    """As it was given: the other side of a switch has its own."""
    is_off = bool(parameter.secondary_opts) and not given.flag(parameter.name or "")
    return next(_words(parameter.secondary_opts if is_off else parameter.opts))


def _may_be_left_out(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Option) and parameter.flag_value == ""


def _words(options: Sequence[str]) -> Iterator[str]:
    return (word for word in options if word.strip())
