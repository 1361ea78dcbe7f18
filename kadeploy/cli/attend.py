"""Attending a console that the server has opened, until the user or the console leaves."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final

from kadeploy.cli.client import Client, segment
from kadeploy.cli.console_socket import ConsoleSocket, handshake
from kadeploy.cli.console_terminal import Screen, attended
from kadeploy.errors import KadeployError

LEAVE: Final = "[Kaconsole] kill sequence: ^[^[^[^["


def attend(client: Client, answer: Mapping[str, Any], *, keys: int | None, types: bool) -> int:
    """Leaves nothing behind, however it ends. `keys` is the terminal typed on. Raises what the server says."""
    screen = Screen(keys=keys, types=types)
    try:
        if screen.keys is not None:
            print(LEAVE, file=sys.stderr, flush=True)
        with client.upgraded(str(answer["resources"]["stream"]), handshake()) as stream:
            socket = ConsoleSocket(stream)
            try:
                attended(socket, screen)
            finally:
                socket.close()
        if socket.failure:
            client.get(str(answer["resources"]["error"]))  # answered with the failure's own error, and its number
            raise KadeployError(f"the console has ended: {socket.failure}")
        return 0
    finally:
        _forget(client, str(answer["wid"]))


def _forget(client: Client, wid: str) -> None:
    try:
        client.send("DELETE", f"/console/{segment(wid)}", {})
    except KadeployError:
        return  # it ends by itself
