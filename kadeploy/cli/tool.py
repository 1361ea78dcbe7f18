"""What every tool is: options, `-h` with examples and exit codes, `-v`, `-I`, and errors told as sentences."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import NoReturn

import click
import yaml

from kadeploy.cli.client import Client, current_user
from kadeploy.cli.exits import INTERRUPTED, TABLE, USAGE, exit_code
from kadeploy.cli.given import Given
from kadeploy.cli.options import CONNECTION
from kadeploy.cli.refused import explained
from kadeploy.cli.servers import choose_server
from kadeploy.errors import Faults, KadeployError, Unavailable

Perform = Callable[[Given], int]

ADDRESS = """\b
The server is the one named by KADEPLOY_SERVER=https://HOST:25300, else by
client.conf in $KADEPLOY_CONFIG_DIR, $KADEPLOY3_CONFIG_DIR, ~/.config/kadeploy,
/etc/kadeploy or /etc/kadeploy3, else the one of the latest `kadeploy login`,
else this machine's own. The token is that of KADEPLOY_TOKEN, else of the login."""


def make_tool(
    name: str, perform: Perform, *, about: str, examples: str, options: Sequence[click.Option]
) -> click.Command:
    """A command line whose callback decodes what was given and returns an exit code."""
    return click.Command(
        name,
        callback=lambda **values: _ask_or_perform(name, Given(values), perform),
        params=[*options, *CONNECTION],
        help=about,
        epilog=f"\b\nExamples:\n{examples}\n\n{ADDRESS}\n\n{TABLE}",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def run(command: click.Command, argv: Sequence[str] | None = None) -> NoReturn:
    """Run the tool and leave with its exit code; the user never sees a traceback."""
    name = command.name or ""
    as_json = False
    try:
        with command.make_context(name, list(sys.argv[1:] if argv is None else argv)) as context:
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
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the flush at exit finds no pipe
        code = USAGE
    except Exception as error:
        if os.environ.get("KADEPLOY_TRACEBACK"):
            traceback.print_exc()
        text = f"this is a defect of {name}: {error!r} (KADEPLOY_TRACEBACK=1 shows where)"
        code = _complain(name, [text], USAGE, as_json)
    sys.exit(code)


@contextmanager
def connected(given: Given) -> Iterator[Client]:
    """The client of the chosen server, as the calling user."""
    user = current_user(os.environ)
    password = given.text("password")
    if password == "":
        password = str(click.prompt(f"Password of {user}", hide_input=True, err=True))
    server = choose_server(given.text("server"), os.environ, Path.home())
    with Client(server, user, password=password) as client:
        yield client


def print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def _complain(name: str, sentences: Sequence[str], code: int, as_json: bool) -> int:
    if as_json:
        print_json({"error": list(sentences), "exit": code})
    for sentence in sentences:
        print(f"{name}: {sentence}", file=sys.stderr)
    return code


def _ask_or_perform(name: str, given: Given, perform: Perform) -> int:
    if given.flag("version"):
        return _tell_versions(name, given)
    if given.flag("server_info"):
        return _tell_info(given)
    return perform(given)


def _tell_versions(name: str, given: Given) -> int:
    own = metadata.version("kadeploy")
    with connected(given) as client:
        if not given.flag("as_json"):
            print(f"{name} {own}", flush=True)
        try:
            server = client.version()
        except Unavailable:
            if given.flag("as_json"):
                print_json({"client": own, "server": None, "url": client.server.url})
            raise
        if given.flag("as_json"):
            print_json({"client": own, "server": server, "url": client.server.url})
        else:
            print(f"server {server} at {client.server.url}")
    return 0


def _tell_info(given: Given) -> int:
    with connected(given) as client:
        info = client.info()
    if given.flag("as_json"):
        print_json(info)
    else:
        print(info if isinstance(info, str) else yaml.safe_dump(info, sort_keys=False), end="")
    return 0
