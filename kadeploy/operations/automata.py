"""The automaton that a request asks for, in place of its clusters' own."""

from __future__ import annotations

from collections.abc import Mapping

from kadeploy.config.automata import requested_automaton
from kadeploy.domain.automaton import Automaton
from kadeploy.errors import Faults, InvalidOption


def automaton_of(asked: Mapping[str, object]) -> Automaton | None:
    """None when nothing was asked for; raises InvalidOption with every fault and its path."""
    if not asked:
        return None
    try:
        return requested_automaton(asked)
    except Faults as error:
        raise InvalidOption("; ".join(error.faults)) from error
