"""explain_selection: why these samples were picked, or why not."""

from __future__ import annotations

import time

import fiftyone as fo
import numpy as np
import pytest
from fiftyone import ViewField as F

from shortlist import ShortlistError, explain_selection, score_uncertainty, select_samples

HOUR = {"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "WEIGHTS"}}
DIVERSITY = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}


def config(*strategies: dict, n: int = 3, **more) -> dict:
    return {"n_samples": n, "strategies": list(strategies or [HOUR]), **more}


def outcomes(explanation) -> list[str]:
    return [one.outcome for one in explanation.samples]


def test_each_sample_has_a_reason(classified):
    select_samples(classified, config(HOUR, DIVERSITY), "round_1")
    explanation = explain_selection(classified, "round_1")
    picked = classified.exists("round_1")
    assert [one.sample_id for one in explanation.samples] == classified.values("id")
    assert [one.sample_id for one in explanation.samples if one.outcome == "picked"] == picked.values("id")
    assert [one.rank for one in explanation.samples if one.rank] == picked.values("round_1.rank")
    assert set(outcomes(explanation)) == {"picked", "outbid"}
    assert explanation.headline == "3 of 12 samples asked about were picked in 'round_1'"
    rows = dict(explanation.rows())
    assert list(rows) == [f"{row:02d}.png" for row in range(12)]
    assert all(len(sentence) > 20 for sentence in rows.values())
    assert explanation.notes == []


def test_a_picked_one_says_its_rank_and_what_spoke_for_it(classified):
    select_samples(classified, config(), "round_1")
    explanation = explain_selection(classified.skip(10), "round_1")
    assert [one.sentence for one in explanation.samples] == [
        "It was picked, as number 2; WEIGHTS of hour spoke most for it.",
        "It was picked, as number 1; WEIGHTS of hour spoke most for it.",
    ]


def test_an_outbid_one_names_what_was_better(classified):
    select_samples(classified, config(), "round_1")
    explanation = explain_selection(classified.skip(8).limit(1), "round_1")
    ((one,),) = [explanation.samples]
    assert one.outcome == "outbid"
    # Hour 8 came closest to the third pick, hour 9, and would be next.
    assert (one.reason.closest, explanation.ids[one.reason.winner]) == (3, classified.skip(9).first().id)
    assert one.reason.ahead == 0


def test_a_refused_one_names_the_rule(classified):
    rule = {"type": "MAX_PER_GROUP", "key": "weather", "maximum": 1}
    select_samples(classified, config(n=2, constraints=[rule]), "round_1")
    (one,) = explain_selection(classified.skip(9).limit(1), "round_1").samples
    assert one.outcome == "refused"
    assert "at most 1 per weather" in one.sentence


def test_those_that_could_not_be_picked(classified):
    classified.set_values("score", [None, *range(11)])
    classified.save_view("first ten", classified.limit(10))
    low = {"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "THRESHOLD", "threshold": 4}}
    given = config(
        {"input": {"type": "METADATA", "key": "score"}, "strategy": {"type": "WEIGHTS"}},
        low,
        n=2,
        candidates="first ten",
        preselected="odd",
    )
    select_samples(classified.match(F("hour") != 2), given, "round_1")
    told = {name: (one.outcome, one.sentence) for name, one in zip(
        range(12), explain_selection(classified, "round_1").samples, strict=True
    )}  # fmt: skip
    assert told[0] == ("not eligible", "It could not be picked: it is without a value for WEIGHTS of score.")
    assert told[1] == ("in the datapool", "It is in the datapool, which is never picked again.")
    assert told[2] == ("no candidate", "It is not in the view that the selection was made from and 'first ten'.")
    assert told[4][0] == "outbid"
    assert (told[6][0], told[8][0]) == ("picked", "picked")
    assert told[10][0] == "no candidate"


def test_beyond_a_threshold(classified):
    low = {"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "THRESHOLD", "threshold": 4}}
    select_samples(classified, config(HOUR, low, n=2), "round_1")
    (one,) = explain_selection(classified.limit(1), "round_1").samples
    assert (one.outcome, one.sentence) == (
        "not eligible",
        "It could not be picked: it is beyond the THRESHOLD of hour.",
    )


def test_scores_are_not_computed_again(classified):
    score = {"type": "SCORES", "task": "predictions", "score": "uncertainty_margin"}
    score_uncertainty(classified, "predictions")
    select_samples(classified, config({"input": score, "strategy": {"type": "WEIGHTS"}}), "round_1")
    before = classified.values("last_modified_at")
    explain_selection(classified, "round_1")
    classified.reload()
    assert classified.values("last_modified_at") == before


class TestWhatHasChangedSince:
    def test_picks_that_are_labelled_by_now(self, classified):
        """That the picks are in the datapool by now does not take them out of the run."""
        classified.limit(2).tag_samples("done")
        select_samples(classified, config(preselected="done"), "round_1")
        classified.exists("round_1").tag_samples("done")
        explanation = explain_selection(classified, "round_1")
        assert outcomes(explanation) == ["in the datapool"] * 2 + ["outbid"] * 7 + ["picked"] * 3
        assert explanation.notes == []

    def test_picks_that_left_the_view(self, classified):
        """A view of what is still to do holds them no more."""
        select_samples(classified.match(F("hour") >= 6), config(), "round_1")
        picked = classified.exists("round_1")
        hours = picked.values("hour")
        classified.set_values("todo", [True] * 12)
        assert (
            outcomes(explain_selection(classified, "round_1")) == ["no candidate"] * 6 + ["outbid"] * 3 + ["picked"] * 3
        )
        assert hours == [9, 10, 11]

    def test_samples_that_came_later(self, classified):
        select_samples(classified, config(), "round_1")
        time.sleep(1.1)
        classified.add_sample(fo.Sample("/nowhere/new.png", hour=99))
        (one,) = explain_selection(classified.skip(12), "round_1").samples
        assert (one.outcome, one.sentence) == ("no candidate", "It came after the selection was made.")

    def test_values(self, classified):
        select_samples(classified, config(), "round_1")
        classified.set_values("hour", list(range(12))[::-1])
        with pytest.raises(ShortlistError, match="the values have changed since the selection"):
            explain_selection(classified.limit(2), "round_1")

    def test_a_larger_datapool_is_said(self, classified):
        classified.limit(1).tag_samples("done")
        select_samples(classified, config(preselected="done"), "round_1")
        classified.limit(3).tag_samples("done")
        assert explain_selection(classified, "round_1").notes == [
            "there are 9 candidates now, and were 11 when the selection was made",
            "there are 3 samples in the datapool now, and were 1 when the selection was made",
        ]

    def test_picks_that_were_deleted(self, classified):
        select_samples(classified, config(), "round_1")
        classified.delete_samples(classified.skip(11))
        with pytest.raises(ShortlistError, match=r"must have its 3 picks\. Got 2 instead; the others were deleted"):
            explain_selection(classified, "round_1")


def test_a_partial_run(classified):
    rule = {"type": "MAX_PER_GROUP", "key": "weather", "maximum": 1}
    assert select_samples(classified, config(n=7, constraints=[rule]), "round_1").n_samples == 2
    explanation = explain_selection(classified, "round_1")
    assert outcomes(explanation) == ["refused"] * 10 + ["picked"] * 2


def test_sequences(classified):
    select_samples(classified, config(n=4, selected_sequence_length=4), "round_1")
    explanation = explain_selection(classified, "round_1")
    assert outcomes(explanation) == ["outbid"] * 8 + ["picked"] * 4
    assert explanation.samples[0].sentence.startswith("Of its sequence of 4: ")
    assert [one.rank for one in explanation.samples[8:]] == [1, 2, 3, 4]


def test_left_over_frames(classified):
    select_samples(classified, config(n=5, selected_sequence_length=5), "round_1")
    explanation = explain_selection(classified.skip(10), "round_1")
    assert [one.sentence for one in explanation.samples] == [
        "Of its sequence of 5: It could not be picked: it is in no whole sequence of 5."
    ] * 2


@pytest.mark.parametrize(("key", "sentence"), [("rond_1", "Did you mean 'round_1'?"), ("x", "It has round_1.")])
def test_no_such_selection(classified, refused, key, sentence):
    select_samples(classified, config(), "round_1")
    start = f"run_key must be a selection of {classified.name!r}. Got {key!r} instead. {sentence}"
    with refused(classified, start):
        explain_selection(classified, key)


def test_nothing_is_written(classified, snapshot):
    select_samples(classified, config(HOUR, DIVERSITY), "round_1")
    before = snapshot(classified)
    explain_selection(classified, "round_1")
    assert snapshot(classified) == before


def test_too_many_at_once(classified, monkeypatch):
    monkeypatch.setattr("shortlist.api.explaining._MOST", 5)
    select_samples(classified, config(), "round_1")
    with pytest.raises(ShortlistError, match=r"the samples must be at most 5 to be explained at once\. Got 12 instead"):
        explain_selection(classified, "round_1")


def test_vectors_tell_the_nearest(classified):
    select_samples(classified, config(DIVERSITY), "round_1")
    vectors = dict(zip(*classified.values(["id", "clip"]), strict=True))
    picked = classified.exists("round_1").values("id")
    for one in explain_selection(classified, "round_1").samples:
        if one.outcome != "picked":
            gaps = [np.linalg.norm(vectors[one.sample_id] - vectors[other]) for other in picked]
            assert one.reason.distance == pytest.approx(min(gaps), rel=1e-5)
