"""Environments, and what there is to say of descriptions, as JSON."""

from __future__ import annotations

from typing import Any

from kadeploy.domain.environment import Environment
from kadeploy.operations.environment_recording import Verdict


def view(environment: Environment, *, checksums: bool = False) -> dict[str, Any]:
    """The description as its author wrote it, with what the tools cannot do without, and whose it is."""
    needed = {
        "name": environment.name,
        "version": environment.version,
        "description": "",
        "author": "",
        "visibility": environment.visibility.value,
        "destructive": environment.destructive,
    }
    written = {key: value for key, value in environment.description.items() if value is not None}
    if checksums:
        written |= _with_checksums(environment, written)
    return {**written, **{key: value for key, value in needed.items() if key not in written}, "user": environment.user}


def shown(verdict: Verdict) -> dict[str, Any]:
    return {
        "user": verdict.user,
        "name": verdict.name,
        "version": verdict.version,
        "exists": verdict.exists,
        "faults": list(verdict.faults),
        "warnings": list(verdict.warnings),
    }


def _with_checksums(environment: Environment, written: dict[str, Any]) -> dict[str, Any]:
    """The sections of files, each with the checksum that is recorded of it."""
    summed: dict[str, Any] = {}
    known = {"image": environment.image.checksum}
    if environment.preinstall is not None:
        known["preinstall"] = environment.preinstall.checksum
    for key, checksum in known.items():
        if key in written and checksum:
            summed[key] = {**written[key], "checksum": checksum}
    if written.get("postinstalls"):
        entries = zip(written["postinstalls"], environment.postinstalls, strict=True)
        summed["postinstalls"] = [
            {**entry, "checksum": archive.checksum} if archive.checksum else entry for entry, archive in entries
        ]
    return summed
