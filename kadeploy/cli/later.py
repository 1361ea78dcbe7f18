"""What the tools load only when they come to it: the one place in which modules are loaded by their names.

A tool that shows its help, or completes a word, must be there at once; HTTP and drawing take a third of a second.
"""

from __future__ import annotations

import gc
from enum import StrEnum
from importlib import import_module
from typing import Any


class Later(StrEnum):
    """Every module that is loaded so."""

    TRANSPORT = "kadeploy.cli.transport"
    LIVE_VIEW = "kadeploy.cli.live_view"
    CONSOLE = "kadeploy.cli.attend"
    COMPLETION = "kadeploy.cli.completion"
    ABOUT_ITSELF = "kadeploy.cli.about_itself"


def load(module: Later | str) -> Any:
    """One of these, or of a tool's own table of commands.

    What is made meanwhile stays: to look for garbage in it would be a sixth of what it takes to load the server.
    """
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        return import_module(module)
    finally:
        if was_collecting:
            gc.enable()
