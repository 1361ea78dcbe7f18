"""`-w`, `--set-pxe-pattern` and `-x`: a profile of the user's for the firmware to boot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from kadeploy.cli.given import Given
from kadeploy.cli.options import option
from kadeploy.cli.unread import reason
from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import Faults, InvalidNodes

PROFILE = (
    option("-w", "--set-pxe-profile", "profile", metavar="FILE", help="Have the nodes boot by this iPXE script."),
    option(
        "--set-pxe-pattern",
        "pattern",
        metavar="FILE",
        help="Lines of NODE,TEXT: what NODE_SINGULARITY in the script is for each node.",
    ),
    option(
        "-x",
        "--upload-pxe-files",
        "pxe_files",
        metavar="A,B,...",
        multiple=True,
        help="Files to serve to the nodes for -w, which names them FILES_PREFIX--NAME. Repeatable.",
    ),
)


def profile_fields(given: Given) -> dict[str, object]:
    """The `pxe` parameter, where a profile was given."""
    profile, pattern = given.text("profile"), given.text("pattern")
    files = [file.strip() for text in given.texts("pxe_files") for file in text.split(",") if file.strip()]
    given.need(pattern is None or profile is not None, "--set-pxe-pattern goes with -w")
    given.need(not files or profile is not None, "-x goes with -w, which names the files")
    if profile is None:
        return {}
    pxe: dict[str, object] = {"profile": given.tried(lambda: _read("-w", profile)) or ""}
    if pattern is not None:
        pxe["singularities"] = given.tried(lambda: dict(_pattern(_read("--set-pxe-pattern", pattern), pattern))) or {}
    if files:
        pxe["files"] = {PurePosixPath(file).name: file for file in files}
        given.need(len({PurePosixPath(file).name for file in files}) == len(files), "-x: two files have the same name")
    return {"pxe": pxe}


def _read(option_name: str, file: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Faults([f"{option_name} {file}: cannot be read: {reason(error)}"]) from error


def _pattern(text: str, file: str) -> Iterator[tuple[str, str]]:
    faults = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        nodes, comma, value = line.partition(",")
        try:
            names = NodeSet.parse(nodes)
        except InvalidNodes as error:
            faults.append(f"--set-pxe-pattern {file}: line {number}: {error}")
            continue
        if not comma:
            faults.append(f"--set-pxe-pattern {file}: line {number}: must be NODE,TEXT")
        yield from ((name, value.strip()) for name in names)
    if faults:
        raise Faults(faults)
