"""Every option that Kadeploy3's tools have is an option of ours, by its letter and by its word; and is as it was: a
flag, a text, or a text that may be left out, once or several times."""

from __future__ import annotations

from importlib import import_module

import click
import pytest

from kadeploy.cli.tool_names import MODULES

FLAG, TEXT, MAYBE, MANY = "flag", "text", "maybe", "many"
EVERY = (
    ("-h --help", FLAG),
    ("-v --version", FLAG),
    ("-I --server-info", FLAG),
    ("-M --multi-server", FLAG),
    ("-S --server", TEXT),
    ("-H --debug-http", FLAG),
    ("--no-debug-http", FLAG),
    ("--dry-run", FLAG),
    ("--no-dry-run", FLAG),
    ("--password", MAYBE),
)
NODES = (("-m --machine", MANY), ("-f --file", MANY))
OPERATIONS = (
    *NODES,
    ("-o --output-ok-nodes", TEXT),
    ("-n --output-ko-nodes", TEXT),
    ("-s --script", TEXT),
    ("-V --verbose-level", TEXT),
    ("-d --debug-mode", FLAG),
    ("--no-debug-mode", FLAG),
    ("--write-workflow-id", TEXT),
    ("--wait", FLAG),
    ("--no-wait", FLAG),
    ("--force", FLAG),
    ("--no-force", FLAG),
    ("--breakpoint", TEXT),
    ("--hook", FLAG),
    ("--no-hook", FLAG),
)
INSTALLED = (
    ("-b --block-device", TEXT),
    ("-e --env-name", TEXT),
    ("-u --env-user", TEXT),
    ("--env-version", TEXT),
    ("-p --partition-number", TEXT),
    ("-k --key", MAYBE),
    ("--vlan", TEXT),
    ("-w --set-pxe-profile", TEXT),
    ("--set-pxe-pattern", TEXT),
    ("-x --upload-pxe-files", MANY),
    ("--reboot-classical-timeout", TEXT),
    ("--secure", FLAG),
    ("--no-secure", FLAG),
    ("--custom-steps", TEXT),
)
KADEPLOY3 = {
    "kadeploy": (
        *OPERATIONS,
        *INSTALLED,
        ("-a --env-file", TEXT),
        ("-c --boot-partition", TEXT),
        ("-r --reformat-tmp", TEXT),
        ("--no-kexec", FLAG),
        ("--disable-bootloader-install", FLAG),
        ("--disable-disk-partitioning", FLAG),
        ("--reboot-kexec-timeout", TEXT),
        ("--force-steps", TEXT),
    ),
    "kareboot": (
        *OPERATIONS,
        *INSTALLED,
        ("-r --reboot-kind", TEXT),
        ("-l --op-level", TEXT),
        ("-c --check-destructive-tag", FLAG),
    ),
    "kapower": (
        *OPERATIONS,
        ("--custom-steps", TEXT),
        ("--on", FLAG),
        ("--off", FLAG),
        ("--status", FLAG),
        ("-l --op-level", TEXT),
    ),
    "kaconsole": (("-m --machine", TEXT),),
    "kaenv": (
        ("-a --add", TEXT),
        ("-d --delete", TEXT),
        ("-l --list", MAYBE),
        ("-p --print", TEXT),
        ("-s --all-versions", FLAG),
        ("-u --env-user", TEXT),
        ("--env-version", TEXT),
        ("-t --visibility-tag", TEXT),
        ("--set-visibility-tag", TEXT),
        ("--toggle-destructive-tag", TEXT),
        ("--update-image-checksum", TEXT),
        ("--update-preinstall-checksum", TEXT),
        ("--update-postinstalls-checksum", TEXT),
        ("--move-files", FLAG),
        ("-m --files-to-move", MANY),
        ("--secure", FLAG),
        ("--no-secure", FLAG),
    ),
    "kanodes": (
        *NODES,
        ("-s --get-nodes-state", FLAG),
        ("-d", FLAG),
        ("-r", FLAG),
        ("-p", FLAG),
        ("-c", FLAG),
        ("-a", FLAG),
        ("-w --workflow-id", TEXT),
    ),
    "kastat": (
        *NODES,
        ("-a --all", FLAG),
        ("-b --failure-rate", MAYBE),
        ("-F --fields", TEXT),
        ("-o --operation", MANY),
        ("-r --min-retries", TEXT),
        ("-s --retry-steps", TEXT),
        ("-w --workflow-id", TEXT),
        ("-x --date-min", TEXT),
        ("-y --date-max", TEXT),
        ("--limit", TEXT),
        ("--sort", TEXT),
    ),
    "karights": (
        *NODES,
        ("-a --add", FLAG),
        ("-d --delete", FLAG),
        ("-l --list", FLAG),
        ("-u --user", TEXT),
        ("-p --part", MANY),
        ("-o --overwrite-rights", MAYBE),
    ),
}
CASES = [(tool, names, kind) for tool, own in KADEPLOY3.items() for names, kind in (*EVERY, *own)]


def command_of(tool: str) -> click.Command:
    found = import_module(MODULES[tool]).command
    assert isinstance(found, click.Command)
    return found


def kind_of(option: click.Option) -> str:
    if option.is_flag:
        return FLAG
    if option.multiple:
        return MANY
    return MAYBE if option.flag_value == "" else TEXT


@pytest.mark.parametrize(("tool", "names", "kind"), CASES, ids=[f"{tool} {names}" for tool, names, _ in CASES])
def test_an_option_of_kadeploy3_is_there_as_it_was(tool: str, names: str, kind: str) -> None:
    command = command_of(tool)
    options = [
        each
        for each in command.get_params(click.Context(command, **command.context_settings))
        if isinstance(each, click.Option)
    ]
    wanted = names.split()
    found = [option for option in options if {*wanted} & {*option.opts, *option.secondary_opts}]
    assert len(found) == 1, f"{tool} has {[option.opts for option in found]} for {names}"
    assert {*wanted} <= {*found[0].opts, *found[0].secondary_opts}
    assert kind_of(found[0]) == kind


def test_no_force_is_no_force() -> None:
    command = command_of("kadeploy")
    for words, forced in (
        ([], False),
        (["--force"], True),
        (["--no-force"], False),
        (["--force", "--no-force"], False),
    ):
        with command.make_context("kadeploy", words) as context:
            assert context.params["force"] is forced


@pytest.mark.parametrize("tool", MODULES)
def test_a_word_means_one_thing_in_a_tool(tool: str) -> None:
    """click keeps the last of two options with one letter without a word."""
    words = [word for each in command_of(tool).params for word in (*each.opts, *each.secondary_opts)]
    assert sorted(words) == sorted({*words})
