"""The whole cycle on real data: handwritten digits with wrong labels planted, reviewed by somebody who knows the truth."""

from __future__ import annotations

import bson
import fiftyone as fo
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from shortlist import (
    apply_review,
    give_verdict,
    next_to_review,
    review_progress,
    score_label_quality,
    start_review,
    undo_review,
)

N, KEY = 600, "review_1"
OURS = (KEY, f"{KEY}_verdicts", "last_modified_at")
RNG = np.random.default_rng(51)
WRONG = np.sort(RNG.choice(N, 30, replace=False))


def silent(*_: object) -> None:
    """No bar."""


@pytest.fixture(scope="module")
def truth():
    return load_digits().target[:N]


@pytest.fixture(scope="module")
def digits(make_lasting, truth):
    """Labels of which thirty are wrong, and a model's predictions out of sample, learned from just these labels."""
    given = truth.copy()
    given[WRONG] = (truth[WRONG] + RNG.integers(1, 10, len(WRONG))) % 10
    images = load_digits().data[:N] / 16
    probabilities = cross_val_predict(LogisticRegression(max_iter=300), images, given, cv=5, method="predict_proba")
    samples = [
        fo.Sample(
            f"/nowhere/{row}.png",
            row=row,
            gt=fo.Classification(label=str(given[row]), note="né"),
            predictions=fo.Classification(label=str(one.argmax()), probabilities=one.tolist()),
        )
        for row, one in enumerate(probabilities)
    ]
    return make_lasting(samples, classes={"predictions": [str(digit) for digit in range(10)]})


def stored(dataset):
    return {one["row"]: one for one in dataset._sample_collection.find()}


def test_what_is_found_and_decided_is_corrected_and_nothing_else(digits, truth):
    score_label_quality(digits, "gt", "predictions", progress=silent)
    start_review(digits, KEY, "gt", audit=60, progress=silent)
    before, rows = stored(digits), {str(one["_id"]): row for row, one in stored(digits).items()}
    flagged = set()
    while (shown := next_to_review(digits, KEY, "oracle")) is not None:
        row = rows[shown.sample_id]
        if not shown.item.is_audit:
            flagged.add(row)
        right = str(truth[row])
        decision, label = ("keep", None) if shown.item.given == right else ("relabel", right)
        give_verdict(digits, KEY, shown.number, decision, reviewer="oracle", label=label, comment="„gewiß“ 🐦")
    status, found = review_progress(digits, KEY), flagged & set(WRONG.tolist())
    # A plain model finds most of them, and not much else.
    assert len(found) >= 24
    assert status.precision.n_wrong == len(found)
    assert status.unsuspected.errors.low <= len(set(WRONG.tolist()) - found) <= status.unsuspected.errors.high
    assert apply_review(digits, KEY, progress=silent).left == {}
    after = stored(digits)
    assert all(after[row]["gt"]["label"] == str(truth[row]) for row in found)
    for row, one in after.items():
        was = before[row]
        changed = {key for key in was if bson.encode({"": was[key]}) != bson.encode({"": one[key]})} - set(OURS)
        assert changed == ({"gt"} if was["gt"]["label"] != one["gt"]["label"] else set())
        assert {**one["gt"], "label": None} == {**was["gt"], "label": None}
    undo_review(digits, KEY, progress=silent)
    assert all(bson.encode(one["gt"]) == bson.encode(before[row]["gt"]) for row, one in stored(digits).items())
