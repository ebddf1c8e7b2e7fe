"""The walls of the house: who imports whom, and that what the docstrings show is true."""

from __future__ import annotations

import ast
import doctest
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import shortlist.core

ROOT = Path(__file__).resolve().parents[2]
# Of a room: the rooms of ours that it may import, and the only modules allowed where not the whole room is open.
MAY_IMPORT = {
    "core": {"core"},
    "dataset": {"core", "dataset"},
    "report": {"core", "report"},
    "api": {"core", "dataset", "report", "api"},
    "operators": {"api", "core", "dataset.sources", "operators", "panels.charts"},
    "panels": {"api", "core", "dataset.sources", "panels", "report.shares", "report.verdict"},
}
OURS = "shortlist"


def files_of(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imported(file: Path) -> Iterator[str]:
    """The full names that a file imports, anywhere in it."""
    package = [OURS, *file.relative_to(ROOT).parent.parts]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def ours(file: Path) -> set[str]:
    """The modules of ours that a file imports, without the package's name."""
    return {name.removeprefix(f"{OURS}.") for name in imported(file) if name.split(".")[0] == OURS}


def inside(name: str, allowed: set[str]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in allowed)


def test_imports_are_read_whatever_their_form(tmp_path, monkeypatch):
    file = tmp_path / "operators" / "inner" / "some.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        "import numpy as np\nimport shortlist.core.errors\nfrom shortlist import api\nfrom . import near\n"
        "from .. import forms\nfrom ...core.schema import parse\n"
        "def later():\n    from ...dataset.labels import read\n"
    )
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    assert ours(file) == {
        "core.errors",
        "api",
        "operators.inner.near",
        "operators.forms",
        "core.schema.parse",
        "dataset.labels.read",
    }
    assert {name for name in imported(file) if not name.startswith(OURS)} == {"numpy"}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_it_may(room):
    if not (ROOT / room).is_dir():
        pytest.skip(f"there is no {room} yet")
    files = files_of(room)
    beyond = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in files
        for name in ours(file)
        if not inside(name, MAY_IMPORT[room])
    }
    assert len(files) > 0
    assert beyond == set()


def test_core_knows_no_fiftyone():
    roots = {f"{file.relative_to(ROOT)}: {name}" for file in files_of("core") for name in imported(file)}
    assert {
        found for found in roots if found.split(": ")[1].split(".")[0] in ("fiftyone", "eta", "mongoengine")
    } == set()


def test_core_has_no_clock_and_no_global_random_state():
    used = {
        f"{file.relative_to(ROOT)}: {ast.unparse(node)}"
        for file in files_of("core")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and re.fullmatch(r"np\.random\.\w+", ast.unparse(node))
    }
    assert {found for found in used if not found.endswith(": np.random.default_rng")} == set()
    names = {name.split(".")[0] for file in files_of("core") for name in imported(file)}
    assert names & {"random", "time", "datetime"} == set()


def test_only_forms_builds_inputs():
    if not (ROOT / "operators").is_dir():
        pytest.skip("there are no operators yet")
    built = {
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for room in ("operators", "panels")
        for file in files_of(room)
        if not (file.parent == ROOT / "operators" and file.name.startswith("forms"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and builds_input(node.func)
    }
    assert built == set()


def builds_input(called: ast.Attribute) -> bool:
    """Whether a call is of ``inputs.str`` and such."""
    return ast.unparse(called.value).split(".")[-1] == "inputs"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("inputs.str('a')", True),
        ("self.inputs.bool('a')", True),
        ("outputs.str('a')", False),
        ("sources.read(a)", False),
    ],
)
def test_building_of_inputs_is_recognised(line, expected):
    assert builds_input(ast.parse(line).body[0].value.func) == expected


CORE_MODULES = [
    "shortlist.core",
    *(found.name for found in pkgutil.walk_packages(shortlist.core.__path__, "shortlist.core.")),
]


@pytest.mark.parametrize("name", CORE_MODULES)
def test_the_examples_in_docstrings_are_true(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples_in_docstrings():
    tests = [test for name in CORE_MODULES for test in doctest.DocTestFinder().find(importlib.import_module(name))]
    assert sum(len(test.examples) for test in tests) > 0


@pytest.mark.parametrize("name", CORE_MODULES)
def test_every_module_says_what_it_is(name):
    assert importlib.import_module(name).__doc__
