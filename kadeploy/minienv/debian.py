"""Making trees of Debian packages, from the mirrors and with the settings of this system's own apt.

Nothing names a mirror here: what apt was told (mirror, proxy, retries) is what mmdebstrap is told.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from kadeploy.errors import BadConfiguration, CommandFailed

Say = Callable[[str], None]
CODENAME = "bookworm"
MERGED_USR = ("--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",)  # /bin is a link into /usr, before any package
_FORMAT = "$(ORIGIN)|$(CODENAME)|$(REPO_URI)|$(COMPONENT)|$(IDENTIFIER)"
# Settings of apt that say how to reach a mirror; all others are this system's own business.
_SETTINGS = ("Acquire::http", "Acquire::https", "Acquire::ftp", "Acquire::Retries", "Acquire::Check", "Acquire::Force")


def parse_targets(text: str, codename: str = CODENAME) -> tuple[str, ...]:
    """One-line sources of Debian `codename` and its updates, from `apt-get indextargets`."""
    lines: dict[tuple[str, str], list[str]] = {}
    for line in text.splitlines():
        fields = line.split("|")
        if len(fields) != 5 or fields[0] != "Debian" or fields[4] != "Packages":
            continue
        _, suite, uri, component, _ = fields
        if suite == codename or suite in {f"{codename}-updates", f"{codename}-security"}:
            components = lines.setdefault((suite, uri), [])
            if component == "main" and component not in components:
                components.append(component)
    ordered = sorted(lines.items(), key=lambda item: len(item[0][0]))
    return tuple(f"deb {uri} {suite} {' '.join(found)}" for (suite, uri), found in ordered if found)


def parse_settings(text: str) -> tuple[str, ...]:
    """The options of `apt-config dump` that say how to reach the mirrors."""
    return tuple(line for line in text.splitlines() if line.startswith(_SETTINGS) and not line.endswith('"";'))


def sources() -> tuple[str, ...]:
    """This system's own Debian sources as one-line entries. Raises BadConfiguration if it has none."""
    targets = ["apt-get", "indextargets", "--format", _FORMAT]
    found = parse_targets(_output(targets))
    if not found:  # as on a system whose package lists were removed to save space
        _output(["apt-get", "update", "-q"])
        found = parse_targets(_output(targets))
    if not found:
        raise BadConfiguration(
            f"apt on this system has no source for Debian {CODENAME}",
            hint="add one to /etc/apt/sources.list.d, with the component main",
        )
    return found


def make_tree(
    tree: Path, packages: Iterable[str], *, variant: str, options: Sequence[str] = (), log: Path, say: Say
) -> None:
    """Make `tree` of the packages and what they depend on; what mmdebstrap says goes to `log`, its steps to `say`.

    Variant `extract` unpacks only, running nothing of the packages. Raises CommandFailed with the last lines said.
    """
    settings = parse_settings(_output(["apt-config", "dump"]))
    argv = ["mmdebstrap", "--mode=root", "--format=directory", f"--variant={variant}"]
    argv += [f"--include={','.join(packages)}", '--aptopt=Apt::Install-Recommends "false"']
    argv += [f"--aptopt={line.rstrip(';')}" for line in settings]
    argv += [*options, CODENAME, str(tree), *sources()]
    with log.open("w") as out, _telling(log, say):
        status = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False).returncode
    if status != 0:
        last = " / ".join(log.read_text(errors="replace").splitlines()[-5:])
        raise CommandFailed(f"mmdebstrap exited with {status}: {last}", hint=f"all it said is in {log}")


@contextlib.contextmanager
def _telling(log: Path, say: Say) -> Iterator[None]:
    """Meanwhile, tell of every step that mmdebstrap writes to its log (`I: what it does...`)."""
    done = threading.Event()

    def follow() -> None:
        with log.open(errors="replace") as file:
            while not done.wait(0.5):
                for line in file:
                    if line.startswith("I: ") and line.endswith("...\n"):
                        say(f"  {line[3:].strip()}")

    thread = threading.Thread(target=follow, name="mmdebstrap's progress")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _output(argv: list[str]) -> str:
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CommandFailed(f"{argv[0]} exited with {done.returncode}: {done.stderr.strip()}")
    return done.stdout
