"""What the minimal environment's kernel is told, besides where its server is."""

from __future__ import annotations

# The order does not matter. Each saves time at the start, or keeps a promise.
KERNEL_ARGUMENTS: tuple[str, ...] = (
    "quiet",  # else a serial console at 115200 sets the pace
    "nokaslr",  # this kernel runs one trusted program, for minutes
    "mitigations=off",
    "apparmor=0",
    "cryptomgr.notests",  # self-tests of ciphers
    "net.ifnames=0",  # there is no udev to name cards anyway
    "panic=30",  # a node that crashed comes back by itself, and can be read until then
)
