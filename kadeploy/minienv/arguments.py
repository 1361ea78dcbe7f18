"""What the minimal environment's kernel is told, besides where its server is."""

from __future__ import annotations

# Order does not matter. Each saves time at start or keeps a promise:
KERNEL_ARGUMENTS: tuple[str, ...] = (
    "quiet",  # a serial console at 115200 would otherwise set the pace
    "nokaslr",
    "mitigations=off",  # this kernel runs one trusted program, for minutes
    "net.ifnames=0",
    "panic=30",  # a node that crashed comes back and says so
)
