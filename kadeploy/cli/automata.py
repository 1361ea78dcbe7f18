"""`--force-steps`: an automaton on the command line, in Kadeploy3's writing.

    SetDeploymentEnv|Untrusted:1:450&BroadcastEnv|Chain:0:400&BootNewEnv|Kexec:0:200,Classical:1:300

For each macro-step its instances in the order they are tried, each with its retries and its timeout in seconds.
"""

from __future__ import annotations

from collections.abc import Iterator

from kadeploy.domain.automaton import INSTANCES, plain_instance
from kadeploy.domain.timeout import Timeout
from kadeploy.errors import Faults, InvalidOption

Automata = dict[str, list[dict[str, object]]]


def parse_force_steps(text: str) -> Automata:
    """As the `automata` parameter; raises Faults with everything that is wrong. A macro-step that is not named stays
    as the cluster has it."""
    faults: list[str] = []
    found: Automata = {}
    for part in text.split("&"):
        macro, bar, instances = part.strip().partition("|")
        if not bar:
            faults.append(f"--force-steps: {part!r} is not like MACRO|INSTANCE:RETRIES:TIMEOUT,…")
        elif macro not in INSTANCES:
            faults.append(f"--force-steps: there is no macro-step {macro!r}, but {', '.join(INSTANCES)}")
        elif macro in found:
            faults.append(f"--force-steps: {macro} is there twice")
        else:
            found[macro] = list(_instances(macro, instances, faults))
    if faults:
        raise Faults(faults)
    return found


def _instances(macro: str, text: str, faults: list[str]) -> Iterator[dict[str, object]]:
    for part in text.split(","):
        words = [word.strip() for word in part.split(":")]
        if len(words) != 3:
            faults.append(f"--force-steps: {part!r} is not like INSTANCE:RETRIES:TIMEOUT")
            continue
        name, retries, timeout = words
        if plain_instance(macro, name) is None:
            faults.append(f"--force-steps: {macro} has no instance {name!r}, but {', '.join(INSTANCES[macro])}")
        if not retries.isdecimal():
            faults.append(f"--force-steps: the retries of {name} must be a number, not {retries!r}")
        try:
            Timeout(timeout)
        except InvalidOption as error:
            faults.append(f"--force-steps: {name}: {error}")
        seconds: object = int(timeout) if timeout.isdecimal() else timeout
        yield {"name": name, "retries": int(retries) if retries.isdecimal() else 0, "timeout": seconds}
