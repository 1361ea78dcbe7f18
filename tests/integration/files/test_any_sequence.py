"""Whatever is fetched, pinned, released, sent, cleaned, and however the server dies: the cache stays within its bound,
keeps what is in use, and serves the right bytes."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kadeploy.errors import CacheFull, Forbidden, Unavailable
from kadeploy.files.cache import FileCache
from kadeploy.files.permitted import Permitted
from kadeploy.ports.files import FileOrder, Reader, UploadRules

LIMIT = 1000
ALICE = Reader(users=("alice",))
NAMES = st.sampled_from("abcd")
SIZES = st.integers(1, 700)
OWNERS = st.sampled_from(["D-1", "D-2", "D-3"])
RULES = UploadRules(quota=900, expires=3600.0)


def content(seed: int, size: int) -> bytes:
    return (hashlib.sha256(str(seed).encode()).digest() * (size // 32 + 1))[:size]


async def broken_off(body: bytes) -> AsyncIterator[bytes]:
    yield body
    raise Unavailable("the connection broke")


class AnySequence(RuleBasedStateMachine):
    """The model: what each owner has pinned, by its SHA-256, with the bytes it had then."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.images = self.directory / "images"
        self.images.mkdir()
        self.pinned: dict[str, dict[str, bytes]] = {}
        self.loop = asyncio.new_event_loop()
        self.cache = self.opened()

    def opened(self) -> FileCache:
        return FileCache.open(
            self.directory / "cache", size=LIMIT, permitted=Permitted(roots=(self.images,)), uploads=RULES
        )

    def teardown(self) -> None:
        self.cache.close()
        self.loop.close()
        shutil.rmtree(self.directory)

    @initialize()
    def first(self) -> None:
        for number, name in enumerate("abcd"):
            self.write(name, number, 100 * (number + 1))

    @rule(name=NAMES, seed=st.integers(0, 3), size=SIZES)
    def write(self, name: str, seed: int, size: int) -> None:
        (self.images / name).write_bytes(content(seed, size))

    @rule(name=NAMES, owner=OWNERS)
    def pin(self, name: str, owner: str) -> None:
        body = (self.images / name).read_bytes()
        try:
            file = self.loop.run_until_complete(
                self.cache.pin(FileOrder(url=f"server://{self.images / name}", reader=ALICE, copied=True), owner=owner)
            )
        except CacheFull:
            assert self.used() + len(body) > LIMIT, "it would have fitted"
            return
        assert file.sha256 == hashlib.sha256(body).hexdigest()
        self.pinned.setdefault(owner, {})[file.sha256] = body

    @rule(owner=OWNERS)
    def release(self, owner: str) -> None:
        self.loop.run_until_complete(self.cache.release(owner))
        self.pinned.pop(owner, None)

    @rule(name=NAMES, share=st.floats(0, 1))
    def send_part(self, name: str, share: float) -> None:
        body = (self.images / name).read_bytes()
        sha256 = hashlib.sha256(body).hexdigest()
        try:
            upload = self.loop.run_until_complete(
                self.cache.uploads.begin("alice", size=len(body), sha256=sha256, name=name)
            )
            if not upload.is_complete:
                end = upload.received + int((len(body) - upload.received) * share)
                part = broken_off(body[upload.received : end])
                self.loop.run_until_complete(self.cache.uploads.append("alice", upload.id, upload.received, part))
        except Unavailable:
            upload = self.loop.run_until_complete(
                self.cache.uploads.begin("alice", size=len(body), sha256=sha256, name=name)
            )
            assert upload.received == end
        except (CacheFull, Forbidden):  # no room, or over the quota
            return

    @rule(name=NAMES, owner=OWNERS)
    def send_the_rest_and_pin(self, name: str, owner: str) -> None:
        body = (self.images / name).read_bytes()
        sha256 = hashlib.sha256(body).hexdigest()
        try:
            upload = self.loop.run_until_complete(
                self.cache.uploads.begin("alice", size=len(body), sha256=sha256, name=name)
            )
            if not upload.is_complete:
                rest = whole(body[upload.received :])
                self.loop.run_until_complete(self.cache.uploads.append("alice", upload.id, upload.received, rest))
        except (CacheFull, Forbidden):
            return
        file = self.loop.run_until_complete(
            self.cache.pin(FileOrder(url=f"upload://{sha256}", reader=ALICE), owner=owner)
        )
        self.pinned.setdefault(owner, {})[file.sha256] = body

    @rule()
    def abandon_all(self) -> None:
        for upload in self.loop.run_until_complete(self.cache.uploads.listed("alice")):
            self.loop.run_until_complete(self.cache.uploads.abandon("alice", upload.id))

    @rule()
    def clean(self) -> None:
        self.loop.run_until_complete(self.cache.clean())

    @rule(index_is_lost=st.booleans())
    def restart(self, index_is_lost: bool) -> None:
        """As after a crash: what was being written lies about; the index may be gone, and with it who used what."""
        self.cache.close()
        (self.directory / "cache" / "incoming" / "half").write_bytes(b"x" * 500)
        if index_is_lost:
            (self.directory / "cache" / "index.json").unlink(missing_ok=True)
            self.pinned.clear()
        self.cache = self.opened()

    @precondition(lambda self: self.pinned)
    @rule(data=st.data())
    def restart_knowing_who_runs(self, data: st.DataObject) -> None:
        running = data.draw(st.sets(st.sampled_from(sorted(self.pinned))))
        self.restart(index_is_lost=False)
        self.loop.run_until_complete(self.cache.keep_only(running))
        self.pinned = {owner: held for owner, held in self.pinned.items() if owner in running}

    def used(self) -> int:
        """What cannot go: pinned contents, and what was and is sent."""
        kept = {sha256: len(body) for held in self.pinned.values() for sha256, body in held.items()}
        uploads = self.loop.run_until_complete(self.cache.uploads.listed("alice"))
        kept |= {one.sha256: one.size for one in uploads if one.is_complete}
        return sum(kept.values()) + sum(one.size for one in uploads if not one.is_complete)

    @invariant()
    def it_stays_within_its_bound(self) -> None:
        places = [self.directory / "cache" / name for name in ("contents", "uploads", "incoming", "halves")]
        assert sum(path.stat().st_size for place in places for path in place.iterdir()) <= LIMIT

    @invariant()
    def what_is_in_use_is_there_with_the_right_bytes(self) -> None:
        for held in self.pinned.values():
            for sha256, body in held.items():
                path = self.cache.in_use(sha256)
                assert path is not None
                assert path.read_bytes() == body

    @invariant()
    def every_content_is_what_its_name_says(self) -> None:
        for path in (self.directory / "cache" / "contents").iterdir():
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name


async def whole(body: bytes) -> AsyncIterator[bytes]:
    yield body


def test_any_sequence() -> None:
    run_state_machine_as_test(
        AnySequence,
        settings=settings(
            max_examples=60,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
