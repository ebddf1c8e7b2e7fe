"""The operator analyze_selection, as the App and scripts call it."""

from __future__ import annotations

import numpy as np
import pytest
from fiftyone.operators.delegated import DelegatedOperationService
from fiftyone.operators.executor import ExecutionRunState

from shortlist import list_analyses, load_analysis, select_samples

NAME = "analyze_selection"
FEW = {"random_draws": 3}


def config(**source) -> dict:
    source = source or {"type": "METADATA", "key": "hour"}
    strategy = "DIVERSITY" if source["type"] == "EMBEDDINGS" else "WEIGHTS"
    return {"n_samples": 3, "strategies": [{"input": source, "strategy": {"type": strategy}}]}


@pytest.fixture
def selected(classified):
    select_samples(classified, config(), "round_1")
    return classified


@pytest.fixture
def steps(operator, context):
    """All that the App gets to do, by the names of its operators."""

    def done(dataset, params: dict, **request) -> list[tuple[str, dict]]:
        ctx = context(NAME, dataset, params, **request)
        return [(step.body.operator_uri, step.body.params) for step in operator(NAME).execute(ctx)]

    return done


def chosen(form: dict, name: str) -> list[str]:
    """What a dropdown offers."""
    return [choice["value"] for choice in form[name]["view"]["choices"]]


def test_the_form_asks_for_what_matters_and_folds_the_rest(form, selected):
    drawn = form(NAME, selected)
    assert list(drawn) == ["run_key", "embeddings", "export_dir", "more"]
    assert drawn["run_key"]["default"] == "round_1"
    assert chosen(drawn, "run_key") == ["round_1", "even", "odd"]
    assert drawn["embeddings"]["default"] == "clip"
    assert chosen(drawn, "embeddings") == ["", "clip"]
    folded = drawn["more"]
    assert (folded["view"]["collapsible"], folded["view"]["default_expanded"]) == (True, False)
    inside = folded["type"]["properties"]
    assert list(inside) == ["objects", "datapool", "label_fields", "fields", "random_draws", "regions", "seed"]
    assert (inside["random_draws"]["default"], inside["random_draws"]["type"]["max"]) == (40, 1000)


def test_it_begins_with_the_newest_selection_in_its_own_embeddings(form, selected):
    selected.set_values("dino", [np.array([row, 0.5]) for row in range(12)])
    select_samples(selected, config(type="EMBEDDINGS", field="dino"), "a_later_one")
    drawn = form(NAME, selected)
    assert (drawn["run_key"]["default"], drawn["embeddings"]["default"]) == ("a_later_one", "dino")
    assert form(NAME, selected, {"run_key": "round_1"})["embeddings"]["default"] == "clip"


@pytest.mark.parametrize(("key", "asked"), [("round_1", False), ("even", True)])
def test_which_samples_is_asked_for_tags_and_views_alone(operator, context, selected, key, asked):
    ctx = context(NAME, selected, {"run_key": key}, view=selected.limit(5))
    drawn = operator(NAME).resolve_type(ctx, "inputs").to_json()["type"]["properties"]
    assert ("view_target" in drawn) == asked


def test_further_parameters_come_with_what_they_belong_to(form, selected):
    assert "overwrite" in form(NAME, selected, {"run_key": "even", "export_dir": "out"})
    inside = form(NAME, selected, {"run_key": "even", "more": {"objects": "predictions"}})["more"]["type"]["properties"]
    assert "object_embeddings" in inside


def test_without_anything_to_analyze_it_says_so(form, make):
    import fiftyone as fo

    problem = form(NAME, make([fo.Sample("/1.png")]))["problem"]
    assert problem["invalid"] is True
    assert problem["view"]["label"] == "This dataset has no tags, saved views or selections yet."


def test_what_is_wrong_is_said_in_the_form(form, selected):
    drawn = form(NAME, selected, {"run_key": "even", "more": {"random_draws": 1}})
    assert drawn["problem"]["view"]["label"] == "random_draws must be >= 2. Got 1 instead."


def test_as_it_is_offered_it_runs(sent, steps, selected):
    values = sent(NAME, selected)
    assert values["more"] == {"random_draws": 40, "regions": 10, "seed": 51}
    done = steps(selected, values)
    names = [name for name, _ in done]
    assert names[-4:] == ["reload_dataset", "open_panel", "notify", "show_output"]
    assert done[-3][1]["name"] == "shortlist_panel"
    results = done[-1][1]["results"]
    assert results["headline"].startswith("Analyzed 'round_1'. ")
    assert {"what": "samples", "value": "3 selected of 12"} in results["details"]
    assert load_analysis(selected, "round_1").random_draws == 40


def test_what_is_folded_away_counts(steps, selected):
    steps(selected, {"run_key": "even", "more": {"random_draws": 4, "label_fields": [], "fields": ["hour"]}})
    found = load_analysis(selected, "even")
    assert (found.random_draws, [one.source for one in found.numbers]) == (4, ["hour"])
    assert [one.source for one in found.distributions] == ["predictions"]


def test_a_tag_is_analyzed_in_the_view(steps, selected):
    ids = selected.values("id")
    steps(selected, {"run_key": "even", "view_target": "SELECTED_SAMPLES", "more": FEW}, selected=ids[:7])
    assert load_analysis(selected, "even").sizes == {"input": 9, "selected": 6}


def test_an_error_is_shown(operator, context, selected, snapshot):
    from shortlist import ShortlistError

    before, shown = snapshot(selected), []
    with pytest.raises(Exception, match="Did you mean 'even'") as caught:
        shown.extend(operator(NAME).execute(context(NAME, selected, {"run_key": "evn"})))
    assert type(caught.value).__name__ == ShortlistError.__name__
    assert snapshot(selected) == before


def test_from_python(operator, selected):
    result = operator(NAME)(selected.limit(7), "even", **FEW)
    assert result.report.sizes == {"input": 9, "selected": 6}
    assert [one.name for one in list_analyses(selected)] == ["even"]


def test_delegated(operator, selected):
    selected.persistent = True
    queued = operator(NAME)(selected, "round_1", delegate=True, **FEW)
    assert list_analyses(selected) == []
    service = DelegatedOperationService()
    service.execute_queued_operations(operator=f"@shortlist/curation/{NAME}", dataset_name=selected.name, limit=1)
    done = service.get(queued.result["id"])
    assert done.run_state == ExecutionRunState.COMPLETED
    assert done.result.result["headline"].startswith("Analyzed 'round_1'. ")
    selected.reload()
    assert load_analysis(selected, "round_1").random_draws == 3
