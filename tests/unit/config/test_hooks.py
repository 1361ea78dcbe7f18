"""`hooks` of server.conf."""

from __future__ import annotations

import pytest

from kadeploy.config.decode import decode
from kadeploy.config.hooks import Hooks
from kadeploy.domain.state import OperationKind


def test_commands_as_a_text_and_as_words() -> None:
    text = decode(Hooks, {"end_of_deployment": "/usr/bin/tell --id WORKFLOW_ID 'all done'", "when": "always"}).value
    assert text is not None
    assert text.commands[OperationKind.DEPLOYMENT] == ("/usr/bin/tell", "--id", "WORKFLOW_ID", "all done")
    words = decode(Hooks, {"end_of_power": ["/usr/bin/tell", "it's over"]}).value
    assert words is not None
    assert words.commands[OperationKind.POWER] == ("/usr/bin/tell", "it's over")
    assert (words.when, words.deadline) == ("asked", 20.0)
    assert not words.commands[OperationKind.REBOOT]


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("a | b", "end_of_reboot: is run without a shell, which '|' is for: put it in a script and name that"),
        ("a; b", "end_of_reboot: is run without a shell, which 'a;' is for: put it in a script and name that"),
        ("a > b", "end_of_reboot: is run without a shell, which '>' is for: put it in a script and name that"),
        ("a 'b", "end_of_reboot: cannot be read as words: No closing quotation"),
    ],
)
def test_what_only_a_shell_understands_is_refused(command: str, fault: str) -> None:
    assert decode(Hooks, {"end_of_reboot": command}).faults == (fault,)
