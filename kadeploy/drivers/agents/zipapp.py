"""The agent as one file: what the minimal environment fetches at each boot, so that it need not be rebuilt for it.

Made in memory from the package's own sources; the same sources give the same bytes. Compiled code lies beside the
sources, for a node whose Python is this server's starts much faster with it; any other Python takes the sources.
"""

from __future__ import annotations

import functools
import importlib.util
import io
import marshal
import zipfile
from pathlib import Path

import kadeploy

_PACKAGE = Path(kadeploy.__file__).parent
# What `kadeploy.agent` reaches, which is standard library only.
_PARTS = (
    "__init__.py",
    "errors.py",
    "process.py",
    "agent/**/*.py",
    "broadcast/**/*.py",
    *(f"domain/{name}.py" for name in ("__init__", "disk", "image", "loaders", "meeting", "spread")),
)
_LEFT_OUT = ("broadcast/heads.py", "broadcast/standalone.py")
# asyncio loads ssl if it can, which is a quarter of the agent's start (1.2 s of 4.5 on an emulated node).
_MAIN = """import sys

from kadeploy.agent.__main__ import main

sys.exit(main())
"""
_PLAIN_MAIN = """import sys

sys.modules["ssl"] = None
import asyncio

del sys.modules["ssl"]

from kadeploy.agent.__main__ import main

sys.exit(main())
"""
_UNCHECKED_HASH = (0b01).to_bytes(4, "little")  # PEP 552: valid as long as it lies there


@functools.cache
def agent_zipapp(*, tls: bool = False) -> bytes:
    """A zip file that Python runs (`python3 agent.pyz`); without `tls` it starts sooner, and can speak none."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, source in [("__main__.py", (_MAIN if tls else _PLAIN_MAIN).encode()), *_sources()]:
            _add(archive, name, source)
            _add(archive, f"{name}c", _compiled(name, source))
    return buffer.getvalue()


def _sources() -> list[tuple[str, bytes]]:
    paths = sorted({path for pattern in _PARTS for path in _PACKAGE.glob(pattern)})
    named = [(path.relative_to(_PACKAGE).as_posix(), path) for path in paths]
    return [(f"kadeploy/{name}", path.read_bytes()) for name, path in named if name not in _LEFT_OUT]


def _compiled(name: str, source: bytes) -> bytes:
    """The file format of importlib's caches."""
    code = compile(source, f"agent.pyz/{name}", "exec", dont_inherit=True, optimize=0)
    return importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH + importlib.util.source_hash(source) + marshal.dumps(code)


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, data)
