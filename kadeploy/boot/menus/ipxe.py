"""What iPXE is told to do, as scripts (https://ipxe.org/scripting): pure functions from values to text.

A script decides by iPXE's own `${platform}` and not by what is configured: it knows what firmware started it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kadeploy.domain.node import Node
from kadeploy.errors import BadConfiguration

_SEPARATORS: Final = ("||", "&&", ";")  # iPXE ends a command at these, when they stand alone


@dataclass(frozen=True, slots=True, kw_only=True)
class MinimalBoot:
    """`server` is this server's boot URL without a slash at its end, `meet` where agents report (HOST:PORT).

    `ca` is the fingerprint of the authority that vouches for `meet`; without it the agent speaks plain TCP.
    `arguments` are the words for the kernel besides ours, in their order: the later ones win in Linux.
    """

    server: str
    meet: str
    node: Node
    token: str
    arguments: tuple[str, ...]
    ca: str = ""


def disk(program: str) -> str:
    """Start what is on the machine's own disk; `program` is the URL of the EFI program that does it, or empty.

    BIOS: the first disk is started from here, because some BIOSes do not go on to it when a network boot returns.
    UEFI, as the last resort: after an error the firmware tries its next boot entry, after a success it shows its menu
    (UEFI 3.1.1).
    """
    chain = f"chain {program} ||\n" if program else ""
    return f"""\
#!ipxe
iseq ${{platform}} efi && goto efi ||
sanboot --no-describe --drive 0x80 || exit 1
:efi
{chain}exit 1
"""


def partition(server: str, mac: str, *, otherwise: str) -> str:
    """Start the partition that the machine with that MAC boots; where nothing there can be started, what the script
    `otherwise` does."""
    chain = f"chain {server}/boot/partition/${{platform}}?mac={mac} ||\n"
    return otherwise.replace("#!ipxe\n", f"#!ipxe\n{chain}", 1)


def minimal(boot: MinimalBoot) -> str:
    """Kernel and initrd over HTTP; `initrd=initrd` tells a kernel that starts as an EFI program its initrd's name."""
    return f"""\
#!ipxe
kernel {boot.server}/boot/vmlinuz {" ".join(words(boot))} initrd=initrd
initrd {boot.server}/boot/initrd
boot
"""


def nfsroot(boot: MinimalBoot, cluster: str, *, initrd: bool) -> str:
    """The cluster's own kernel, which finds its root alone or with an initrd."""
    kernel = f"{boot.server}/boot/nfsroot/{cluster}"
    named, fetched = (" initrd=initrd", f"initrd {kernel}/initrd\n") if initrd else ("", "")
    return f"""\
#!ipxe
kernel {kernel} {" ".join(words(boot))}{named}
{fetched}boot
"""


def words(boot: MinimalBoot) -> tuple[str, ...]:
    """What the minimal environment's kernel is told, however it is started."""
    return (
        *boot.arguments,
        f"kadeploy.server={boot.server}",
        f"kadeploy.meet={boot.meet}",
        f"kadeploy.node={boot.node.name}",
        f"kadeploy.token={boot.token}",
        *((f"kadeploy.ca={boot.ca}",) if boot.ca else ()),
        f"BOOTIF=01-{boot.node.mac.lower().replace(':', '-')}",
    )


def kernel_words(text: str) -> tuple[str, ...]:
    """Kernel arguments as words; raises BadConfiguration for what iPXE would not hand on as it is."""
    words = tuple(text.split())
    for word in words:
        if word in _SEPARATORS or word.startswith("#") or "${" in word or not word.isprintable():
            raise BadConfiguration(f"the kernel argument {word!r} cannot be passed through iPXE")
    return words
