"""`place` and `receive`: the node's part in the broadcast of an image.

`place` {place, echo?} opens a listening place under a name and answers {"port", "digests", "echo"}: where it
listens, and which digests it can check an image by. What it was given as `echo` comes back with every repetition, so
that a server that was restarted finds its own words again.
`receive` {place, orders, kind (tar, dd, fsa), compression, destination} takes part with the orders of the head; an fsa
image is stored as the file `destination`, for `restore`.
"""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

from kadeploy.agent.arguments import Args, text
from kadeploy.agent.job import Answer, Job, Meter
from kadeploy.agent.signatures import wipe
from kadeploy.broadcast.digests import KNOWN
from kadeploy.broadcast.reception import Outcome, Progress, Reception
from kadeploy.broadcast.relay import Place, receive
from kadeploy.broadcast.sink import Sink, SinkKind, SinkOrder
from kadeploy.domain.image import Compression, ImageKind
from kadeploy.errors import CommandFailed

# Numbers, not names: the node's own users mean nothing in the image. A clock that is behind is no reason to warn.
# Records of 256 KiB: a fifth less processor time than by tar's own 10 KiB.
_UNTAR = (
    *("tar", "-x", "-p", "--numeric-owner", "--xattrs", "--xattrs-include=*", "--warning=no-timestamp"),
    *("--blocking-factor=512", "-f", "-"),
)


async def place(args: Args, job: Job) -> Answer:
    port = job.places.open(text(args, "place"))
    return Answer(output=json.dumps({"port": port, "digests": KNOWN, "echo": args.get("echo")}))


async def receive_image(args: Args, job: Job) -> Answer:
    """Ends when the last byte is verified and written, what unpacks it ended well, and nobody reads from here any more.

    Raises CommandFailed.
    """
    sink_order = sink_for(text(args, "kind"), text(args, "compression"), text(args, "destination"))
    match sink_order.kind:
        case SinkKind.FILE:
            Path(sink_order.path).parent.mkdir(parents=True, exist_ok=True)
        case SinkKind.DEVICE:
            await wipe(sink_order.path)
    try:
        orders = Reception.from_json(args["orders"])  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError) as error:
        raise CommandFailed(f"the orders for the broadcast cannot be read: {error}") from error
    job.meter.total = orders.manifest.size
    outcome = await _take_part(job.places.take(text(args, "place")), orders, sink_order.sink(), job.meter)
    if not outcome.ok:
        raise CommandFailed(str(outcome.reason))
    return Answer(output=json.dumps(outcome.to_json()))


def sink_for(kind: str, compression: str, destination: str) -> SinkOrder:
    """What reads the image on this node. Raises CommandFailed for a kind it cannot install."""
    try:
        plain = Compression(compression).decompressor
    except ValueError as error:
        raise CommandFailed(f"{compression!r} is not a compression this agent knows") from error
    unpack = (plain,) if plain else ()
    match kind:
        case ImageKind.TAR:
            commands = (*unpack, (*_UNTAR, "-C", destination))
            return SinkOrder(kind=SinkKind.COMMAND, path=destination, commands=commands)
        case ImageKind.DD if unpack:
            return SinkOrder(kind=SinkKind.DEVICE, path=destination, commands=unpack)
        case ImageKind.DD:
            return SinkOrder(kind=SinkKind.DEVICE, path=destination)
        case ImageKind.FSA:
            return SinkOrder(kind=SinkKind.FILE, path=destination)
        case _:
            raise CommandFailed(f"this agent cannot install an image of kind {kind!r}")


async def _take_part(taken: Place, orders: Reception, sink: Sink, meter: Meter) -> Outcome:
    """The broadcast runs on threads; being cancelled stops them."""
    stop = threading.Event()

    def report(progress: Progress) -> None:
        meter.detail = progress.to_json()
        meter.done = progress.written

    work = asyncio.create_task(asyncio.to_thread(receive, taken, orders, sink, report, stop))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        stop.set()
        await work
        raise
