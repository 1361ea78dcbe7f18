"""`python -m kadeploy.minienv OUTPUT_DIR`: build the minimal environment, and with `--nfsroot` one whose root is on
NFS."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kadeploy.errors import KadeployError
from kadeploy.minienv.build import build
from kadeploy.minienv.nfsroot import build_nfsroot


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m kadeploy.minienv", description=__doc__)
    parser.add_argument("output", type=Path, metavar="OUTPUT_DIR", help="where vmlinuz and initrd go")
    parser.add_argument("--force", action="store_true", help="build even if nothing has changed")
    parser.add_argument(
        "--nfsroot", type=Path, metavar="DIR", help="where vmlinuz, initrd and the tree to export go, for a root on NFS"
    )
    options = parser.parse_args()
    try:
        if not build(options.output, force=options.force):
            print(f"{options.output}: up to date")
        if options.nfsroot:
            build_nfsroot(options.output, options.nfsroot)
    except KadeployError as error:
        print(f"minienv: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
