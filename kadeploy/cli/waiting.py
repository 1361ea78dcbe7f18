"""How the user wants to wait for an operation, and what to leave behind: the options that all operations share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from kadeploy.cli.debug_http import TRACES, descriptor_or
from kadeploy.cli.follow import PATIENCE
from kadeploy.cli.given import Given
from kadeploy.cli.lines import USUAL
from kadeploy.cli.preferences import COLOR
from kadeploy.cli.report import LeftFiles

LEAVE = "leave"
INTERRUPTIONS = ("abort", LEAVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How to wait and what to leave behind. `leaves`: Ctrl-C leaves the operation running; `traces` takes what nodes
    said, if that was asked for."""

    files: LeftFiles = field(default_factory=LeftFiles)
    script: str | None = None
    level: int = USUAL
    wait: bool = True
    dry_run: bool = False
    as_json: bool = False
    patience: float = PATIENCE
    color: bool = True
    leaves: bool = False
    exit_zero: bool = False
    traces: Callable[[str], object] | None = None

    @property
    def settles(self) -> bool:
        """Whether what became of each node is known in the end, and to be written down."""
        return self.wait and not self.dry_run

    @classmethod
    def of(cls, given: Given) -> Waiting:
        ok, ko, script = given.text("ok_file"), given.text("ko_file"), given.text("script")
        wait = given.flag("wait")
        given.need(ok is None or ok != ko, f"-o and -n name the same file, {ok}")
        given.need(wait or not (ok or ko), "-o and -n need --wait")
        given.need(wait or not script, "-s needs --wait")
        given.need(not script or os.access(script, os.X_OK), f"-s {script}: cannot be run")
        level = given.number("level", "-V", least=1, most=5)
        patience = given.number("patience", "--patience", least=0)
        on_interrupt = given.text("on_interrupt") or INTERRUPTIONS[0]
        given.need(on_interrupt in INTERRUPTIONS, f"--on-interrupt {on_interrupt}: must be abort or leave")
        stream = sys.stderr if given.flag("as_json") else sys.stdout
        return cls(
            files=LeftFiles(ok=ok, ko=ko, wid=given.text("wid_file")),
            script=script,
            level=level or USUAL,
            wait=wait,
            dry_run=given.flag("dry_run"),
            as_json=given.flag("as_json"),
            patience=PATIENCE if patience is None else patience,
            color=given.preferred(COLOR) != "never",
            leaves=on_interrupt == LEAVE,
            exit_zero=given.flag("exit_zero"),
            traces=descriptor_or(given.descriptors, TRACES, stream) if given.flag("debug") else None,
        )
