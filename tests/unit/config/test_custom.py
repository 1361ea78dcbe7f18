"""Custom operations as people write them."""

from __future__ import annotations

import pytest

from kadeploy.config.automata import Automata
from kadeploy.config.custom import custom_operations
from kadeploy.config.decode import decode
from kadeploy.domain import yaml_text
from kadeploy.domain.automaton import INSTANCES, MICRO_STEPS
from kadeploy.domain.custom import Action, CustomOperation, Insertion, Position, Scattering
from kadeploy.domain.timeout import Timeout
from kadeploy.errors import Faults

GOOD = """
SetDeploymentEnvUntrusted:
  mount_deploy_part:
    pre-ops:
      - {name: hello, action: exec, command: echo hello, timeout: 10 + n, retries: 2}
    post-ops:
      - {name: put, action: send, file: "http://web/a.conf", destination: $KADEPLOY_TMP_DIR, mode: 0755,
         scattering: chain}
    override: true
BroadcastEnv:
  sync:
    substitute:
      - {name: own, action: run, content: "#!/bin/sh", filename: own.sh, params: "a 'b c'"}
"""
BAD = """
SetDeployEnv: {x: {}}
BootNewEnv: 3
SetDeploymentEnv:
  mount_deploy_parts:
    pre-op: []
    pre-ops:
      - {name: a, action: exec, timeout: 30, retries: -2, command: x}
      - {name: b, action: execute, timeout: a b}
      - {name: c, action: send, file: http://web/x, content: a, params: p}
      - {name: d, action: run, file: http://web/x, params: "'", commands: x}
      - {name: e, action: send, content: x, destination: /x, mode: "0999", filename: a/b}
  sync: []
"""
FAULTS = [
    "SetDeployEnv: there is no such macro-step; "
    "there are SetDeploymentEnv, BroadcastEnv, BootNewEnv and their instances",
    "SetDeployEnv.x: there is no such micro-step",
    "BootNewEnv: must be a mapping of micro-steps",
    "SetDeploymentEnv.mount_deploy_parts: there is no such micro-step",
    "SetDeploymentEnv.mount_deploy_parts.pre-ops[0].retries: must be at least 0, not -2",
    "SetDeploymentEnv.mount_deploy_parts.pre-ops[1].action: must be exec, send or run, not 'execute'",
    "SetDeploymentEnv.mount_deploy_parts.pre-ops[1].timeout: the timeout 'a b' is not valid: "
    "'a' (character 1) is not known",
    "SetDeploymentEnv.mount_deploy_parts.pre-ops[2]: destination is required for send; "
    "send needs either file or content; params is not for send",
    "SetDeploymentEnv.mount_deploy_parts.pre-ops[3].params: cannot be read as words of a shell: No closing quotation",
    "SetDeploymentEnv.mount_deploy_parts.pre-ops[4].filename: must be a name without directories, not 'a/b'",
    "SetDeploymentEnv.mount_deploy_parts.pre-ops[4].mode: must be permission bits in octal, such as 0755, not '0999'",
    "SetDeploymentEnv.mount_deploy_parts.pre-ops[3].commands: is not a known key; did you mean command?",
    "SetDeploymentEnv.mount_deploy_parts.pre-op: is not a known key; did you mean pre-ops?",
    "SetDeploymentEnv.sync: must be a mapping of keys to values, not a list",
]


def parsed(text: str) -> tuple[Insertion, ...]:
    return custom_operations(yaml_text.parse(text), instances=INSTANCES, micro_steps=MICRO_STEPS)


def test_every_key_is_read() -> None:
    assert parsed(GOOD) == (
        Insertion(
            macro="SetDeploymentEnvUntrusted",
            micro="mount_deploy_part",
            position=Position.BEFORE,
            operations=(
                CustomOperation(
                    name="hello", action=Action.EXEC, command="echo hello", timeout=Timeout("10 + n"), retries=2
                ),
            ),
            overrides=True,
        ),
        Insertion(
            macro="SetDeploymentEnvUntrusted",
            micro="mount_deploy_part",
            position=Position.AFTER,
            operations=(
                CustomOperation(
                    name="put",
                    action=Action.SEND,
                    file="http://web/a.conf",
                    destination="$KADEPLOY_TMP_DIR",
                    mode=0o755,
                    scattering=Scattering.CHAIN,
                ),
            ),
            overrides=True,
        ),
        Insertion(
            macro="BroadcastEnv",
            micro="sync",
            position=Position.INSTEAD,
            operations=(
                CustomOperation(
                    name="own", action=Action.RUN, content="#!/bin/sh", filename="own.sh", params="a 'b c'"
                ),
            ),
        ),
    )


def test_everything_wrong_is_told_at_once_with_its_path() -> None:
    with pytest.raises(Faults) as caught:
        parsed(BAD)
    assert list(caught.value.faults) == FAULTS


def test_an_empty_list_that_overrides_takes_the_administrators_away() -> None:
    (insertion,) = parsed("BroadcastEnv: {sync: {post-ops: [], override: true}}")
    assert insertion.overrides
    assert insertion.operations == ()
    assert parsed("BroadcastEnv: {sync: {post-ops: []}}") == ()


def test_those_of_a_cluster_stand_in_its_automata() -> None:
    text = """
macrosteps:
  SetDeploymentEnv:
    - type: Untrusted
      microsteps:
        - name: mount_deploy_part
          pre-ops: [{name: put, action: send, file: /etc/kadeploy/a.conf, destination: /tmp/}]
          substitute: [{name: own, action: exec, command: "true"}]
"""
    found = decode(Automata, yaml_text.parse(text))
    assert found.faults == ()
    assert found.warnings == ()
    assert found.value is not None
    before, instead = found.value.insertions()
    assert (before.macro, before.micro, before.position) == (
        "SetDeploymentEnvUntrusted",
        "mount_deploy_part",
        Position.BEFORE,
    )
    assert before.operations[0].file == "server:///etc/kadeploy/a.conf"
    assert instead.position is Position.INSTEAD
