"""Redfish BMCs (DMTF DSP0266), by sushy.

sushy is synchronous: each exchange runs in one of this driver's own threads, and the waiting between them does not.
A session is opened once for an order and closed after it, because BMCs have few.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import sushy
from sushy import auth, exceptions

from kadeploy.domain.node import Bmc, Node
from kadeploy.drivers.power.driver import PowerRefused, PowerState, PowerTimings, bmc_of, settle

T = TypeVar("T")

CONNECT_TIMEOUT: Final = 5.0  # seconds
# sushy takes 0 tries for "as you like" (3, with 2 s between); 1 means one try, and one more after a server's error.
RETRIES: Final = 1
RETRY_DELAY: Final = 1.0  # seconds

# Transient states count as what they come from, so that waiting for the other one waits.
_STATES: Final = {
    sushy.PowerState.ON: PowerState.ON,
    sushy.PowerState.POWERING_OFF: PowerState.ON,
    sushy.PowerState.PAUSED: PowerState.ON,
    sushy.PowerState.OFF: PowerState.OFF,
    sushy.PowerState.POWERING_ON: PowerState.OFF,
}
_ORDERS: Final = {
    PowerState.ON: (sushy.ResetType.ON, sushy.ResetType.FORCE_ON),
    PowerState.OFF: (sushy.ResetType.FORCE_OFF,),
}


class RedfishPower:
    def __init__(self, *, timings: PowerTimings, threads: int = 32) -> None:
        self._timings = timings
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="redfish")
        # Everything it would log reaches us as an exception and becomes a node's reason.
        logging.getLogger("sushy").setLevel(logging.CRITICAL)

    async def on(self, node: Node) -> None:
        async with self._system(bmc_of(node)) as system:
            await self._order(system, PowerState.ON)

    async def off(self, node: Node) -> None:
        async with self._system(bmc_of(node)) as system:
            await self._order(system, PowerState.OFF)

    async def cycle(self, node: Node) -> None:
        """ForceRestart where the BMC offers it, else off and on: a restart of a machine that is off does nothing."""
        async with self._system(bmc_of(node)) as system:
            restart = sushy.ResetType.FORCE_RESTART
            if await self._read(system) is PowerState.OFF:
                await self._order(system, PowerState.ON)
            elif restart in await self._call(system.get_allowed_reset_system_values):
                await self._call(system.reset_system, restart)
                await settle(lambda: self._read(system), PowerState.ON, self._timings)
            else:
                await self._order(system, PowerState.OFF)
                await self._order(system, PowerState.ON)

    async def status(self, node: Node) -> PowerState:
        async with self._system(bmc_of(node)) as system:
            return await self._read(system)

    async def _order(self, system: sushy.System, wanted: PowerState) -> None:
        # Many BMCs answer 4xx to an order that changes nothing.
        if await self._read(system) is wanted:
            return
        allowed = await self._call(system.get_allowed_reset_system_values)
        order = next((order for order in _ORDERS[wanted] if order in allowed), None)
        if order is None:
            raise PowerRefused(f"the BMC offers no way to switch {wanted}")
        await self._call(system.reset_system, order)
        await settle(lambda: self._read(system), wanted, self._timings)

    async def _read(self, system: sushy.System) -> PowerState:
        await self._call(lambda: system.refresh(force=True))
        state = _STATES.get(system.power_state)
        if state is None:
            raise PowerRefused("the BMC does not say whether the node is on or off")
        return state

    @contextlib.asynccontextmanager
    async def _system(self, bmc: Bmc) -> AsyncIterator[sushy.System]:
        session = auth.SessionOrBasicAuth(bmc.user, bmc.password)
        try:
            yield await self._call(_open, bmc, session, self._timings.answer)
        except exceptions.SushyError as error:
            raise PowerRefused(meaning(error, bmc)) from error
        except ValueError as error:  # its answer is no JSON: not every web server is a BMC
            raise PowerRefused(f"what answers does not speak Redfish ({address_of(bmc)})") from error
        finally:
            with contextlib.suppress(exceptions.SushyError):
                await self._call(session.close)

    async def _call(self, work: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)


def _open(bmc: Bmc, session: auth.SessionOrBasicAuth, answer: float) -> sushy.System:
    root = sushy.Sushy(
        address_of(bmc),
        auth=session,
        verify=bmc.verify_tls,
        server_side_retries=RETRIES,
        server_side_retries_delay=RETRY_DELAY,
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=answer,
    )
    return root.get_system(system_path(bmc))


def address_of(bmc: Bmc) -> str:
    return bmc.url or f"https://{bmc.address}"


def system_path(bmc: Bmc) -> str | None:
    """None means the only one; a bare name is one of the standard collection (DSP0266, 6.4)."""
    if not bmc.system or bmc.system.startswith("/"):
        return bmc.system or None
    return f"/redfish/v1/Systems/{bmc.system}"


def meaning(error: exceptions.SushyError, bmc: Bmc) -> str:
    """What sushy's error means, in words for people who do not know sushy."""
    where = address_of(bmc)
    match error:
        case exceptions.AccessError():
            return f"the BMC refused the user or password ({where})"
        case exceptions.ResourceNotFoundError():
            return f"the BMC knows no system {bmc.system!r} ({where})"
        case exceptions.UnknownDefaultError():
            return f"the BMC has not exactly one system: configure which is this node's ({where})"
        case exceptions.HTTPError():
            return f"the BMC answered {error.status_code}: {error.detail or 'no reason given'} ({where})"
        case exceptions.ConnectionError() if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return f"the BMC's certificate is not trusted ({where})"
        case exceptions.ConnectionError():
            return f"the BMC does not answer ({where})"
    return f"the BMC is not understood: {error} ({where})"
