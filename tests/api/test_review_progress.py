"""How far a review is: counts, people, agreement and estimates, from verdicts that were really given."""

from __future__ import annotations

import re

import fiftyone as fo
import pytest

from shortlist import ShortlistError, apply_review, give_verdict, review_progress, undo_review
from shortlist.core.review.items import Item
from shortlist.dataset.review import kept

KEY = "review_1"


@pytest.fixture
def started(make):
    """Thirty samples with a label each, of which twenty are suspected and five are of the audit."""
    dataset = make([fo.Sample(f"/nowhere/{row:02d}.png", gt=fo.Classification(label="cat")) for row in range(30)])
    ids, labels = dataset.values("id"), dataset.values("gt.id")
    items = [
        Item(
            ids[row],
            ["wrong_class", "outlier"][row % 2],
            row / 50,
            label=labels[row],
            given="cat",
            suggested="dog",
            reviewers=("ann", "Zoë") if row < 4 else ("ann",),
            opinions=2 if row < 4 else 1,
        )
        for row in range(20)
    ]
    items += [Item(ids[row], label=labels[row], given="cat", is_audit=True) for row in range(20, 25)]
    about = {"label_field": "gt", "subject": "issues", "classes": ["cat", "dog"], "parameters": {}}
    kept.write(dataset, KEY, items, facts={"n_unsuspected": 10}, **about)
    return dataset


def decide(dataset, number, decision, reviewer="ann", **more):
    give_verdict(dataset, KEY, number, decision, reviewer=reviewer, **more)


def counts(status):
    return {state: count for state, count in status.states.items() if count}


def test_before_anybody_decided(started):
    status = review_progress(started, KEY)
    assert (status.n_items, counts(status), status.decisions, status.n_wrong) == (25, {"open": 25}, {}, 0)
    assert (status.agreement, status.precisions, status.precision) == (None, (), None)
    assert (status.remaining, status.unsuspected, status.hint.advice) == (None, None, "too_early")
    assert [(one.reviewer, one.n_verdicts, one.n_left) for one in status.activities] == [("Zoë", 0, 4), ("ann", 0, 20)]
    assert str(status).startswith("Review 'review_1': 0 of 25 items decided, 0 errors found")


def test_what_verdicts_tell(started, snapshot):
    for number in range(1, 5):
        decide(started, number, "accept")
        decide(started, number, "accept" if number < 3 else "keep", "Zoë")
    for number in range(5, 16):
        decide(started, number, "accept" if number % 2 else "keep")
    decide(started, 16, "not_sure", comment="😀 {} $set")
    decide(started, 17, "skip")
    for number in range(21, 25):
        decide(started, number, "keep")
    before = snapshot(started)
    status = review_progress(started.limit(3), KEY)
    assert snapshot(started) == before
    assert counts(status) == {"open": 5, "decided": 17, "disputed": 2, "unsure": 1}
    assert status.decisions == {"keep": 9, "accept": 8}
    assert (status.n_wrong, status.n_gone, status.n_applied, status.n_to_apply) == (8, 0, 0, 8)
    assert (status.agreement.n_items, status.agreement.share) == (4, 0.5)
    assert [(pair.first, pair.second, pair.n_items) for pair in status.agreement.pairs] == [("Zoë", "ann", 4)]
    # Odd numbers are of wrong_class: all that are decided were errors but none of the disputed counts.
    assert {(one.kind, one.n_wrong, one.n_decided) for one in status.precisions} == {
        ("wrong_class", 7, 7),
        ("outlier", 1, 6),
    }
    assert (status.precision.n_wrong, status.precision.n_decided) == (8, 13)
    assert (status.remaining.n_items, status.remaining.next_items) == (7, 4)
    assert 0 <= status.remaining.errors.low <= status.remaining.errors.value <= status.remaining.errors.high <= 7
    assert (status.unsuspected.n_labels, status.unsuspected.n_audited, status.unsuspected.n_wrong) == (10, 4, 0)
    assert status.hint.advice == "go_on"
    assert status.disputed.values("id") == started.values("id")[2:4]
    ann = status.activities[0]
    assert (ann.reviewer, ann.n_verdicts, ann.n_not_sure, ann.n_skipped, ann.n_left) == ("ann", 21, 1, 1, 4)
    text = str(status)
    for said in (
        "agreement",
        "Zoë and ann",
        "wrong class",
        "all kinds",
        "audit",
        "hint",
        "5 open, 2 disputed, 1 that nobody",
    ):
        assert said in text


def test_settling_decides_and_is_no_opinion(started):
    decide(started, 1, "accept")
    decide(started, 1, "keep", "Zoë")
    assert counts(review_progress(started, KEY)) == {"open": 24, "disputed": 1}
    decide(started, 1, "accept", "chief", is_final=True)
    status = review_progress(started, KEY)
    assert (counts(status), status.n_wrong) == ({"open": 24, "decided": 1}, 1)
    assert (status.agreement.n_items, status.agreement.share) == (1, 0)
    assert [one.n_final for one in status.activities if one.reviewer == "chief"] == [1]
    assert len(status.disputed) == 0


def test_what_is_applied_and_undone(started):
    for number in (5, 7):
        decide(started, number, "accept")
    decide(started, 6, "edited")
    apply_review(started, KEY, progress=lambda *_: None)
    status = review_progress(started, KEY)
    assert (status.n_applied, status.n_to_apply) == (2, 0)
    decide(started, 9, "relabel", label="dog")
    assert review_progress(started, KEY).n_to_apply == 1
    undo_review(started, KEY, progress=lambda *_: None)
    status = review_progress(started, KEY)
    assert (status.n_applied, status.n_to_apply) == (0, 3)


def test_deleted_samples(started):
    decide(started, 5, "accept")
    started.delete_samples(started.values("id")[4:6])
    status = review_progress(started, KEY)
    assert (status.n_gone, counts(status), status.n_wrong) == (2, {"open": 23}, 0)
    assert "2 of deleted samples" in str(status)
    started.delete_samples(started)
    status = review_progress(started, KEY)
    assert (status.n_gone, sum(status.states.values())) == (25, 0)


def test_no_such_review(started):
    with pytest.raises(ShortlistError, match=re.escape("run_key must be a review of")) as refused:
        review_progress(started, "review_2")
    assert "Did you mean 'review_1'?" in str(refused.value)


def test_from_python_by_the_operators_name(started):
    import fiftyone.operators as foo

    assert foo.get_operator("@shortlist/curation/review_progress")(started, KEY).n_items == 25
