"""A site of Kadeploy3 as its administrators left it: every configuration file, and the files that these name."""

from __future__ import annotations

from pathlib import Path

from tests.integration.security.certificates import TestAuthority

FILES = Path(__file__).parent / "kadeploy3"
PROGRAMS = ("kavlan", "hook", "ssh", "ipmi", "pdu", "conman", "cast")
DATA = ("scripts/partitioning.sh", "scripts/install_grub2", "scripts/marker", "scripts/check.sh")
ARCHIVES = ("preinstall.tgz", "postinstall.tgz", "keys.tbz2", "last.txz")


def install(directory: Path) -> Path:
    """Write it all down there; the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for source in FILES.iterdir():
        (directory / source.name).write_text(source.read_text().replace("@DIR@", str(directory)))
    for name in (*DATA, "keys/id_deploy", "tftpboot/nfsroot-vmlinuz", *(f"archives/{name}" for name in ARCHIVES)):
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("of the site\n")
    (directory / "bin").mkdir(exist_ok=True)
    for name in PROGRAMS:
        program = directory / "bin" / name
        program.write_text("#!/bin/sh\nexit 0\n")
        program.chmod(0o755)
    (directory / "htpasswd").write_text("alice:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=\n")
    TestAuthority("Users").write(directory / "users-ca.pem")
    return directory
