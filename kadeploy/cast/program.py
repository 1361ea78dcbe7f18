"""The relay as one zip file that any host with Python 3.11 runs from memory: nothing is installed, nothing is left.

It goes to the host through the standard input of its Python, in front of the orders.
"""

from __future__ import annotations

import functools
import io
import zipfile
from pathlib import Path
from typing import Final

import kadeploy

OLDEST: Final = (3, 11)
_PACKAGE: Final = Path(kadeploy.__file__).parent
_PARTS: Final = ("__init__.py", "errors.py", "process.py", "domain/__init__.py", "domain/spread.py", "broadcast/*.py")
_LEFT_OUT: Final = "broadcast/heads.py"  # needs more than the standard library
# Read the program, then be it. No single quote: it stands between two of them on the host's command line.
_BOOTSTRAP: Final = (
    "import sys, os; "
    f"sys.version_info >= {OLDEST} or sys.exit("
    f'"its Python is %d.%d, and {".".join(map(str, OLDEST))} is needed" % sys.version_info[:2]); '
    "given = sys.stdin.buffer; size = int(given.readline()); program = os.memfd_create(str(size)); "
    'open(program, "wb", closefd=False).write(given.read(size)); '
    'sys.path.insert(0, "/proc/self/fd/%d" % program); '
    "from kadeploy.broadcast.standalone import leave; leave()"
)


def command(python: str) -> str:
    """What the host's shell is to run."""
    return f"exec {python} -c '{_BOOTSTRAP}'"


@functools.cache
def program() -> bytes:
    """What the command reads first: a line with the size, then the zip file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for pattern in _PARTS for path in _PACKAGE.glob(pattern)):
            name = path.relative_to(_PACKAGE).as_posix()
            if name != _LEFT_OUT:
                archive.writestr(f"kadeploy/{name}", path.read_bytes())
    return b"%d\n" % len(buffer.getvalue()) + buffer.getvalue()
