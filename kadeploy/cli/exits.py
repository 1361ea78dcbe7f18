"""What a tool's exit code means: one table, shown by every tool's help and used by every tool's end.

Numbers from 4 to 30 are Kadeploy3's application errors. 0 means that all went well on every node: Kadeploy3 also
gave it when nodes had failed, so that scripts could not tell.
"""

from __future__ import annotations

from typing import Final

from kadeploy.cli.refused import Refused
from kadeploy.errors import KadeployError, NotFound

ALL_OK: Final = 0
USAGE: Final = 1
HTTP: Final = 2
SERVER_FAILED: Final = 3
NODES_KO: Final = 40
HELD: Final = 41
INTERRUPTED: Final = 130

TABLE: Final = f"""\b
Exit codes:
  {ALL_OK}     done; of an operation: every node is OK
  {USAGE}     wrong options, no server, connection lost, not found
  {HTTP}     the server refused for a reason without a number
  {SERVER_FAILED}     the server failed
  {NODES_KO}    the operation ended, and some node is not OK
  {HELD}    nodes are held at a breakpoint
  {INTERRUPTED}   interrupted with Ctrl-C
  Any other, and 1 to 3 too, is the Kadeploy error number that is printed:
  1 operation id, 2 node list, 3 client export, 4 option, 5 file,
  6 insufficient rights, 7 environment, 8 custom operations, 9 VLAN,
  10 exists already, 11 conflict, 12 missing option, 13 conflicting options,
  14 nothing modified, 15 command failed, 20 database, 21 cache,
  22 cache full, 30 destructive environment"""


def exit_code(error: KadeployError) -> int:
    """Kadeploy3's rule: the application's number with status 400, else by the HTTP status; never 0."""
    if not isinstance(error, Refused):
        return USAGE
    if error.status == 400 and error.code:
        return error.code
    return {NotFound.status: USAGE, 500: SERVER_FAILED}.get(error.status, HTTP)
