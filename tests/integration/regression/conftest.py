"""The server that is asked is the one that is attacked elsewhere: a process, over TLS, with rights and passwords."""

from __future__ import annotations

from tests.integration.security.conftest import server

__all__ = ("server",)
