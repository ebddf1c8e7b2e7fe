"""Cancelled, crashed, killed and simultaneous runs: nothing half-done looks finished, and the next run mends it."""

from __future__ import annotations

import os
import signal

import fiftyone.core.odm as odm
import pytest

from shortlist import ShortlistError, delete_selection, list_selections, score_uncertainty, select_samples
from shortlist.core.errors import Cancelled
from shortlist.dataset.reservation import reserved
from shortlist.dataset.results import Staging, is_complete, mark_of

CONFIG = {
    "n_samples": 3,
    "strategies": [{"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "WEIGHTS"}}],
}
SCORE = "predictions_uncertainty_margin"


def score(dataset, **more):
    return score_uncertainty(dataset, "predictions", scores=["uncertainty_margin"], **more)


def select(dataset, **more):
    return select_samples(dataset, CONFIG, "round_1", **more)


VERBS = pytest.mark.parametrize("verb", [score, select])


def stopping(error: BaseException):
    def progress(done, total, label=""):
        raise error

    return progress


@VERBS
@pytest.mark.parametrize("error", [Cancelled(), KeyboardInterrupt()], ids=["cancelled", "Ctrl+C"])
def test_stopped_before_the_end_nothing_is_written(classified, snapshot, verb, error):
    before = snapshot(classified)
    with pytest.raises(type(error)):
        verb(classified, progress=stopping(error))
    assert snapshot(classified) == before
    verb(classified)


def test_cancelled_says_so():
    assert str(Cancelled()) == "Cancelled. Nothing was written."


@VERBS
def test_ctrl_c_while_results_are_merged_waits_for_them(classified, monkeypatch, verb):
    merge = Staging.merge

    def interrupted(self, *update):
        os.kill(os.getpid(), signal.SIGINT)
        merge(self, *update)

    monkeypatch.setattr(Staging, "merge", interrupted)
    with pytest.raises(KeyboardInterrupt):
        verb(classified)
    if verb is select:
        assert list_selections(classified)[0].n_samples == 3
        assert classified.load_saved_view("round_1").values("hour") == [11, 10, 9]
    else:
        assert is_complete(classified, SCORE)
        assert None not in classified.values(SCORE)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.fixture
def crashing(monkeypatch):
    """Lets the next merge fail, before or after the results are in."""

    def arm(after: bool) -> None:
        merge = Staging.merge

        def crash(self, *update):
            monkeypatch.setattr(Staging, "merge", merge)
            if after:
                merge(self, *update)
            raise RuntimeError("the database is gone")

        monkeypatch.setattr(Staging, "merge", crash)

    return arm


@pytest.mark.parametrize("after", [False, True], ids=["before the merge", "after the merge"])
def test_a_crashed_selection_is_none_and_the_next_run_mends_it(classified, crashing, documents, after):
    crashing(after)
    with pytest.raises(RuntimeError):
        select(classified)
    classified.reload()
    assert (list_selections(classified), classified.list_saved_views()) == ([], [])
    assert mark_of(classified, "round_1")["status"] == "writing"
    assert not staged()
    result = select_samples(classified, {**CONFIG, "n_samples": 2}, "round_1")
    assert result.view.values("hour") == [11, 10]
    assert classified.match_tags("round_1").values("hour") == [10, 11]
    assert [why and why["rank"] for why in classified.values("round_1")] == [None] * 10 + [2, 1]
    assert mark_of(classified, "round_1")["status"] == "complete"


def test_a_crash_before_the_record_is_mended_too(classified, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(type(classified), "register_run", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            select(classified)
    assert list_selections(classified) == []
    assert select(classified).view.values("hour") == [11, 10, 9]
    delete_selection(classified, "round_1")
    assert classified.count_sample_tags() == {"even": 6, "odd": 6}


@pytest.mark.parametrize("after", [False, True], ids=["before the merge", "after the merge"])
def test_a_crashed_score_is_not_complete_and_the_next_run_mends_it(classified, crashing, after):
    crashing(after)
    with pytest.raises(RuntimeError):
        score(classified)
    classified.reload()
    assert not is_complete(classified, SCORE)
    assert not staged()
    score(classified)
    assert is_complete(classified, SCORE)
    assert None not in classified.values(SCORE)


def test_a_score_that_was_not_finished_is_computed_again_by_a_selection(classified, crashing):
    crashing(False)
    with pytest.raises(RuntimeError):
        score(classified)
    source = {"type": "SCORES", "task": "predictions", "score": "uncertainty_margin"}
    config = {"n_samples": 1, "strategies": [{"input": source, "strategy": {"type": "WEIGHTS"}}]}
    assert select_samples(classified, config, "round_1").notes == [
        f"computed {SCORE} of {len(classified)} samples first"
    ]


@pytest.mark.parametrize(
    ("verb", "name"), [(score, "scores of predictions"), (select, "the selection round_1")], ids=["score", "select"]
)
def test_two_at_once(classified, refused, verb, name):
    import socket

    with reserved(classified, name):
        sentence = (
            f"{name!r} is being written by another run (process {os.getpid()} on {socket.gethostname()}). "
            f"Try again when it has finished."
        )
        with refused(classified, sentence):
            verb(classified)
    verb(classified)


def test_two_of_different_names_at_once(classified):
    with reserved(classified, "the selection round_2"):
        assert select(classified).n_samples == 3


def test_deleting_waits_for_nobody(classified):
    select(classified)
    with reserved(classified, "the selection round_1"), pytest.raises(ShortlistError, match="is being written by"):
        delete_selection(classified, "round_1")
    assert len(list_selections(classified)) == 1


def staged() -> list[str]:
    return [name for name in odm.get_db_conn().list_collection_names() if name.startswith("shortlist.staging.")]
