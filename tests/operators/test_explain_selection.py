"""The operator explain_selection, as the App and scripts call it."""

from __future__ import annotations

import pytest

from shortlist import select_samples

NAME = "explain_selection"
CONFIG = {
    "n_samples": 3,
    "strategies": [
        {"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "WEIGHTS"}},
        {"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "THRESHOLD", "threshold": 2}},
    ],
}


@pytest.fixture
def told(operator, context):
    """The result that the App gets to show."""

    def shown(dataset, params: dict, **request) -> dict:
        *_, last = operator(NAME).execute(context(NAME, dataset, params, **request))
        return last.body.params["results"]

    return shown


@pytest.fixture
def selected(classified):
    """The hours 11, 10 and 9 were picked."""
    select_samples(classified, CONFIG, "round_1")
    return classified


def test_a_reason_for_every_sample(told, selected):
    shown = told(selected, {"run_key": "round_1"})
    assert shown["headline"] == "3 of 12 samples asked about were picked in 'round_1'"
    by_name = {row["sample"]: row for row in shown["samples"]}
    assert [by_name[f"{hour:02d}.png"]["rank"] for hour in (11, 10, 9, 8, 0)] == ["1", "2", "3", "", ""]
    assert all(row["why"].endswith(".") for row in shown["samples"])
    # One was outbid, the other was never in.
    assert by_name["08.png"]["why"] != by_name["00.png"]["why"]


def test_the_sample_that_is_open_is_asked_about(told, selected):
    first = selected.first().id
    shown = told(selected, {"run_key": "round_1"}, current_sample=first)
    assert [row["sample"] for row in shown["samples"]] == ["00.png"]


def test_the_selected_samples_are_asked_about(told, selected):
    ids = selected.values("id")[:2]
    shown = told(selected, {"run_key": "round_1", "view_target": "SELECTED_SAMPLES"}, selected=ids)
    assert [row["sample"] for row in shown["samples"]] == ["00.png", "01.png"]


def test_it_changes_nothing(told, selected, snapshot):
    before = snapshot(selected)
    told(selected, {"run_key": "round_1"})
    assert snapshot(selected) == before


def test_without_selections_the_form_says_so(form, classified):
    problem = form(NAME, classified)["problem"]
    assert problem["invalid"] is True
    assert problem["view"]["label"] == "This dataset has no selections yet. Make one with `select_samples`."


def test_from_python(operator, selected):
    explained = operator(NAME)(selected.limit(1), "round_1")
    assert [one.name for one in explained.samples] == ["00.png"]
