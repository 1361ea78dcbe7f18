"""The page about automata says what the tables say."""

from __future__ import annotations

import re
from pathlib import Path

from kadeploy.domain.yaml_text import parse
from kadeploy.plans.deploy import MACROS
from tests.unit.config import files
from tests.unit.config.test_automata import cluster_with

PAGE = Path(__file__).parents[3] / "docs/reference/automata.md"


def test_every_instance_with_its_micro_steps() -> None:
    text = PAGE.read_text()
    told: dict[str, dict[str, list[str]]] = {}
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        macro = section.partition(":")[0]
        lines = re.findall(r"^- \*\*(\w+)\*\*: (.*)$", section, flags=re.MULTILINE)
        told[macro] = {name: steps.split(", ") for name, steps in lines}
    assert told == {
        macro: {name: [entry.name for entry in entries] for name, entries in table.items() if entries}
        for macro, table in MACROS.items()
    }


def test_what_it_shows_of_a_cluster_file_is_valid(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    shown: dict[str, object] = {}
    for block in blocks:
        parsed = parse(block, trusted=True)
        assert isinstance(parsed, dict)
        shown |= parsed
    del shown["boot"]  # joined with the rest of its section in a real file
    cluster = cluster_with(tmp_path, **shown)
    assert [one.instance for one in cluster.automaton["BootNewEnv"]] == ["Kexec", "Classical", "HardReboot"]
    assert files.cluster().keys() & shown.keys() == set()
