"""`--force-steps`, in Kadeploy3's writing."""

from __future__ import annotations

import pytest

from kadeploy.cli.automata import parse_force_steps
from kadeploy.domain.timeout import ALLOWED
from kadeploy.errors import Faults


def test_three_macro_steps() -> None:
    text = "SetDeploymentEnv|Untrusted:1:450&BroadcastEnv|Kascade:0:400&BootNewEnv|Kexec:0:90,Classical:1:200+2*n"
    assert parse_force_steps(text) == {
        "SetDeploymentEnv": [{"name": "Untrusted", "retries": 1, "timeout": 450}],
        "BroadcastEnv": [{"name": "Kascade", "retries": 0, "timeout": 400}],
        "BootNewEnv": [
            {"name": "Kexec", "retries": 0, "timeout": 90},
            {"name": "Classical", "retries": 1, "timeout": "200+2*n"},
        ],
    }


def test_a_macro_step_that_is_not_named_stays_as_it_is() -> None:
    assert list(parse_force_steps("BootNewEnv|BootNewEnvClassical:0:300")) == ["BootNewEnv"]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", ["--force-steps: '' is not like MACRO|INSTANCE:RETRIES:TIMEOUT,…"]),
        (
            "Deploy|Chain:1:1&BootNewEnv|Kexec&BootNewEnv|Kexec:0:0",
            [
                "--force-steps: there is no macro-step 'Deploy', but SetDeploymentEnv, BroadcastEnv, BootNewEnv",
                "--force-steps: 'Kexec' is not like INSTANCE:RETRIES:TIMEOUT",
                "--force-steps: BootNewEnv is there twice",
            ],
        ),
        (
            "BootNewEnv|Chain:x:n n",
            [
                "--force-steps: BootNewEnv has no instance 'Chain', but Kexec, Classical, HardReboot, PivotRoot, Dummy",
                "--force-steps: the retries of Chain must be a number, not 'x'",
                "--force-steps: Chain: the timeout 'n n' is not valid: 'n' (character 3) cannot be there: "
                f"an operator is expected, or the end ({ALLOWED})",
            ],
        ),
    ],
)
def test_all_that_is_wrong_is_told(text: str, faults: list[str]) -> None:
    with pytest.raises(Faults) as caught:
        parse_force_steps(text)
    assert list(caught.value.faults) == faults
