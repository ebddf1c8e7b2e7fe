"""An analysis that is refused, stopped, crashed or in another's way: dataset and files are written whole or not at all."""

from __future__ import annotations

import itertools
import os
import signal
import threading

import fiftyone as fo
import fiftyone.core.runs as fors
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
from shortlist.dataset.analysis_names import reservation_of
from shortlist.dataset.reservation import reserved
from shortlist.dataset.results import Staging, changing, mark_of
from shortlist.report import pdf

CONFIG = {
    "n_samples": 3,
    "strategies": [{"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "WEIGHTS"}}],
}
FEW = {"random_draws": 3}


@pytest.fixture
def selected(classified):
    select_samples(classified, CONFIG, "round_1")
    return classified


@pytest.fixture
def undrawn(monkeypatch):
    """Of what is not about the pages: they are not drawn."""
    monkeypatch.setattr(pdf, "write_pdf", lambda report, path, thumbnails: path.write_bytes(b"%PDF"))


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


def test_stopped_on_the_way_nothing_is_written(classified, snapshot, tmp_path, undrawn):
    analyze_selection(classified, "odd", **FEW)
    before = snapshot(classified)
    for error, after in itertools.product((Cancelled(), KeyboardInterrupt()), (0, 1, 5)):
        told = []

        def progress(done, total, label="", error=error, after=after, told=told):
            told.append(label)
            if len(told) > after:
                raise error

        with pytest.raises(type(error)):
            analyze_selection(classified, "odd", export_dir=str(tmp_path / "out"), progress=progress)
        assert snapshot(classified) == before
        assert not (tmp_path / "out").exists()


def test_ctrl_c_while_results_are_merged_waits_for_them(classified, monkeypatch):
    merge = Staging.merge

    def interrupted(self, *update):
        os.kill(os.getpid(), signal.SIGINT)
        merge(self, *update)

    monkeypatch.setattr(Staging, "merge", interrupted)
    with pytest.raises(KeyboardInterrupt):
        analyze_selection(classified, "odd", **FEW)
    assert load_analysis(classified, "odd").sizes["selected"] == 6
    assert mark_of(classified, "odd_analysis")["status"] == "complete"


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


def test_a_run_whose_report_was_not_stored_is_none(classified, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(fors.Run, "save_run_results", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            analyze_selection(classified, "odd", **FEW)
    assert list_analyses(classified) == []
    analyze_selection(classified, "odd", **FEW)
    assert len(list_analyses(classified)) == 1


def test_files_are_written_with_it(classified, tmp_path):
    folder = tmp_path / "a" / "report é"
    result = analyze_selection(classified, "odd", export_dir=str(folder), **FEW)
    assert [path.name for path in result.files] == ["report.json", "report.pdf"]
    assert Report.model_validate_json((folder / "report.json").read_text(encoding="utf-8")) == result.report
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")
    assert "export_dir" not in result.report.parameters
    assert [what for what, _ in result.rows()].count("written") == 2


def test_files_that_are_there_are_asked_about_before_any_work(classified, snapshot, tmp_path, undrawn):
    (tmp_path / "report.json").write_text("mine")
    before = snapshot(classified)
    with pytest.raises(ShortlistError, match="Set overwrite to replace what is there"):
        analyze_selection(classified, "no such selection", export_dir=str(tmp_path))
    assert snapshot(classified) == before
    analyze_selection(classified, "odd", export_dir=str(tmp_path), overwrite=True, **FEW)
    assert (tmp_path / "report.json").read_text().startswith("{")


@pytest.mark.parametrize("there", [None, "mine"])
def test_files_and_dataset_are_as_before_where_the_dataset_cannot_be_written(
    classified, monkeypatch, tmp_path, there, undrawn
):
    folder = tmp_path / "out"
    if there is not None:
        folder.mkdir()
        (folder / "report.json").write_text(there)
    monkeypatch.setattr(Staging, "merge", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        analyze_selection(classified, "odd", export_dir=str(folder), overwrite=True, **FEW)
    if there is None:
        assert not folder.exists()
    else:
        assert [path.name for path in folder.iterdir()] == ["report.json"]
        assert (folder / "report.json").read_text() == there


@pytest.mark.parametrize("name", ["field", "view"])
def test_names_that_are_taken_while_it_works_are_not_replaced(classified, tmp_path, name, undrawn):
    def progress(done, total, label=""):
        if label == "measured" and name == "field":
            classified.add_sample_field("odd_analysis", fo.StringField)
        if label == "measured" and name == "view":
            classified.save_view("odd_uncovered", classified.limit(1))

    with pytest.raises(ShortlistError, match="nothing was written"):
        analyze_selection(classified, "odd", export_dir=str(tmp_path), progress=progress, **FEW)
    assert list_analyses(classified) == []
    assert list(tmp_path.iterdir()) == []
    assert isinstance(classified.get_field("odd_analysis"), fo.StringField if name == "field" else type(None))
    assert classified.list_saved_views() == ([] if name == "field" else ["odd_uncovered"])


def test_two_at_once(classified):
    classified.limit(3).tag_samples("a b")
    classified.limit(4).tag_samples("a.b")
    with reserved(classified, reservation_of("a b")):
        # Both would be kept as a_b_analysis.
        for name in ("a b", "a.b"):
            with pytest.raises(ShortlistError, match="'the analysis a_b_analysis' is being written by another run"):
                analyze_selection(classified, name, **FEW)
        assert analyze_selection(classified, "even", **FEW).report.sizes["selected"] == 6


def test_the_schema_is_changed_by_one_at_a_time(classified):
    """FiftyOne writes fields by their place: two processes at once, one of which deletes one, break the dataset."""
    analyze_selection(classified, "odd", **FEW)
    for verb in (analyze_selection, delete_analysis):
        with changing(classified):
            waiting = threading.Thread(target=verb, args=(classified, "odd"))
            waiting.start()
            waiting.join(0.3)
            assert waiting.is_alive()
            assert "odd_analysis" in classified.get_field_schema()
        waiting.join(20)
        assert not waiting.is_alive()
    assert list_analyses(classified) == []
