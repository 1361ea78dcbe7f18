"""A simulated server whose environments are tried, and `kaenv` for several users of it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.acceptance.cli.test_simulation import simulation
from tests.acceptance.cli.tools import Run, run


class Site:
    """A running server, and a directory of images that it may read."""

    def __init__(self, environ: Mapping[str, str], images: Path) -> None:
        self.environ = environ
        self.images = images
        self.image = images / "d.tgz"

    def kaenv(self, user: str, *arguments: str, cwd: Path, stdin: str = "") -> Run:
        return run("kaenv", *arguments, env={**self.environ, "USER": user}, cwd=cwd, stdin=stdin)

    def description(self, **changes: object) -> dict[str, Any]:
        written = {
            "name": "debian12",
            "os": "linux",
            "image": {"file": f"server://{self.image}", "kind": "tar", "compression": "gzip"},
            "boot": {"kernel": "/vmlinuz"},
            "filesystem": "ext4",
            **changes,
        }
        return {key: value for key, value in written.items() if value is not None}

    def write(self, file: Path, **changes: object) -> str:
        file.write_text(yaml.safe_dump(self.description(**changes), sort_keys=False))
        return str(file)


@contextmanager
def serving(directory: Path) -> Iterator[Site]:
    """Until the block ends; root is the administrator."""
    images = directory / "images"
    images.mkdir()
    (images / "d.tgz").write_bytes(gzip.compress(b"a system", mtime=0))
    files = {"roots": [str(images)], "uploads": {"for_environments": True}}
    with simulation(directory, files=files, rights={"kind": "dummy", "almighty_users": ["root"]}) as environ:
        yield Site(environ, images)


def ended(done: Run, stdout: str, *, stderr: str = "", exit_code: int = 0) -> None:
    assert (done.stdout, done.stderr, done.exit) == (stdout, stderr, exit_code)
