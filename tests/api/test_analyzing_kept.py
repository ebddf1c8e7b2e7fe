"""What an analysis keeps in the dataset: read again, replaced, deleted, refused, and whole or not at all."""

from __future__ import annotations

import json
import os
import signal

import fiftyone as fo
import fiftyone.core.odm as odm
import fiftyone.core.runs as fors
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
from shortlist.core.errors import Cancelled
from shortlist.dataset.analyses import analyses, load
from shortlist.dataset.results import Staging, mark_of

CONFIG = {
    "n_samples": 3,
    "strategies": [{"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "WEIGHTS"}}],
}
FEW = {"random_draws": 3}


@pytest.fixture
def selected(classified):
    select_samples(classified, CONFIG, "round_1")
    return classified


def test_what_is_kept_is_what_is_returned(selected):
    report = analyze_selection(selected, "round_1", **FEW).report
    assert load_analysis(selected, "round_1") == report
    assert load_analysis(selected.limit(1), "round_1") == report
    text = load(selected, "round_1")
    assert Report.model_validate_json(text) == report
    assert json.loads(text)["format"] == "shortlist.analysis"
    assert (report.parameters["random_draws"], report.parameters["run_key"]) == (3, "round_1")
    assert set(report.versions) == {"fiftyone", "numpy", "shortlist"}


def test_another_session_reads_it_too(selected):
    report = analyze_selection(selected, "round_1", **FEW).report
    selected.clear_cache()
    selected.reload()
    assert load_analysis(fo.load_dataset(selected.name), "round_1") == report


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


def test_again_replaces_it(selected):
    analyze_selection(selected, "even", **FEW)
    selected.match_tags("even").limit(5).untag_samples("even")
    report = analyze_selection(selected, "even", **FEW).report
    assert report.sizes["selected"] == 1
    assert load_analysis(selected, "even") == report
    assert [one.key for one in analyses(selected)] == ["even_analysis"]
    assert selected.values("even_analysis.distance").count(0) == 1
    assert mark_of(selected, "even_analysis")["status"] == "complete"


def test_again_without_embeddings_leaves_no_field(selected):
    analyze_selection(selected, "even", **FEW)
    selected.delete_sample_field("clip")
    result = analyze_selection(selected, "even", **FEW)
    assert (result.view, result.views) == (None, [])
    assert "even_analysis" not in selected.get_field_schema()
    assert selected.list_saved_views() == ["round_1"]


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


def test_deleting_and_replacing_leave_no_file_behind(selected):
    files = odm.get_db_conn()["fs.files"]
    stored = files.count_documents({})
    for _ in range(2):
        analyze_selection(selected, "odd", **FEW)
        assert files.count_documents({}) == stored + 1
    delete_analysis(selected, "odd")
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


def test_a_report_of_another_version_is_said(selected):
    analyze_selection(selected, "odd", **FEW)
    results = selected.load_run_results("odd_analysis", cache=False)
    results.report = results.report.replace('"created"', '"made"')
    selected.save_run_results("odd_analysis", results, cache=False)
    with pytest.raises(ShortlistError, match="must be one that this version of Shortlist reads"):
        load_analysis(selected, "odd")


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        (
            lambda dataset: dataset.add_sample_field("odd_analysis", fo.StringField),
            "the result field 'odd_analysis' must be new or Shortlist's own. Got a field of yours instead; nothing was "
            "written. Rename it with dataset.rename_sample_field('odd_analysis', ...) and run again.",
        ),
        (
            lambda dataset: dataset.register_run("odd_analysis", dataset.init_run(method="mine")),
            "the run key 'odd_analysis' must be free for the analysis. Got another run instead; nothing was written. Rename it "
            "with dataset.rename_run('odd_analysis', ...) and run again.",
        ),
        (
            lambda dataset: dataset.save_view("odd_uncovered", dataset.limit(1)),
            "the saved view 'odd_uncovered' must be new or Shortlist's own. Got a view of yours instead; nothing was written. "
            "Rename it with dataset.update_saved_view_info('odd_uncovered', {'name': ...}) and run again.",
        ),
    ],
    ids=["field", "run", "view"],
)
def test_nothing_of_the_user_s_is_replaced(classified, refused, prepare, sentence):
    prepare(classified)
    with refused(classified, sentence):
        analyze_selection(classified, "odd", **FEW)


@pytest.mark.parametrize("error", [Cancelled(), KeyboardInterrupt()], ids=["cancelled", "Ctrl+C"])
@pytest.mark.parametrize("after", [0, 1, 5])
def test_stopped_on_the_way_nothing_is_written(selected, snapshot, tmp_path, error, after):
    analyze_selection(selected, "round_1", **FEW)
    before, told = snapshot(selected), []

    def progress(done, total, label=""):
        told.append(label)
        if len(told) > after:
            raise error

    with pytest.raises(type(error)):
        analyze_selection(selected, "round_1", export_dir=str(tmp_path / "out"), progress=progress)
    assert snapshot(selected) == before
    assert not (tmp_path / "out").exists()


def test_ctrl_c_while_results_are_merged_waits_for_them(selected, monkeypatch):
    merge = Staging.merge

    def interrupted(self, *update):
        os.kill(os.getpid(), signal.SIGINT)
        merge(self, *update)

    monkeypatch.setattr(Staging, "merge", interrupted)
    with pytest.raises(KeyboardInterrupt):
        analyze_selection(selected, "round_1", **FEW)
    assert load_analysis(selected, "round_1").sizes["selected"] == 3
    assert mark_of(selected, "round_1_analysis")["status"] == "complete"


@pytest.mark.parametrize("name", ["merge", "register_run", "save_view"])
def test_a_crashed_analysis_is_none_and_the_next_run_mends_it(selected, monkeypatch, name):
    owner = Staging if name == "merge" else type(selected)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            analyze_selection(selected, "round_1", **FEW)
    assert list_analyses(selected) == []
    with pytest.raises(ShortlistError, match="It has none yet"):
        load_analysis(selected, "round_1")
    result = analyze_selection(selected, "round_1", **FEW)
    assert result.key == "round_1_analysis"
    assert [one.name for one in list_analyses(selected)] == ["round_1"]
    delete_selection(selected, "round_1")
    assert (selected.list_runs(), selected.list_saved_views()) == ([], [])
    assert "round_1_analysis" not in selected.get_field_schema()


def test_a_run_whose_report_was_not_stored_is_none(selected, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(fors.Run, "save_run_results", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            analyze_selection(selected, "round_1", **FEW)
    assert list_analyses(selected) == []
    analyze_selection(selected, "round_1", **FEW)
    assert len(list_analyses(selected)) == 1


def test_a_clone_has_it_too(selected):
    report = analyze_selection(selected, "round_1", **FEW).report
    clone = selected.clone()
    try:
        assert load_analysis(clone, "round_1") == report
        delete_analysis(clone, "round_1")
        assert load_analysis(selected, "round_1") == report
    finally:
        fo.delete_dataset(clone.name)


def test_files_are_written_with_it(selected, tmp_path):
    folder = tmp_path / "a" / "report é"
    result = analyze_selection(selected, "round_1", export_dir=str(folder), **FEW)
    assert [path.name for path in result.files] == ["report.json", "report.pdf"]
    assert Report.model_validate_json((folder / "report.json").read_text(encoding="utf-8")) == result.report
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")
    assert "export_dir" not in result.report.parameters
    assert [what for what, _ in result.rows()].count("written") == 2


def test_files_that_are_there_are_asked_about_before_any_work(selected, snapshot, tmp_path):
    (tmp_path / "report.json").write_text("mine")
    before = snapshot(selected)
    with pytest.raises(ShortlistError, match="Set overwrite to replace what is there"):
        analyze_selection(selected, "no such selection", export_dir=str(tmp_path))
    assert snapshot(selected) == before
    analyze_selection(selected, "round_1", export_dir=str(tmp_path), overwrite=True, **FEW)
    assert (tmp_path / "report.json").read_text().startswith("{")


def test_two_at_once(selected):
    from shortlist.dataset.reservation import reserved

    with reserved(selected, "the analysis of round_1"):
        with pytest.raises(ShortlistError, match="'the analysis of round_1' is being written by another run"):
            analyze_selection(selected, "round_1", **FEW)
        assert analyze_selection(selected, "even", **FEW).report.sizes["selected"] == 6


def test_reading_it_is_quick_whatever_its_size(make):
    """Not a matter of time here, but of what is read: no sample."""
    dataset = make([fo.Sample(f"/{row}.png", v=np.array([row, 1.0])) for row in range(6)])
    dataset.limit(2).tag_samples("picked")
    report = analyze_selection(dataset, "picked", **FEW).report
    dataset._sample_collection.delete_many({})
    assert load_analysis(dataset, "picked") == report
