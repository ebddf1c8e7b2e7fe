"""What the tab Overview shows: rows, sentences, and what the form of a step begins with."""

from __future__ import annotations

import pytest

from shortlist.core.next_steps import next_steps
from shortlist.core.rounds import Quality, Round
from shortlist.core.standing import Analyzed, BackTested, Issues, Labels, Reviewed, Scored, Selected, Standing, Vectors
from shortlist.operators.forms_select import START, Start, is_form
from shortlist.panels import overview_facts as facts
from shortlist.panels.numbers import DASH
from shortlist.panels.page import plain

AT = "2026-03-04T05:06:07"
PREDICTED = Labels("my_preds", "Classification", True, 1.0)
TRUE = Labels("ground_truth", "Classification", False, 0.254)


def test_what_there_is_with_names_that_markdown_would_take_for_markup():
    found = Standing(
        1234, labels=(PREDICTED, TRUE, Labels("old", "Detections", False, 0.0)), embeddings=(Vectors("a*b"),)
    )
    assert facts.there(found) == (
        r"**1,234 samples**; predictions: my\_preds; labels: ground\_truth (on about 25 % of the samples), old (on hardly any "
        r"sample); embeddings: a\*b"
    )
    assert facts.there(Standing(1)) == "**1 sample**"


def test_selections_newest_first():
    standing = Standing(
        100,
        selections=(
            Selected("old", 1000, ("TOP of a", "COVERAGE of b"), AT, ("labeled", "older"), gain=-0.2),
            Selected("new", 3, ("WEIGHTS of a",)),
            Selected("good", 3, (), gain=0.051),
        ),
        analyses=(Analyzed("old", is_current=False), Analyzed("new"), Analyzed("a tag")),
        rounds=(
            Round("old", 1000, "ground_truth", 990, gain=-0.2, qualities=(Quality("mAP", 0.4321, "eval_1"),)),
            Round("new", 3),
        ),
    )
    rows = facts.selection_rows(standing)
    assert rows[2] == {
        "name": "old: TOP of a, COVERAGE of b, on top of labeled, older, 2026-03-04 05:06",
        "size": "1,000",
        "labels": "990",
        "gain": "20 % farther",
        "quality": "mAP 0.432",
        "state": "outdated",
    }
    assert [row["gain"] for row in rows] == ["5.1 % nearer", DASH, "20 % farther"]
    assert [row["state"] for row in rows] == ["not yet", "done", "outdated"]
    assert all(set(row) == set(facts.SELECTIONS) for row in rows)


def test_rounds_in_a_sentence():
    assert facts.rounds_sentence(Standing(1)) == ""
    rounds = (
        Round(None, qualities=(Quality("mAP", 0.2, "eval_<0>"),)),
        Round("a", 10, "ground_truth", 10),
        Round("b", 20, "ground_truth", 5, qualities=(Quality("mAP", 0.35, "eval_1"),)),
    )
    assert facts.rounds_sentence(Standing(1, rounds=rounds)) == (
        f"Before the first: mAP 0.200; mAP went from 0.200 ({plain('eval_<0>')}) to 0.350 ({plain('eval_1')}); "
        f"15 of 30 selected samples have {plain('ground_truth')}."
    )


@pytest.mark.parametrize(
    ("review", "done", "state"),
    [
        (Reviewed("r", "gt", 50, 9, 2, AT), "41 of 50", "open, 2 disputed"),
        (Reviewed("r", "gt", 50, 0, created=AT, has_changes=True), "50 of 50", "not applied"),
        (Reviewed("r", "gt", 50, 0, created=AT, applied=AT), "50 of 50", "applied"),
        (
            Reviewed("r", "gt", 50, 0, created=AT, applied=AT, has_changes=True),
            "50 of 50",
            "applied, more was decided since",
        ),
        (Reviewed("r", None, 1500, 0, created=AT), "1,500 of 1,500", "done"),
    ],
)
def test_reviews_with_what_they_wait_for(review, done, state):
    (row,) = facts.review_rows(Standing(1, reviews=(review,)))
    of = " of gt" if review.label_field else ""
    assert row == {"name": f"r{of}, 2026-03-04 05:06", "done": done, "state": state}
    assert set(row) == set(facts.REVIEWS)


def test_issues_the_most_frequent_kind_first():
    issues = Issues("ground_truth", "preds", 2000, 31, {"missing": 3, "wrong_class": 30}, "ground_truth_issues")
    (row,) = facts.issue_rows(Standing(1, issues=(issues,)))
    assert row == {"of": "ground_truth, beside preds: 30 wrong class, 3 missing", "flagged": "31 of 2,000"}
    assert set(row) == set(facts.ISSUES)


def test_scores_by_their_short_names():
    scored = (
        Scored("score_uncertainty", ("preds",), ("preds_uncertainty_margin", "preds_uncertainty_entropy"), {}, AT),
        Scored("score_disagreement", ("a", "b"), ("disagreement_bald",), {}, None, False),
        Scored("score_images", (), ("image_quality",), {}),
    )
    rows = facts.score_rows(Standing(1, scored=scored))
    assert rows == [
        {"of": "Uncertainty of preds: margin, entropy", "made": "2026-03-04 05:06"},
        {"of": "Disagreement of a, b: disagreement bald (interrupted)", "made": DASH},
        {"of": "Image quality of images: image quality", "made": DASH},
    ]


def test_back_tests_newest_first():
    tests = (BackTested("b1", "truth", AT, "MARGIN pays"), BackTested("b2", "other", AT))
    assert facts.test_rows(Standing(1, back_tests=tests)) == [
        {"of": "other", "made": "2026-03-04 05:06"},
        {"of": "truth: MARGIN pays", "made": "2026-03-04 05:06"},
    ]


@pytest.mark.parametrize(
    ("scored", "expected"),
    [
        (Scored("score_uncertainty", ("p",), ("frames.p_u", "p_u"), {}), ("p_u", True)),
        (Scored("score_label_quality", ("t",), ("t_quality", "t_issue"), {}), ("t_quality", False)),
        (Scored("score_images", (), ("image_quality",), {}), ("image_quality.n_flags", True)),
        (Scored("score_uncertainty", ("p",), ("frames.p_u",), {}), None),
    ],
)
def test_what_asks_for_attention_comes_first(scored, expected):
    assert facts.sorted_by(scored) == expected


def test_every_step_s_form_begins_with_what_the_operator_takes():
    from shortlist.operators import OPERATORS

    models = {operator.verb: operator.model for operator in OPERATORS}
    standing = Standing(
        100,
        labels=(PREDICTED, Labels("other", "Classification", True), TRUE),
        embeddings=(Vectors("clip"),),
        scored=(Scored("score_images", (), ("image_quality",), {}, None, False),),
    )
    found = [step for step in next_steps(standing) if step.operator is not None and step.tab is None]
    assert {step.operator for step in found} >= {"score_uncertainty", "select_samples", "back_test", "score_images"}
    for step in found:
        form = facts.form_of(step)
        assert facts.verb_label(step.operator)
        if step.preset is None:
            models[step.operator].model_validate({**form, **_needed(step.operator)})


def _needed(operator: str) -> dict[str, object]:
    return {"config": {"n_samples": 1}} if operator == "select_samples" else {}


@pytest.mark.parametrize("labeled", [None, "labeled"])
def test_the_form_of_a_selection_begins_with_the_preset_and_its_datapool(labeled):
    standing = Standing(100, labels=(PREDICTED,), embeddings=(Vectors("clip"),), labeled=labeled)
    step = next(step for step in next_steps(standing) if step.operator == "select_samples")
    form = facts.form_of(step)
    # As the form names its own parts.
    assert is_form(form)
    assert (form[START], form["run_key"]) == ("next_batch", "round_1")
    expected = {} if labeled is None else {Start("next_batch", "").key: {"preselected": ["labeled"]}}
    assert {name: value for name, value in form.items() if name.startswith("config")} == expected
