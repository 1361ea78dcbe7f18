"""`--custom-steps` and `--variable`: files of this machine travel along, everything wrong is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from kadeploy.cli.custom import LARGEST, custom_fields, read_custom_steps, read_variables
from kadeploy.cli.given import Given
from kadeploy.cli.local_files import custom_operations
from kadeploy.errors import Faults, InvalidFile


def steps(folder: Path, text: str) -> str:
    path = folder / "steps.yaml"
    path.write_text(text)
    return str(path)


def test_a_file_of_this_machine_becomes_content(tmp_path: Path) -> None:
    (tmp_path / "do.sh").write_text("#!/bin/sh\n")
    place = steps(
        tmp_path,
        f"""
SetDeploymentEnv:
  sync:
    pre-ops:
      - {{name: a, action: run, file: {tmp_path}/do.sh}}
      - {{name: b, action: send, file: "local://{tmp_path}/do.sh", destination: /tmp/}}
    post-ops:
      - {{name: c, action: run, file: "server:///srv/x"}}
      - {{name: d, action: exec, command: ls}}
""",
    )
    sync = read_custom_steps(place)["SetDeploymentEnv"]["sync"]
    assert sync == {
        "pre-ops": [
            {"name": "a", "action": "run", "content": "#!/bin/sh\n", "filename": "do.sh"},
            {"name": "b", "action": "send", "content": "#!/bin/sh\n", "filename": "do.sh", "destination": "/tmp/"},
        ],
        "post-ops": [
            {"name": "c", "action": "run", "file": "server:///srv/x"},
            {"name": "d", "action": "exec", "command": "ls"},
        ],
    }


def test_what_does_not_travel_in_the_request_is_sent_before_it(tmp_path: Path) -> None:
    """Large files, and what is no text, stay named; one that is not there is told."""
    (tmp_path / "big").write_text("x" * (LARGEST + 1))
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    operations = f"""
BootNewEnv:
  kexec:
    pre-ops: [{{name: b, action: run, file: {tmp_path}/big}}]
    substitute: [{{name: c, action: run, file: {tmp_path}/binary}}]
"""
    content = read_custom_steps(steps(tmp_path, operations))
    assert [one["file"] for one in custom_operations(content)] == [f"{tmp_path}/big", f"{tmp_path}/binary"]
    place = steps(tmp_path, operations.replace("/big", "/none"))
    with pytest.raises(Faults) as caught:
        read_custom_steps(place)
    assert caught.value.faults == (
        f"--custom-steps {place}: BootNewEnv.kexec.pre-ops[0].file: "
        f"{tmp_path}/none cannot be read: No such file or directory",
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [("a: [", "is not YAML"), ("- 1", "is no description of custom steps"), ("x", "is no description")],
)
def test_what_is_no_description(tmp_path: Path, text: str, fault: str) -> None:
    with pytest.raises(InvalidFile, match=fault):
        read_custom_steps(steps(tmp_path, text))


def test_what_a_faulty_shape_holds_is_left_to_the_server(tmp_path: Path) -> None:
    text = "{SetDeploymentEnv: 3, BootNewEnv: {kexec: [], sync: {pre-ops: {file: x}}}}"
    assert read_custom_steps(steps(tmp_path, text))["SetDeploymentEnv"] == 3


def test_variables() -> None:
    assert read_variables(["A=1", "B=x=y", "C="]) == {"A": "1", "B": "x=y", "C": ""}
    with pytest.raises(Faults) as caught:
        read_variables(["A", "=", "B=1"])
    assert caught.value.faults == ("--variable A: must be NAME=VALUE",)


def test_the_fields_of_a_request(tmp_path: Path) -> None:
    place = steps(tmp_path, "{BootNewEnv: {}}")
    given = Given({"custom_steps": place, "variables": ("A=1",)})
    assert custom_fields(given) == {"custom_operations": {"BootNewEnv": {}}, "custom_variables": {"A": "1"}}
    assert custom_fields(Given({})) == {}
    faulty = Given({"custom_steps": str(tmp_path / "none"), "variables": ("A",)})
    custom_fields(faulty)
    assert len(faulty.faults) == 2
