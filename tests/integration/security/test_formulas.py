"""Timeout formulas of users were run as code in the server; here they are arithmetic, or refused."""

from __future__ import annotations

import pytest

from tests.integration.security.attacked import Attacked


def programs(canary: str) -> dict[str, str]:
    return {
        "ruby backticks": f"`touch {canary}`",
        "ruby system": f"system('touch {canary}')",
        "ruby kernel": f"1;File.write('{canary}','')",
        "python import": f"__import__('os').system('touch {canary}')",
        "python open": f"open('{canary}','w')",
        "shell": f"$(touch {canary})",
        "attribute": "n.__class__.__mro__",
        "lambda": "(lambda: n)()",
        "power tower": "9**9**9**9",
        "long": "1+" * 50_000 + "1",
        "deep": "(" * 50_000,
    }


@pytest.mark.parametrize("kind", programs(""))
@pytest.mark.parametrize("key", ["timeout_reboot_classical", "timeout_reboot_kexec", "automata"])
def test_a_program_in_the_place_of_seconds_is_refused_and_not_run(server: Attacked, kind: str, key: str) -> None:
    canary = server.folder / "canary"
    text = programs(str(canary))[kind]
    entry = {"BootNewEnv": [{"name": "Classical", "timeout": text}]}
    answer = server.user().deploy(**{key: entry if key == "automata" else text})
    assert answer.is_refusal, answer.text
    assert answer.code == "4"
    assert not canary.exists()


def test_a_program_in_a_reboot_is_refused(server: Attacked) -> None:
    canary = server.folder / "canary"
    answer = server.user().post(
        "/reboot", kind="simple", nodes=["node-1"], timeout_reboot_classical=f"`touch {canary}`"
    )
    assert answer.is_refusal, answer.text
    assert not canary.exists()


def test_arithmetic_is_understood(server: Attacked) -> None:
    assert server.user().deploy(timeout_reboot_classical="120 + 20*log(n)").status == 200
