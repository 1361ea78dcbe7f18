"""`kastat`: what became of past operations, how long they took, and which nodes are not well."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, cast

from kadeploy.cli.client import Client, Json, Query
from kadeploy.cli.every_server import spread
from kadeploy.cli.given import Given
from kadeploy.cli.options import NODES, flag, option, optional
from kadeploy.cli.preferences import OUTPUT
from kadeploy.cli.stat_forms import FORMS, Form, health_lines, tell, write_parquet
from kadeploy.cli.stat_plots import PLOTS, draw
from kadeploy.cli.stat_query import OPERATIONS, filters, rows_query
from kadeploy.cli.tool import connected, make_tool, run

EXAMPLES: Final = """\
  kastat -a -o deploy -x 7d
  kastat -m node-[1-64] -F hostname,start,success,error --sort -start --limit 20 -o table
  kastat -b 0.1
  kastat -b --by step -x 30d
  kastat --health
  kastat --plot steps -x 30d -o steps.png
  kastat -a -o parquet -O runs.parquet"""

ACTIONS: Final = {"all": "-a", "failure_rate": "-b", "health": "--health", "plot": "--plot"}
BY: Final = ("node", "step", "environment", "cluster", "user")
PICTURES: Final = (".png", ".svg")
OPTIONS: Final = (
    flag("-a", "--all", help="A row a node and operation (if nothing else is asked)."),
    optional("-b", "--failure-rate", metavar="[RATE]", help="Failure rates, those of RATE (0..1) and more."),
    option("--by", metavar="WHAT", help=f"Failure rates of each {', '.join(BY)}; node if not given."),
    flag("--health", help="The nodes by their health from 0 to 100, the sickest first."),
    option("--plot", metavar="WHAT", help=f"Draw {', '.join(PLOTS)}: in the terminal, or with -o FILE.png or .svg."),
    *NODES,
    option(
        "-o",
        "--operation",
        "words",
        metavar="WORD",
        multiple=True,
        help="deploy, reboot or power: only these. Or "
        f"the form of the answer: {', '.join(FORMS)}, parquet. Or the picture's file. Repeatable.",
    ),
    option("-O", "--output", metavar="FILE", help="Write there, not on standard output."),
    option("-F", "--fields", metavar="A,B,...", help="These fields of rows, in this order."),
    option("--sort", metavar="A,B,...", help="Rows in this order; -A: the largest first. By start if not given."),
    option("--limit", metavar="N", help="So many rows, or nodes of --health, at most."),
    option("-w", "--workflow-id", "wid", metavar="ID", help="One operation."),
    option(
        "-x",
        "--date-min",
        "date_min",
        metavar="DATE",
        help="Begun then or later: a date, 18:00, 'yesterday 8:00', or 7d for a week ago.",
    ),
    option("-y", "--date-max", "date_max", metavar="DATE", help="Begun then or earlier."),
    option("-r", "--min-retries", "min_retries", metavar="N", help="Something was tried again so often."),
    option("-s", "--retry-steps", "retry_steps", metavar="1,2,3", help="With -r: each of these macro-steps was."),
    option("-e", "--environment", metavar="ENV", help="Installed it: NAME, NAME@OWNER, NAME:VERSION."),
    option("-u", "--user", metavar="USER", help="Of this user."),
    option("-c", "--cluster", metavar="CLUSTER", help="On nodes of this cluster."),
    option("--step", metavar="STEP", help="Failed there: a macro-step, a micro-step, or MACRO-micro."),
    flag("--failed", help="Failed."),
    option("--min-time", metavar="TIME", help="Took so long or longer: seconds, or 5m."),
    option("--max-time", metavar="TIME", help="Took no longer."),
)


def perform(given: Given) -> int:
    chosen = [name for name in ACTIONS if given.text(name) is not None and (given.flag(name) or name == "failure_rate")]
    given.need(len(chosen) < 2, " and ".join(ACTIONS[name] for name in chosen) + " exclude each other")
    action = chosen[0] if chosen else "all"
    words = _Words(given, action)
    query = rows_query(given) if action == "all" else filters(given)
    _check(given, action)
    given.check()
    path = f"/stats/{words.operation}" if words.operation else "/stats"

    def ask(client: Client, more: Query) -> object:
        return client.get(path, {**query, **more})

    work: Mapping[str, Callable[[Client], None]] = {
        "all": lambda client: _rows(client, ask, words),
        "failure_rate": lambda client: _rates(client, ask, words, given),
        "health": lambda client: _health(client, ask, words, given),
        "plot": lambda client: draw(given.text("plot") or "", lambda more: ask(client, more), words.file),
    }
    with connected(given) as client:
        work[action](client)
    return 0


class _Words:
    """The words of `-o`, sorted out: an operation, a form, and a file."""

    def __init__(self, given: Given, action: str) -> None:
        self.operation = ""
        preferred = Form(given.preferred(OUTPUT) or Form.PLAIN)
        self.form = Form.JSON if given.flag("as_json") else preferred
        self.file = given.text("output") or ""
        forms = ["json"] if given.flag("as_json") else []
        for word in given.texts("words"):
            if word in OPERATIONS or word == "deployment":
                given.need(self.operation in ("", word), f"-o {self.operation} and -o {word} exclude each other")
                self.operation = word
            elif word in list(Form):
                self.form = Form(word)
                forms.append(word)
            elif action == "plot" and not self.file:
                self.file = word
            else:
                given.faults.append(
                    f"-o {word}: must be an operation ({', '.join(OPERATIONS)}) or a form ({', '.join(FORMS)}, parquet)"
                )
        given.need(len(set(forms)) < 2, f"{' and '.join(forms)} exclude each other: they are forms of the answer")
        if action == "plot":
            given.need(not self.file or self.file.endswith(PICTURES), f"-o {self.file}: a picture is .png or .svg")
            given.need(self.form is preferred, f"--plot draws: -o {self.form} goes with -a, -b or --health")
        given.need(self.form is not Form.PARQUET or action == "all", "-o parquet goes with rows (-a)")
        given.need(self.form is not Form.PARQUET or self.file, "-o parquet needs -O FILE")
        if self.file and given.flag("multi_server"):
            given.need(False, f"{self.file} is for one server's answer: choose it with -S, not -M")


def _check(given: Given, action: str) -> None:
    rate, by, what = given.text("failure_rate"), given.text("by"), given.text("plot")
    given.need(by is None or action == "failure_rate", "--by goes with -b")
    given.need(by is None or by in BY, f"--by {by}: must be one of {', '.join(BY)}")
    given.need(what is None or what in PLOTS, f"--plot {what}: must be one of {', '.join(PLOTS)}")
    if rate:
        try:
            fits = 0 <= float(rate) <= 1
        except ValueError:
            fits = False
        given.need(fits, f"-b {rate}: must be a rate from 0 to 1")
    for name, word in (("fields", "-F"), ("sort", "--sort")):
        given.need(given.text(name) is None or action == "all", f"{word} goes with rows (-a)")
    given.need(given.text("limit") is None or action in ("all", "health"), "--limit goes with rows and --health")


Ask = Callable[[Client, Query], object]


def _rows(client: Client, ask: Ask, words: _Words) -> None:
    if words.form in (Form.PLAIN, Form.CSV):
        tell(str(ask(client, {})), words.file)
        return
    rows = cast(Sequence[Json], ask(client, {"format": "json"}))
    if words.form is Form.PARQUET:
        write_parquet(rows, Path(words.file))
        return
    tell(FORMS[words.form](rows), words.file)


def _rates(client: Client, ask: Ask, words: _Words, given: Given) -> None:
    by, least = given.text("by") or "node", given.text("failure_rate")
    query = {"kind": "failure_rates", "by": by, **({"min_failure_rate": least} if least else {})}
    if words.form is Form.PLAIN:
        found = cast(Mapping[str, float], ask(client, query))
        tell("".join(f"{name}: {rate}\n" for name, rate in found.items()), words.file)
        return
    tell(FORMS[words.form](cast(Sequence[Json], ask(client, {**query, "format": "json"}))), words.file)


def _health(client: Client, ask: Ask, words: _Words, given: Given) -> None:
    limit = given.number("limit", "--limit", least=0)
    query = {"kind": "health", **({"limit": str(limit)} if limit is not None else {})}
    found = cast(Sequence[Json], ask(client, query))
    if words.form in (Form.PLAIN, Form.TABLE):
        tell("".join(f"{line}\n" for line in health_lines(found)), words.file)
    else:
        tell(FORMS[words.form](found), words.file)


ABOUT: Final = "Tell what became of past operations, how often what failed, and which nodes are not well."

command = make_tool("kastat", perform, about=ABOUT, examples=EXAMPLES, options=OPTIONS, spread=spread)


def main() -> None:
    run(command)
