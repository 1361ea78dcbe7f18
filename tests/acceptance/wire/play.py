"""A recorded case played against a server: its requests in their order, with the server's ids and as many polls as it
takes. Each answer must be what the tools can use, in the recorded shape."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from tests.acceptance.wire.client import TYPES, Answer, Client
from tests.acceptance.wire.shape import differences
from tests.acceptance.wire.stage import full

Json = dict[str, Any]
RECORDED_ID: Final = re.compile(r"[A-Z]-00000000-0000-4000-8000-000000000001")
LINE: Final = re.compile(r"\d+\.\d{5}\|[^|\n]*\n")
LONGEST: Final = 30.0  # seconds that an operation may take here
# What is this server's own: its instances, its steps, what it can format and what it exports.
OWN: Final = ("/info", "/status")
UNREAD: Final = frozenset({"kadeploy-dry-run"})  # the last answer is not looked at, but for being a success


@dataclass(slots=True)
class Player:
    """`heard` is every line of the log, `answers` the last answer to each kind of request."""

    client: Client
    case: Json
    wid: str = ""
    heard: list[str] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)

    def play(self) -> None:
        exchanges = iter(self.case["exchanges"])
        for exchange in exchanges:
            answer = self.exchange(exchange)
            if exchange["response"]["status"] == 200 and _launches(exchange["response"]["body"]):
                self.wid = answer.json()["wid"]
                self._watch(list(exchanges))

    def exchange(self, exchange: Json) -> Answer:
        target = RECORDED_ID.sub(self.wid, exchange["target"])
        headers = {name: value for name, value in exchange["headers"].items() if name != "Content-Type"}
        anonymous = "X-Kadeploy-User" not in headers
        client = Client(server=self.client.server, user="") if anonymous else self.client
        answer = client.send(exchange["method"], target, exchange["body"], headers=headers)
        self._check(exchange, answer)
        self.answers[target] = answer
        return answer

    def _watch(self, exchanges: list[Json]) -> None:
        """The tools' loop: poll, read the log when there is news, until it is done; then what was recorded after."""
        after = [one for one in exchanges if not _is_poll(one)]
        if len(after) == len(exchanges):
            return self._rest(after)
        polls = [one for one in exchanges if one not in after]
        by_kind = {_kind(one): one for one in polls}  # of polls the last one, which says that it is done
        if not by_kind["poll"]["response"]["body"]["done"]:
            self.exchange(by_kind["poll"])
            return self._rest(after)
        during = [one for one in after if _kind(one) == "status"]
        end = time.monotonic() + LONGEST
        while True:
            assert time.monotonic() < end, f"{self.wid} does not end"
            answer = self.client.get(self._resource(by_kind["poll"]))
            view = answer.json()
            self._check_poll(by_kind["poll"], answer)
            if view.get("logs"):
                self._read("logs", by_kind)
            if view.get("debugs"):
                self._read("debugs", by_kind)
            for one in during:
                self._ask_status(one)
            if view["done"]:
                break
        self.answers["done"] = answer
        return self._rest([one for one in after if one not in during])

    def _rest(self, exchanges: Iterable[Json]) -> None:
        for one in exchanges:
            self.exchange(one)

    def _resource(self, poll: Json) -> str:
        return RECORDED_ID.sub(self.wid, poll["target"])

    def _read(self, kind: str, by_kind: Mapping[str, Json]) -> None:
        root = self._resource(by_kind["poll"])
        answer = self.client.get(f"{root}{kind}")
        assert answer.is_usable(), str(answer)
        lines = answer.text.removesuffix("\n").splitlines(keepends=True)
        assert lines, f"{kind}: were announced"
        assert all(LINE.fullmatch(line) for line in lines), answer.text
        times = [float(line.partition("|")[0]) for line in lines]
        assert times == sorted(set(times)), "the tools sort by these"
        self.heard += lines

    def _ask_status(self, exchange: Json) -> None:
        answer = self.client.get(RECORDED_ID.sub(self.wid, exchange["target"]))
        assert answer.is_usable(), str(answer)
        for cluster in answer.json().values():
            for name, level in cluster.items():
                if name in ("OK", "KO"):
                    assert all(isinstance(node, str) for node in level)
                    continue
                for micro in level.values():
                    assert set(micro["nodes"]) == {"OK", "KO", "**"}
                    assert isinstance(micro["time"], int)
                    self.answers["status"] = answer

    def _check_poll(self, recorded: Json, answer: Answer) -> None:
        """Before it is done there is less in it, and there are the nodes that are being worked on."""
        assert answer.is_usable(), str(answer)
        wanted, view = recorded["response"]["body"], answer.json()
        expected = {key: value for key, value in wanted.items() if key != "done"}
        assert not list(differences(expected, view, answer.where))
        assert view["done"] in (True, False)
        if not view["done"] and not view["error"]:
            assert isinstance(view["nodes"]["processing"], list)

    def _check(self, exchange: Json, answer: Answer) -> None:
        recorded = exchange["response"]
        assert answer.status == recorded["status"], str(answer)
        assert answer.type in TYPES, str(answer)
        given = {name.lower(): value for name, value in recorded["headers"].items()}
        assert answer.headers.get("x-application-error-code") == given.get("x-application-error-code"), str(answer)
        assert ("x-application-error-info" in answer.headers) == ("x-application-error-info" in given)
        if recorded["status"] != 200:
            assert answer.text.strip(), "what went wrong is told in words"
            assert answer.type == "text/plain"
            return
        if self.case["case"] in UNREAD and exchange["method"] == "POST":
            return
        assert answer.type == given["content-type"].partition(";")[0], str(answer)
        if answer.type in ("application/json", "application/x-yaml"):
            self._check_data(exchange, recorded["body"], answer)
        elif answer.type == "text/plain":
            assert answer.text.endswith("\n")

    def _check_data(self, exchange: Json, recorded: Any, answer: Answer) -> None:
        if exchange["path"] in OWN or exchange["path"].endswith(OWN):
            return
        ours = answer.json() if answer.type == "application/json" else yaml.safe_load(answer.text)
        if exchange["path"] == "/stats":
            wanted_type = (int, float)
            assert all(isinstance(rate, wanted_type) and not isinstance(rate, bool) for rate in ours.values())
            return
        wanted = recorded if answer.type == "application/json" else yaml.safe_load(recorded)
        found = list(differences(wanted, ours, answer.where))
        assert not found, found


def outcome(case: Json) -> tuple[set[str], set[str]]:
    """The full names of the nodes that the recording has as good and as failed."""
    for exchange in case["exchanges"]:
        body = exchange["response"]["body"]
        if isinstance(body, dict) and body.get("done") and not body.get("error"):
            return set(map(full, body["nodes"]["ok"])), set(map(full, body["nodes"]["ko"]))
    return set(), set()


def _launches(body: object) -> bool:
    return isinstance(body, dict) and "resources" in body


def _is_poll(exchange: Json) -> bool:
    return _kind(exchange) in ("poll", "logs", "debugs")


def _kind(exchange: Json) -> str:
    if exchange["method"] != "GET":
        return str(exchange["method"])
    last: str = exchange["path"].rstrip("/").rpartition("/")[2]
    return "poll" if RECORDED_ID.fullmatch(last) and exchange["path"].endswith("/") else last
