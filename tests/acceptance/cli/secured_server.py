"""The real API over real TLS with passwords, in a thread, for tools that run as processes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import bcrypt

from kadeploy.config.authentication import Authentication, HttpBasic, Tokens
from kadeploy.tls.contexts import authority_fingerprint
from tests.integration.security.served import Served, served

PASSWORD = "s3cret"


@dataclass
class Secured:
    url: str = ""
    authority: str = ""
    ready: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)
    failure: BaseException | None = None

    @property
    def fingerprint(self) -> str:
        return authority_fingerprint(self.authority)


@contextmanager
def secured_server(
    directory: Path, *, given: tuple[Path, Path] | None = None, secure: bool = True, host: str = "127.0.0.1"
) -> Iterator[Secured]:
    """alice and root have the same password."""
    directory.mkdir(exist_ok=True)
    passwords = directory / "htpasswd"
    entry = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    passwords.write_text(f"alice:{entry}\nroot:{entry}\n")
    authentication = Authentication(http_basic=HttpBasic(dbfile=passwords), tokens=Tokens(default_days=7))
    one = Secured()

    async def serve() -> None:
        async with served(directory, authentication, given=given, secure=secure, host=host) as server:
            _tell(one, server)
            await asyncio.to_thread(one.stop.wait)

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            one.failure = error
            one.ready.set()
            raise

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert one.ready.wait(20), "the server did not start"
        assert one.failure is None, one.failure
        yield one
    finally:
        one.stop.set()
        thread.join()


def _tell(one: Secured, server: Served) -> None:
    one.url, one.authority = server.url, server.tls.api_authority
    one.ready.set()
