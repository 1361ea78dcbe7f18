"""The rules of the house that an import contract cannot say: sizes, names, and where imports stand."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "kadeploy"
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts)
EVERYTHING = [*SOURCES, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "bench").rglob("*.py"))]
ROLES = {"utils", "util", "common", "base", "helpers", "helper", "manager", "core", "misc"}
LONGEST_FILE = 300
LONGEST_FUNCTION = 50
IDS = [str(path.relative_to(ROOT)) for path in SOURCES]


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


@pytest.mark.parametrize("path", EVERYTHING, ids=[str(path.relative_to(ROOT)) for path in EVERYTHING])
def test_a_file_is_one_thing(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= LONGEST_FILE, f"{lines} lines: it is two things"


@pytest.mark.parametrize("path", SOURCES, ids=IDS)
def test_a_function_is_one_thing(path: Path) -> None:
    long = {
        f"{node.name}: {size} lines"
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (size := length_of(node)) > LONGEST_FUNCTION
    }
    assert not long


def length_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, the docstring not counted."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def test_files_are_named_for_things() -> None:
    assert not [str(path) for path in SOURCES if path.stem in ROLES or path.parent.name in ROLES]


@pytest.mark.parametrize("path", SOURCES, ids=IDS)
def test_no_import_of_ours_stands_in_a_function_or_behind_type_checking(path: Path) -> None:
    tree = tree_of(path)
    inside = [
        ast.unparse(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kadeploy")
    ]
    assert not inside
    assert "TYPE_CHECKING" not in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("path", [path for path in SOURCES if path.name != "__init__.py"], ids=str)
def test_a_module_opens_with_why_it_exists(path: Path) -> None:
    assert ast.get_docstring(tree_of(path)), "no docstring"


@pytest.mark.parametrize("path", [path for path in SOURCES if path.parts[-2] not in {"lab", "testing"}], ids=str)
def test_processes_are_started_in_one_place(path: Path) -> None:
    allowed = {PACKAGE / "process.py"}
    starts = {"create_subprocess_exec", "create_subprocess_shell", "Popen"}
    calls = (node.func for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call))
    used = {called.attr for called in calls if isinstance(called, ast.Attribute)} & starts
    assert not used or path in allowed, f"{path} uses {used}"


def test_the_agent_runs_on_the_standard_library_alone() -> None:
    program = "import sys; sys.path.insert(0, sys.argv[1]); import kadeploy.agent.__main__"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, str(ROOT)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_step_stands_in_the_catalogue() -> None:
    from kadeploy.steps import CATALOGUE

    listed = {step.__module__.rsplit(".", 1)[-1] for step in CATALOGUE.values()}
    files = {path.stem for path in (PACKAGE / "steps").glob("*.py")} - {"__init__", "on_nodes", "in_window"}
    assert files == listed


DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_every_link_of_the_documentation_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", document.read_text())
    assert not [link for link in links if "://" not in link and not (document.parent / link).exists()]
