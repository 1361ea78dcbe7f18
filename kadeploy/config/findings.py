"""What is found to be wrong or strange while a configuration is read: lines that begin with their file and path."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel

from kadeploy.config.decode import decode
from kadeploy.errors import Faults, KadeployError

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of the configuration as it was written. `place` begins every line about it: `server.conf: `, or
    `kadeploy.yaml: clusters[0].`."""

    place: str
    data: object


@dataclass(slots=True)
class Findings:
    """Each is one line, `file: path.to.key: what`."""

    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @contextmanager
    def blaming(self, place: str) -> Iterator[None]:
        """What goes wrong inside is a fault there."""
        try:
            yield
        except OSError as error:
            self.faults.append(f"{place}cannot be read: {error.strerror or error}")
        except Faults as error:
            self.faults += [f"{place}{fault}" for fault in error.faults]
        except KadeployError as error:
            self.faults.append(f"{place}{error}")

    def decode(self, piece: Piece, model: type[Model]) -> Model | None:
        """None when there are faults."""
        decoded = decode(model, piece.data)
        self.faults += [f"{piece.place}{fault}" for fault in decoded.faults]
        self.warnings += [f"{piece.place}{warning}" for warning in decoded.warnings]
        return decoded.value


def meant(written: object, known: Iterable[str]) -> str:
    """`; did you mean server?`, or nothing where nothing is near."""
    near = difflib.get_close_matches(str(written), list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
