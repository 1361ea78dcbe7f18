"""What every tool is: options, `-h` with examples and exit codes, `-v`, `-I`, and errors told as sentences."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click
from click.core import ParameterSource

from kadeploy.cli.client import Client, current_user
from kadeploy.cli.company import of_nothing, of_servers
from kadeploy.cli.debug_http import DESCRIPTOR, Trace, descriptor_or, opened_by_caller
from kadeploy.cli.exits import INTERRUPTED, TABLE, USAGE, exit_code
from kadeploy.cli.given import Given
from kadeploy.cli.later import Later, load
from kadeploy.cli.old_forms import as_called
from kadeploy.cli.options import CONNECTION
from kadeploy.cli.preferences import defaults, read_preferences
from kadeploy.cli.refused import explained
from kadeploy.cli.servers import choose_server
from kadeploy.cli.standard_streams import fault_of_output, make_usable
from kadeploy.errors import Faults, KadeployError

Perform = Callable[[Given], int]
FIRST_ASKED = ("completion", "show_config", "version", "server_info")  # and nothing else is then done

ADDRESS = """\b
The server is the one of -S, else that of KADEPLOY_SERVER=https://HOST:25300,
else of ~/.config/kadeploy/config.yaml, else the default of client.conf in
$KADEPLOY_CONFIG_DIR, $KADEPLOY3_CONFIG_DIR, ~/.config/kadeploy, /etc/kadeploy
or /etc/kadeploy3, else that of the latest `kadeploy login`, else this machine's
own. The token is that of KADEPLOY_TOKEN, else of the login. --show-config shows
what holds."""


def make_tool(
    name: str,
    perform: Perform,
    *,
    about: str,
    examples: str,
    options: Sequence[click.Parameter],
    spread: Callable[[Given, Perform], int] | None = None,
) -> click.Command:
    """A command line whose callback decodes what was given and returns an exit code.

    `spread` performs it at every server, for -M; a tool without it minds that itself.
    """

    @click.pass_context
    def callback(context: click.Context, /, **values: object) -> int:
        found, descriptors = context.obj
        preferred = {key: setting.value for key, setting in found.items()}
        given = Given(values, preferred=preferred, descriptors=descriptors, said=_said(context))
        of_nothing(given, context.command.params)
        given = of_servers(given)
        given.check()
        if any(values.get(each) not in (None, False) for each in FIRST_ASKED):
            return int(load(Later.ABOUT_ITSELF).answer(context, given, found))
        return spread(given, perform) if spread and given.flag("multi_server") else perform(given)

    return click.Command(
        name,
        callback=callback,
        params=[*options, *CONNECTION],
        help=about,
        epilog=f"\b\nExamples:\n{examples}\n\n{ADDRESS}\n\n{TABLE}",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def _said(context: click.Context) -> frozenset[str]:
    return frozenset(
        name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    )


def run(command: click.Command, argv: Sequence[str] | None = None) -> NoReturn:
    """Run the tool and leave with its exit code; the user never sees a traceback."""
    name = command.name or ""
    descriptors = opened_by_caller()
    make_usable()
    words = list(sys.argv[1:] if argv is None else argv)
    if instruction := os.environ.get(completion_variable(name)):
        sys.exit(load(Later.COMPLETION).complete(command, instruction))
    as_json = False
    try:
        found = as_called(sys.argv[0], read_preferences(os.environ, Path.home()))
        with command.make_context(name, words, obj=(found, descriptors), default_map=defaults(found)) as context:
            as_json = bool(context.params.get("as_json"))
            code = int(command.invoke(context))
        sys.stdout.flush()
    except click.exceptions.Exit as leaving:
        code = leaving.exit_code
    except click.ClickException as error:
        code = _complain(name, [f"{error.format_message()} ({name} -h lists the options)"], USAGE, as_json)
    except Faults as error:
        code = _complain(name, error.faults, USAGE, as_json)
    except KadeployError as error:
        code = _complain(name, [explained(error)], exit_code(error), as_json)
    except (KeyboardInterrupt, click.Abort) as error:
        code = _complain(name, [str(error) or "interrupted"], INTERRUPTED, as_json)
    except Exception as error:
        code = _complain(name, _unforeseen(name, error), USAGE, as_json)
    sys.exit(code)


def _unforeseen(name: str, error: Exception) -> Sequence[str]:
    fault = fault_of_output(error)
    if fault is not None:
        return [fault] if fault else []
    if os.environ.get("KADEPLOY_TRACEBACK"):
        traceback.print_exception(error)
    return [f"this is a defect of {name}: {error!r} (KADEPLOY_TRACEBACK=1 shows where)"]


def completion_variable(name: str) -> str:
    """In which a shell says what it wants completed."""
    return f"_{name.upper().replace('-', '_').replace(' ', '_')}_COMPLETE"


@contextmanager
def connected(given: Given) -> Iterator[Client]:
    """The client of the chosen server, as the calling user."""
    user = current_user(os.environ)
    server = choose_server(given.text("server"), os.environ, Path.home())
    with Client(server, user, password=password_given(given, user), trace=tracing(given)) as client:
        yield client


def password_given(given: Given, user: str) -> str | None:
    """That of --password, asked for if it has none."""
    password = given.text("password")
    return str(click.prompt(f"Password of {user}", hide_input=True, err=True)) if password == "" else password


def tracing(given: Given) -> Trace | None:
    """What --debug-http wants; with JSON for programs, standard output is theirs."""
    stream = sys.stderr if given.flag("as_json") else sys.stdout
    return Trace(descriptor_or(given.descriptors, DESCRIPTOR, stream)) if given.flag("debug_http") else None


def print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def _complain(name: str, sentences: Sequence[str], code: int, as_json: bool) -> int:
    if as_json:
        print_json({"error": list(sentences), "exit": code})
    for sentence in sentences:
        print(f"{name}: {sentence}", file=sys.stderr)
    return code
