"""What `kaenv` can be told on its command line: Kadeploy3's options, and ours."""

from __future__ import annotations

from typing import Final

import click

from kadeploy.cli.env_answer import FORMATS
from kadeploy.cli.options import SECURE, flag, option, optional

ACTIONS: Final = {
    "list_": "-l",
    "print_": "-p",
    "add": "-a",
    "delete": "-d",
    "set_visibility": "--set-visibility-tag",
    "toggle": "--toggle-destructive-tag",
    "image_checksum": "--update-image-checksum",
    "preinstall_checksum": "--update-preinstall-checksum",
    "postinstalls_checksum": "--update-postinstalls-checksum",
    "move_files": "--move-files",
    "check": "--check",
    "import_": "--import",
    "export": "--export",
    "schema": "--schema",
}
SHOWN: Final = "name,version,user,visibility,description"
NAME: Final = "NAME is NAME[/ARCHITECTURE][@OWNER][:VERSION]; instead of the name, an alias."
OPTIONS: Final = (
    optional("-l", "--list", "list_", metavar="[PATTERN]", help="List environments; % in the pattern is any text."),
    option("-p", "--print", "print_", metavar="NAME", help=f"Print a description. {NAME}"),
    option("-a", "--add", metavar="FILE_OR_URL", help="Record what is described there; server:///PATH too."),
    option("-d", "--delete", metavar="NAME", help="Delete the newest version, or the one given, or with -s all."),
    option("--set-visibility-tag", "set_visibility", metavar="NAME", help="Change who may use it, to that of -t."),
    option("--toggle-destructive-tag", "toggle", metavar="NAME", help="Mark it as destructive, or no longer."),
    option("--update-image-checksum", "image_checksum", metavar="NAME", help="Record the image's checksum anew."),
    option("--update-preinstall-checksum", "preinstall_checksum", metavar="NAME", help="The same for its preinstall."),
    option(
        "--update-postinstalls-checksum", "postinstalls_checksum", metavar="NAME", help="The same for its postinstalls."
    ),
    flag("--move-files", help="Rewrite the beginnings of file names in all environments, as -m says; administrators."),
    option(
        "-m", "--files-to-move", "moves", metavar="OLD::NEW,…", multiple=True, help="Beginnings of names, old and new."
    ),
    flag("--check", help="Check the descriptions in FILES, and record none."),
    flag("--import", "import_", help="Record every description in FILES; all faults of all are told before."),
    option("--existing", metavar="WHAT", help="What --import does with what is there: refuse (usual), skip, replace."),
    flag("--skip", help="--existing skip."),
    flag("--replace", help="--existing replace."),
    option("--export", metavar="DIR", help="Write every description, or those of NAMES, as files under DIR."),
    flag("--schema", help="Print the JSON Schema of descriptions."),
    flag("-s", "--all-versions", help="Every version, not only the newest."),
    option("-u", "--env-user", "owner", metavar="OWNER", help="Whose environment; yours if not given."),
    option("--env-version", metavar="N", help="Which version."),
    option("-t", "--visibility-tag", "visibility", metavar="TAG", help="private, shared or public."),
    option("--columns", metavar="KEYS", help=f"With -l: which keys, as in {SHOWN} (usual), image.file."),
    flag("--with-checksums", help="With -l and -p: also the checksums that are recorded."),
    option(
        "-o",
        "--output",
        "format",
        metavar="FORMAT",
        help=f"{', '.join(FORMATS)}: how to answer; the last for kaenv3, usually.",
    ),
    SECURE,
    click.Argument(["words"], metavar="[FILES|NAMES]", nargs=-1),
)
_CHANGED: Final = (
    "delete",
    "set_visibility",
    "toggle",
    "image_checksum",
    "preinstall_checksum",
    "postinstalls_checksum",
)
_OF_VERSIONS: Final = ("list_", "print_", *_CHANGED)
OWN_OPTIONS: Final = {  # option: the actions it goes with
    "visibility": ("-t", ("set_visibility",)),
    "columns": ("--columns", ("list_",)),
    "with_checksums": ("--with-checksums", ("list_", "print_")),
    "moves": ("-m", ("move_files",)),
    "existing": ("--existing", ("import_",)),
    "skip": ("--skip", ("import_",)),
    "replace": ("--replace", ("import_",)),
    "all_versions": ("-s", _OF_VERSIONS),
    "owner": ("-u", (*_OF_VERSIONS, "add", "check", "import_", "export")),
}
DESCRIBED: Final = ("add", "check", "import_")
NO_VERSION: Final = ("move_files", "export", "schema")
WITH_WORDS: Final = ("check", "import_", "export")
