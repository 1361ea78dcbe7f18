"""The same checks on the simulated cluster and on every BMC driver, each against a BMC that speaks its protocol."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from kadeploy.domain.node import Bmc, BmcKind, Node, Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import Level
from kadeploy.drivers.power import DRIVERS
from kadeploy.drivers.power.driver import PowerTimings
from kadeploy.drivers.power.ladder import Ladder
from kadeploy.testing.clock import LoopClock, run_jumping
from kadeploy.testing.cluster import SimulatedCluster
from kadeploy.testing.contracts.power import CHECKS, PowerSubject
from kadeploy.testing.nodes import Fault
from kadeploy.testing.sites import site_of
from tests.contract.simulators import machines
from tests.contract.simulators.openipmi import openipmi
from tests.contract.simulators.running import free_udp_ports, running

USER, PASSWORD = "admin", "a secret with spaces"
IPMI_PASSWORD = "a_long_secret"  # ipmi_sim reads no spaces
REFUSED = "the BMC refused the user or password"
OBEY = ("node-1", "node-2")
BROKEN = "node-9"


def a_ladder(bmcs: Mapping[str, Bmc]) -> Ladder:
    nodes = {
        name: Node(name=name, cluster="lab", address="192.0.2.1", block_device="/dev/vda", bmc=bmc)
        for name, bmc in bmcs.items()
    }
    drivers = {kind: make(PowerTimings(look=0.01, packet=1, packets=1)) for kind, make in DRIVERS.items()}
    return Ladder(site=Site(nodes=nodes, clusters={}), bmcs=drivers, dark=0.0)


def a_subject(bmcs: Mapping[str, Bmc]) -> PowerSubject:
    return PowerSubject(power=a_ladder(bmcs), nodes=NodeSet(OBEY), broken=BROKEN, reason=REFUSED)


@contextlib.contextmanager
def simulated(_: Path) -> Iterator[PowerSubject]:
    cluster = SimulatedCluster(site_of(9), LoopClock(), seed=1, faults={BROKEN: Fault.BMC_REFUSES})
    yield PowerSubject(power=cluster.services.power, nodes=NodeSet(OBEY), broken=BROKEN, reason=REFUSED)


@contextlib.contextmanager
def ipmi(_: Path) -> Iterator[PowerSubject]:
    names = (*OBEY, BROKEN)
    ports = dict(zip(names, free_udp_ports(len(names)), strict=True))
    with running("ipmi", USER, PASSWORD, *(f"{name}={port}" for name, port in ports.items())):
        yield a_subject({name: ipmi_bmc(ports[name], PASSWORD if name in OBEY else "wrong") for name in names})


@contextlib.contextmanager
def by_openipmi(folder: Path) -> Iterator[PowerSubject]:
    with contextlib.ExitStack() as bmcs:
        made = {
            name: bmcs.enter_context(openipmi(folder / name, user=USER, password=IPMI_PASSWORD))
            for name in (*OBEY, BROKEN)
        }
        yield a_subject(made | {BROKEN: replace(made[BROKEN], password="wrong")})


@contextlib.contextmanager
def redfish(folder: Path) -> Iterator[PowerSubject]:
    names = (*OBEY, BROKEN)
    with running("redfish", USER, PASSWORD, "http", str(folder), *names) as port:
        yield a_subject(
            {
                name: redfish_bmc(f"http://127.0.0.1:{port}", index, PASSWORD if name in OBEY else "wrong")
                for index, name in enumerate(names)
            }
        )


def ipmi_bmc(port: int, password: str, user: str = USER) -> Bmc:
    return Bmc(driver=BmcKind.IPMI, address="127.0.0.1", port=port, user=user, password=password)


def redfish_bmc(url: str, index: int, password: str, *, verify_tls: bool = True) -> Bmc:
    return Bmc(
        driver=BmcKind.REDFISH,
        url=url,
        system=machines.UUID.format(index=index),
        user=USER,
        password=password,
        verify_tls=verify_tls,
    )


@pytest.fixture(scope="module", params=[simulated, ipmi, by_openipmi, redfish], ids=lambda make: make.__name__)
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PowerSubject]:
    with request.param(tmp_path_factory.mktemp("bmc")) as made:
        yield made


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(check: Callable[[PowerSubject], Awaitable[None]], subject: PowerSubject) -> None:
    async def run() -> None:
        await check(subject)

    if isinstance(subject.power, Ladder):
        asyncio.run(run())
    else:
        run_jumping(run())


def reason_of(bmc: Bmc) -> str:
    result = asyncio.run(a_ladder({"node-1": bmc}).on(NodeSet(["node-1"]), Level.HARD))
    assert not result.ok
    return result.ko["node-1"]


def test_an_unknown_ipmi_user_is_told_from_a_dead_bmc() -> None:
    (port,) = free_udp_ports(1)
    with running("ipmi", USER, PASSWORD, f"node-1={port}"):
        assert REFUSED in reason_of(ipmi_bmc(port, PASSWORD, user="nobody"))
    assert f"the BMC does not answer (127.0.0.1:{port})" in reason_of(ipmi_bmc(port, PASSWORD))


def test_redfish_faults_are_told_apart(tmp_path: Path) -> None:
    with running("redfish", USER, PASSWORD, "https", str(tmp_path), "node-1") as port:
        url = f"https://localhost:{port}"
        assert "certificate is not trusted" in reason_of(redfish_bmc(url, 0, PASSWORD))
        assert "knows no system" in reason_of(redfish_bmc(url, 7, PASSWORD, verify_tls=False))
        assert "does not answer" in reason_of(redfish_bmc(f"http://127.0.0.1:{port}", 0, PASSWORD))
        trusting = a_ladder({"node-1": redfish_bmc(url, 0, PASSWORD, verify_tls=False)})
        assert asyncio.run(trusting.on(NodeSet(["node-1"]), Level.SOFT)).ok
    assert f"the BMC does not answer ({url})" in reason_of(redfish_bmc(url, 0, PASSWORD))
