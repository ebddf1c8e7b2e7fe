"""FiftyOne loads the plugin whole, and shows its operators as what they are."""

from __future__ import annotations

from pathlib import Path

import fiftyone.operators as foo
import fiftyone.plugins as fop
import pytest
import yaml
from fiftyone.operators.types import Places, RiskLevel

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = "@shortlist/curation"
MANIFEST = yaml.safe_load((ROOT / "fiftyone.yml").read_text())
LISTED = MANIFEST["operators"]
each = pytest.mark.parametrize("name", LISTED)


def test_it_loads_without_errors():
    assert [error for error in foo.OperatorRegistry().list_errors() if "shortlist" in error.lower()] == []


def test_what_is_listed_is_registered_and_vice_versa():
    registered = {one.name for one in foo.list_operators() if one.uri.startswith(f"{PLUGIN}/")}
    assert registered == {*LISTED, *MANIFEST["panels"]}


def test_every_operator_class_is_listed():
    from shortlist.operators import OPERATORS

    assert [cls.verb for cls in OPERATORS] == LISTED


def test_the_manifest_agrees_with_the_package():
    import tomllib

    definition = fop.get_plugin(PLUGIN)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert definition.version == project["version"]
    assert definition.license == project["license"]
    required = next(one for one in project["dependencies"] if one.startswith("fiftyone"))
    assert definition.fiftyone_requirement == required


@each
def test_it_says_what_it_is(operator, name):
    config = operator(name).config
    assert config.name == name
    assert config.label[0].isupper()
    assert config.label[-1] != "."
    assert config.description.endswith(".")
    assert len(config.description) > 20


@each
def test_its_icon_is_there(operator, name):
    icon = operator(name).config.icon
    assert icon.startswith("/assets/")
    assert (ROOT / icon.lstrip("/")).read_text().lstrip().startswith("<svg")


#: rarer, or at hand in a panel
WITHOUT_BUTTON = (
    "score_disagreement", "score_predicted_loss", "back_test", "review_progress", "apply_review", "undo_review",
    "manage_reviews",
)  # fmt: skip


@each
def test_it_runs_at_once_or_delegated(operator, name):
    config = operator(name).config
    assert config.allow_immediate_execution
    assert config.allow_delegated_execution == (name not in ("manage_selections", "manage_reviews", "review_progress"))
    assert config.execute_as_generator
    assert config.dynamic


def test_only_what_deletes_or_changes_labels_is_of_high_risk(operator):
    risks = {name: operator(name).config.risk_level for name in LISTED}
    high = {"manage_selections", "manage_reviews", "apply_review", "undo_review"}
    low = {"explain_selection", "review_progress"}
    assert {name for name, risk in risks.items() if risk == RiskLevel.HIGH} - {"merge_annotations"} == high
    assert {name for name, risk in risks.items() if risk == RiskLevel.LOW} == low


@each
def test_the_app_offers_what_is_used_most_with_a_button(operator, context, name):
    placement = operator(name).resolve_placement(context(name))
    if name in WITHOUT_BUTTON:
        assert placement is None
        return
    if name == "explain_selection":
        assert placement.place == Places.SAMPLES_VIEWER_ACTIONS
    else:
        assert placement.place in (Places.SAMPLES_GRID_SECONDARY_ACTIONS, Places.EMBEDDINGS_ACTIONS)
    assert placement.view.label == operator(name).config.label
    assert placement.view.prompt is True


@each
def test_its_schema_can_be_sent_to_the_app(operator, context, untouched, name):
    ctx = context(name, untouched)
    for resolved in (operator(name).resolve_input(ctx), operator(name).resolve_output(ctx)):
        assert resolved.to_json()["type"]["name"] == "Object"
