"""What a relay costs against the least it could cost: processor time per GB, unshaped, on loopback.

The least is a bare `recv_into`/`sendall` loop with one pass of the digest in the same thread, between the same ends.
What splicing would give is measured beside it.
"""

from __future__ import annotations

from pathlib import Path

from bench.broadcast import bare
from bench.broadcast.asked import Asked
from bench.broadcast.figure import Figure
from bench.broadcast.image import GB, MB, made
from bench.broadcast.shaped import LONGEST, NOWHERE
from kadeploy.broadcast.manifest import Manifest
from kadeploy.broadcast.source import Head
from kadeploy.testing.chain import give_orders, relays, started

MEGABYTES = 1000
SPOOL = 256


def relay(asked: Asked) -> list[Figure]:
    """Rounds of all, one after the other, since the machine's speed changes by the minute; the best of each."""
    image, manifest = made(asked.directory, asked.megabytes(MEGABYTES))
    ours: list[float] = []
    others: dict[str, list[float]] = {way: [] for way in bare.WAYS}
    digests: list[float] = []
    for _ in range(max(3, asked.rounds)):
        for way, found in others.items():
            found.append(bare.seconds(way, image, manifest.algorithm) / (manifest.size / GB))
        digests.append(bare.digested(image, manifest.algorithm) / (manifest.size / GB))
        ours.append(_relay_seconds(image, manifest) / (manifest.size / GB))
    best, least = min(ours), {way: min(found) for way, found in others.items()}
    what = f"relay with {SPOOL} MB of memory / bare relay and {manifest.algorithm}"
    detail = f"{best:.2f} s/GB / {least['copied']:.2f} s/GB, best of {len(ours)}"
    digest = min(digests)
    return [
        Figure(bench="relay", what=what, value=best / least["copied"], bar=1.3, floor=1.0, detail=detail),
        Figure(
            bench="relay",
            what="Gbit/s of one core, verified",
            value=8 / best,
            bar=10,
            floor=8 / least["copied"],
            at_least=True,
            detail="the floor is the bare relay's",
        ),
        Figure(bench="relay", what="Gbit/s of one core, ours but for the digest", value=8 / max(0.01, best - digest)),
        Figure(bench="relay", what=f"Gbit/s of one core, {manifest.algorithm} alone", value=8 / digest),
        Figure(bench="relay", what="Gbit/s of one core, bare splice, not verified", value=8 / least["spliced"]),
        Figure(bench="relay", what="Gbit/s of one core, bare splice and tee, verified", value=8 / least["teed"]),
    ]


def _relay_seconds(image: Path, manifest: Manifest) -> float:
    """Of the first of two relays: it receives, checks and forwards. Without what its start costs."""
    with relays(2) as nodes, started(Head(image, manifest, host="127.0.0.1")) as head:
        before = nodes[0].processor_seconds()
        give_orders(head, nodes, lambda name: NOWHERE, spool_limit=SPOOL * MB)
        for node in nodes:
            node.outcome(LONGEST)
        return nodes[0].processor_seconds() - before
