"""A stub server that knows alice's environment and one deployment, and the command line for it."""

from __future__ import annotations

from kadeploy.domain.event import Event
from tests.acceptance.cli.stub_server import Answer, Route, Stub, site
from tests.unit.cli.story import DEPLOYMENT, WID, Teller, deployment

RESOURCE = f"/deployment/{WID}"
LAUNCHED = Answer(
    body={
        "wid": WID,
        "resources": {"resource": f"{RESOURCE}/", "log": f"{RESOURCE}/logs", "error": f"{RESOURCE}/error"},
    }
)
ENVIRONMENT = {"name": "debian12", "version": 2, "user": "alice", "description": "", "image": {"file": "server:///d"}}
EVENTS = list(enumerate(deployment(), 1))


def all_ok() -> list[tuple[int, Event]]:
    teller = Teller()
    events = [teller.began("node-[1-3]"), *teller.step("0", DEPLOYMENT, "reboot", "node-[1-3]", 2)]
    events += [teller.done("0", "node-[1-3]"), teller.over("done", "node-[1-3]", "")]
    return list(enumerate(events, 1))


def with_events(stream: Route, **more: Route) -> Stub:
    return site(
        **{
            "GET /environments": Answer(body=[{**ENVIRONMENT, "user": "admin"}, ENVIRONMENT]),
            "POST /deployment/": LAUNCHED,
            f"GET {RESOURCE}/events": stream,
            f"GET {RESOURCE}/journal": Answer(body={"events": [], "next": None}),
            f"GET {RESOURCE}": Answer(body={"wid": WID, "done": False, "error": False}),
            **more,
        }
    )


DEPLOY = ("-m", "node-[1-3]", "-e", "debian12")
