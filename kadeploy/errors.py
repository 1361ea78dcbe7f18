"""Every error Kadeploy raises, as one tree.

    KadeployError
      BadConfiguration  0       InvalidWorkflow  1     InvalidNodes      2     InvalidExport    3
      InvalidOption     4       InvalidFile      5     NoRights          6     InvalidEnvironment 7
      InvalidCustomOperations 8 InvalidVlan      9     AlreadyExists    10     Conflict        11
      MissingOption    12       ConflictingOptions 13  NothingModified  14     CommandFailed   15
      DatabaseProblem  20       CacheProblem    21     CacheFull        22     Destructive     30
      NotFound (404)            NotAuthenticated (401) Forbidden (403)         Unavailable (503)
      KeyReused (422)
                                  TooManyFailures (429)

A class says what to do with it: `code` is Kadeploy3's number (sent as X-Application-Error-Code),
`status` the HTTP status, `retryable` whether the same request may succeed later. An instance is one
clear sentence and, where there is one, a remedy. A node's failure is never an exception: it is a
reason in a `Result`.
"""

from __future__ import annotations

from collections.abc import Sequence


class KadeployError(Exception):
    """Something went wrong."""

    code: int | None = None
    status: int = 400
    retryable: bool = False
    parts: Sequence[KadeployError] = ()
    """What it is made of, when it tells of several faults at once."""

    def __init__(self, message: str | None = None, *, hint: str | None = None) -> None:
        """The message defaults to the class's docstring, so no error is ever unexplained."""
        self.message = message or (type(self).__doc__ or "").strip()
        self.hint = hint
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class BadConfiguration(KadeployError):
    """The configuration is not valid."""

    code = 0


class InvalidWorkflow(KadeployError):
    """There is no such operation."""

    code = 1


class InvalidNodes(KadeployError):
    """The node list is not valid."""

    code = 2


class InvalidExport(KadeployError):
    """The client's file export is not valid."""

    code = 3


class InvalidOption(KadeployError):
    """An option is not valid."""

    code = 4


class InvalidFile(KadeployError):
    """A file is missing, unreadable, or not what it should be."""

    code = 5


class NoRights(KadeployError):
    """You do not have sufficient rights."""

    code = 6


class InvalidEnvironment(KadeployError):
    """The environment is not valid."""

    code = 7


class InvalidCustomOperations(KadeployError):
    """The custom operations are not valid."""

    code = 8


class InvalidVlan(KadeployError):
    """The VLAN is not valid."""

    code = 9


class AlreadyExists(KadeployError):
    """This element exists already."""

    code = 10


class Conflict(KadeployError):
    """Some elements are in conflict."""

    code = 11


class MissingOption(KadeployError):
    """An option is missing."""

    code = 12


class ConflictingOptions(KadeployError):
    """Some options are in conflict."""

    code = 13


class NothingModified(KadeployError):
    """Nothing was modified."""

    code = 14


class CommandFailed(KadeployError):
    """A command failed."""

    code = 15


class DatabaseProblem(KadeployError):
    """The database does not answer as it should."""

    code = 20
    retryable = True


class CacheProblem(KadeployError):
    """The file cache cannot be used."""

    code = 21
    retryable = True


class CacheInUse(CacheProblem):
    """The file cache is in use by a server that runs."""


class CacheFull(KadeployError):
    """The file cache is full."""

    code = 22
    retryable = True


class Destructive(KadeployError):
    """The last environment deployed on a node is destructive."""

    code = 30


class NotFound(KadeployError):
    """There is no such resource."""

    status = 404


class KeyReused(KadeployError):
    """The idempotency key was used for another request."""

    status = 422


class NotAuthenticated(KadeployError):
    """Who you are could not be established."""

    status = 401


class TooManyFailures(NotAuthenticated):
    """Who you are was tried too often in vain."""

    status = 429
    retryable = True

    def __init__(self, message: str | None = None, *, wait: float) -> None:
        """`wait`: seconds until it may be tried again."""
        super().__init__(message, hint=f"try again in {wait:.0f} s")
        self.wait = wait


class Forbidden(KadeployError):
    """You may not do this."""

    status = 403


class Unavailable(KadeployError):
    """The server cannot be reached, or is stopping."""

    status = 503
    retryable = True


class Faults(ValueError):
    """Several things wrong at once, each with its place: `image.kind: must be tar, dd or fsa`."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(self.faults))
