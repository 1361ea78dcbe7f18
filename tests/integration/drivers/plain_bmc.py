"""A Redfish BMC that offers little, does things late, and counts its sessions: what sushy-tools' is not."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SYSTEM = "/redfish/v1/Systems/1"
RESET = f"{SYSTEM}/Actions/ComputerSystem.Reset"
SESSIONS = "/redfish/v1/SessionService/Sessions"
ROOT = {
    "@odata.id": "/redfish/v1/",
    "Id": "RootService",
    "RedfishVersion": "1.6.0",
    "Systems": {"@odata.id": "/redfish/v1/Systems"},
    "SessionService": {"@odata.id": "/redfish/v1/SessionService"},
    "Links": {"Sessions": {"@odata.id": SESSIONS}},
}
TURNS = {"On": ["PoweringOn", "On"], "ForceOff": ["PoweringOff", "Off"]}


@dataclass(slots=True)
class PlainBmc:
    """`states` are the power states it goes through, one a look, until the last."""

    offers: tuple[str, ...]
    states: list[str]
    orders: list[str] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)
    opened: int = 0
    url: str = ""

    def page(self, path: str, token: str) -> tuple[int, object]:
        if path.rstrip("/") == "/redfish/v1":
            return 200, ROOT
        if path == "/redfish/v1/SessionService":
            return 200, {"Id": "SessionService", "Sessions": {"@odata.id": SESSIONS}}
        if token not in self.sessions:
            return 401, {}
        return (200, self.system()) if path == SYSTEM else (404, {})

    def system(self) -> dict[str, object]:
        power = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        action = {"target": RESET, "ResetType@Redfish.AllowableValues": list(self.offers)}
        return {"Id": "1", "PowerState": power, "Actions": {"#ComputerSystem.Reset": action}}

    def order(self, kind: str) -> None:
        self.orders.append(kind)
        self.states = [self.states[-1], *TURNS[kind]]


@contextlib.contextmanager
def serving(bmc: PlainBmc) -> Iterator[PlainBmc]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(*bmc.page(self.path, self.headers.get("X-Auth-Token", "")))

        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == SESSIONS:
                bmc.opened += 1
                token = f"token-{bmc.opened}"
                bmc.sessions.add(token)
                self._answer(201, {}, {"X-Auth-Token": token, "Location": f"{SESSIONS}/{token}"})
            else:
                bmc.order(sent["ResetType"])
                self._answer(204, None)

        def do_DELETE(self) -> None:
            bmc.sessions.discard(self.path.rpartition("/")[2])
            self._answer(204, None)

        def _answer(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
            data = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """What counts is in `bmc`."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        bmc.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield bmc
        finally:
            server.shutdown()
            thread.join()
