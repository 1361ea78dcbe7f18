"""`restore`: an image that was stored as a file goes to its place. Then the file goes: it takes the node's memory."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from kadeploy.agent.arguments import Args, mappings, number, text
from kadeploy.agent.commands.image import sink_for
from kadeploy.agent.execute import execute
from kadeploy.agent.job import Answer, Job, Meter
from kadeploy.broadcast.sink import Sink
from kadeploy.broadcast.sink_failed import SinkFailed
from kadeploy.domain.image import ImageKind
from kadeploy.errors import CommandFailed

_BLOCK = 1024 * 1024  # bytes


async def restore(args: Args, job: Job) -> Answer:
    """Raises CommandFailed."""
    file, kind, destination = Path(text(args, "file")), text(args, "kind"), text(args, "destination")
    if not await asyncio.to_thread(file.is_file):
        raise CommandFailed(f"there is no image in {file}")
    if kind == ImageKind.FSA:
        processors = str(os.cpu_count() or 1)
        targets = [f"id={number(part, 'id')},dest={text(part, 'destination')}" for part in mappings(args, "parts")]
        await execute(("fsarchiver", "-j", processors, "restfs", str(file), *targets))
    else:
        sink = sink_for(kind, text(args, "compression"), destination).sink()
        await _through(file, sink, job.meter)
    await asyncio.to_thread(file.unlink)
    return Answer()


async def _through(file: Path, sink: Sink, meter: Meter) -> None:
    """Being cancelled ends what reads it."""
    work = asyncio.create_task(asyncio.to_thread(_pour, file, sink, meter))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        sink.interrupt()
        await asyncio.wait([work])
        raise


def _pour(file: Path, sink: Sink, meter: Meter) -> None:
    meter.total = file.stat().st_size
    try:
        sink.open(meter.total)
        with file.open("rb") as source:
            while block := source.read(_BLOCK):
                sink.write(memoryview(block))
                meter.done += len(block)
        sink.finish()
    except SinkFailed as failed:
        sink.abort()
        raise CommandFailed(str(failed)) from failed
