"""Custom operations and variables of a request: read, and their files wanted for the nodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from kadeploy.config.custom import custom_operations
from kadeploy.domain.automaton import INSTANCES, MICRO_STEPS
from kadeploy.domain.custom import Insertion, files_of
from kadeploy.domain.exported import variable_faults
from kadeploy.domain.image import LocalFile
from kadeploy.errors import Faults, InvalidCustomOperations, InvalidOption
from kadeploy.operations.client_files import ClientFiles
from kadeploy.operations.wants import Wants
from kadeploy.ports.files import FileOrder, Reader

OF_REBOOTS: Final[Mapping[str, tuple[str, ...]]] = {"Reboot": ("Simple", "SetPXE", "DeployEnv", "RecordedEnv")}
OF_DEPLOYMENTS: Final = INSTANCES


@dataclass(frozen=True, slots=True, kw_only=True)
class Customs:
    """As they were asked for, not yet checked."""

    operations: Mapping[str, object] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


NO_CUSTOMS: Final = Customs()


def insertions_of(
    customs: Customs, instances: Mapping[str, Iterable[str]], client: ClientFiles
) -> tuple[Insertion, ...]:
    """Raises InvalidCustomOperations with every fault and its path, InvalidExport for files out of reach."""
    if not customs.operations:
        return ()
    try:
        insertions = custom_operations(customs.operations, instances=instances, micro_steps=MICRO_STEPS)
    except Faults as error:
        told = "".join(f"\n  {fault}" for fault in error.faults)
        raise InvalidCustomOperations(f"the custom operations are not valid:{told}") from error
    return client.insertions(insertions)


def variables_of(customs: Customs) -> Mapping[str, str]:
    """Raises InvalidOption with every fault."""
    if faults := list(variable_faults(customs.variables, "custom_variables")):
        raise InvalidOption("; ".join(faults))
    return customs.variables


async def want_for_nodes(
    asked: Sequence[Insertion], configured: Sequence[Insertion], *, wants: Wants, reader: Reader
) -> dict[str, LocalFile]:
    """Every file by its URL, to be kept as it is then; those of the configuration may be anywhere on this server.

    Raises what is wrong with any of them, all at once.
    """
    orders = {
        (url, trusted): FileOrder(url=url, reader=reader, copied=True, trusted=trusted)
        for insertions, trusted in ((asked, False), (configured, True))
        for _, url in files_of(insertions)
    }
    return {url: file for (url, _), file in (await wants.files(orders)).items()}
