"""What an analysis keeps in the dataset: read again, listed, replaced, deleted."""

from __future__ import annotations

import json

import fiftyone as fo
import fiftyone.core.odm as odm
import numpy as np
import pytest

from shortlist import (
    ShortlistError,
    analyze_selection,
    delete_analysis,
    delete_selection,
    list_analyses,
    load_analysis,
    select_samples,
)
from shortlist.core.analysis.report import Report
from shortlist.dataset.analyses import analyses, load
from shortlist.dataset.results import mark_of

CONFIG = {
    "n_samples": 3,
    "strategies": [{"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "WEIGHTS"}}],
}
FEW = {"random_draws": 3}


@pytest.fixture
def selected(classified):
    select_samples(classified, CONFIG, "round_1")
    return classified


def test_what_is_kept_is_what_is_returned(classified):
    report = analyze_selection(classified, "odd", **FEW).report
    assert load_analysis(classified, "odd") == report
    assert load_analysis(classified.limit(1), "odd") == report
    text = load(classified, "odd")
    assert Report.model_validate_json(text) == report
    assert json.loads(text)["format"] == "shortlist.analysis"
    assert (report.parameters["random_draws"], report.parameters["run_key"]) == (3, "odd")
    assert set(report.versions) == {"fiftyone", "numpy", "shortlist"}
    # In another session too.
    classified.clear_cache()
    classified.reload()
    assert load_analysis(fo.load_dataset(classified.name), "odd") == report


def test_lists_are_oldest_first_and_say_what_has_changed(selected):
    assert list_analyses(selected) == []
    for name in ("round_1", "even"):
        analyze_selection(selected, name, **FEW)
    first, second = list_analyses(selected)
    assert (first.name, first.kind, first.key, first.n_samples) == ("round_1", "selection", "round_1_analysis", 3)
    assert (second.name, second.kind, second.n_samples) == ("even", "tag", 6)
    assert [one.changed for one in list_analyses(selected)] == [False, False]
    selected.limit(2).untag_samples("even")
    assert [one.changed for one in list_analyses(selected)] == [False, True]
    selected.untag_samples("even")
    assert [one.changed for one in list_analyses(selected)] == [False, True]


def test_again_replaces_it(classified):
    analyze_selection(classified, "even", **FEW)
    classified.match_tags("even").limit(5).untag_samples("even")
    report = analyze_selection(classified, "even", **FEW).report
    assert report.sizes["selected"] == 1
    assert load_analysis(classified, "even") == report
    assert [one.key for one in analyses(classified)] == ["even_analysis"]
    assert classified.values("even_analysis.distance").count(0) == 1
    assert mark_of(classified, "even_analysis")["status"] == "complete"


def test_again_without_embeddings_leaves_no_field(classified):
    analyze_selection(classified, "even", **FEW)
    classified.delete_sample_field("clip")
    result = analyze_selection(classified, "even", **FEW)
    assert (result.view, result.views) == (None, [])
    assert "even_analysis" not in classified.get_field_schema()
    assert classified.list_saved_views() == []


def test_deleting_leaves_everything_as_it_was(selected, documents):
    def state():
        groups = [group.name for group in selected.app_config.sidebar_groups]
        return (
            documents(selected, ["last_modified_at"]),
            selected.list_indexes(),
            list(selected.get_field_schema()),
            selected.list_saved_views(),
            selected.list_runs(),
            groups,
        )

    before = state()
    analyze_selection(selected, "round_1", **FEW)
    analyze_selection(selected, "odd", **FEW)
    delete_analysis(selected, "odd")
    assert [one.name for one in list_analyses(selected)] == ["round_1"]
    delete_analysis(selected, "round_1")
    assert state() == before


def test_deleting_and_replacing_leave_no_file_behind(classified):
    files = odm.get_db_conn()["fs.files"]
    stored = files.count_documents({})
    for _ in range(2):
        analyze_selection(classified, "odd", **FEW)
        assert files.count_documents({}) == stored + 1
    delete_analysis(classified, "odd")
    assert files.count_documents({}) == stored


def test_deleting_a_selection_deletes_its_analysis_and_no_other(selected):
    select_samples(selected, {**CONFIG, "n_samples": 2}, "round_2")
    for name in ("round_1", "round_2", "even"):
        analyze_selection(selected, name, **FEW)
    delete_selection(selected, "round_1")
    assert [one.name for one in list_analyses(selected)] == ["round_2", "even"]
    assert "round_1_analysis" not in selected.get_field_schema()
    assert sorted(selected.list_runs()) == ["even_analysis", "round_2", "round_2_analysis"]
    assert not any(name.startswith("round_1") for name in selected.list_saved_views())


def test_no_such_analysis(selected, refused):
    start = f"run_key must be what an analysis of {selected.name!r} is of. Got 'round_1' instead."
    end = "Make one with `analyze_selection`."
    for verb in (load_analysis, delete_analysis):
        with refused(selected, f"{start} It has none yet. {end}"):
            verb(selected, "round_1")
    analyze_selection(selected, "odd", **FEW)
    with refused(selected, f"{start} It has those of odd. {end}"):
        load_analysis(selected, "round_1")


def test_a_report_of_another_version_is_said(classified):
    analyze_selection(classified, "odd", **FEW)
    results = classified.load_run_results("odd_analysis", cache=False)
    results.report = results.report.replace('"created"', '"made"')
    classified.save_run_results("odd_analysis", results, cache=False)
    with pytest.raises(ShortlistError, match="must be one that this version of Shortlist reads"):
        load_analysis(classified, "odd")


def test_a_clone_has_it_too(classified):
    report = analyze_selection(classified, "odd", **FEW).report
    clone = classified.clone()
    try:
        assert load_analysis(clone, "odd") == report
        delete_analysis(clone, "odd")
        assert load_analysis(classified, "odd") == report
    finally:
        fo.delete_dataset(clone.name)


def test_reading_it_is_quick_whatever_its_size(make):
    """Not a matter of time here, but of what is read: no sample."""
    dataset = make([fo.Sample(f"/{row}.png", v=np.array([row, 1.0])) for row in range(6)])
    dataset.limit(2).tag_samples("picked")
    report = analyze_selection(dataset, "picked", **FEW).report
    dataset._sample_collection.delete_many({})
    assert load_analysis(dataset, "picked") == report
