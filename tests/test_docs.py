"""The docs say what the code says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

import shortlist
from shortlist import api
from shortlist.core.scores import Score, scores
from shortlist.core.selection.strategy import strategies

ROOT = Path(__file__).resolve().parents[1]


def script(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_what_the_models_say():
    reference = script("reference")

    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), "run `make docs`"


def test_the_keys_of_the_report_are_what_the_models_say():
    keys = script("report_keys")

    assert keys.PAGE.read_text(encoding="utf-8") == keys.page(), "run `make docs`"
    assert keys.SCHEMA.read_text(encoding="utf-8") == keys.schema(), "run `make docs`"


def test_the_reference_has_every_operator_strategy_and_score():
    page = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    operators = yaml.safe_load((ROOT / "fiftyone.yml").read_text())["operators"]

    for name in [*operators, *strategies(), *scores(Score)]:
        assert f"`{name}`" in page or f"/{name}`" in page, name


def test_the_readme_shows_every_operator():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    for name in yaml.safe_load((ROOT / "fiftyone.yml").read_text())["operators"]:
        assert f"### {name}\n" in readme


def test_the_public_names_are_the_verbs():
    assert set(dir(shortlist)) == {*api.__all__, "ShortlistError", "register"}
    for name in api.__all__:
        assert getattr(shortlist, name) is getattr(api, name)
    with pytest.raises(AttributeError, match="has no attribute 'score_everything'"):
        shortlist.score_everything  # noqa: B018


def test_links_between_the_docs_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_version_is_said_once_and_the_same():
    manifest = yaml.safe_load((ROOT / "fiftyone.yml").read_text())["version"]
    project = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)

    assert project.group(1) == manifest
