"""The operators start_review and manage_reviews: forms, live and delegated runs."""

from __future__ import annotations

from typing import Any

import fiftyone as fo
import pytest
from fiftyone.operators.delegated import DelegatedOperationService
from fiftyone.operators.executor import ExecutionRunState

import shortlist
from shortlist.core.schema import EMPTY_FIELD, NEW_REVIEW, REVIEW
from shortlist.core.verbs import StartReview
from shortlist.dataset.review import kept
from shortlist.dataset.sources import choices

NAME = "start_review"


def _suspected(make: Any) -> fo.Dataset:
    """Thirty images: two labels of each third one are suspected, and one is not."""

    def one(issue: str | None, quality: float) -> fo.Detection:
        return fo.Detection(
            label="car", bounding_box=[0.1, 0.1, 0.2, 0.2], issue=issue, quality=quality, suggestion=None
        )

    samples = []
    for row in range(30):
        wrong = row % 3 == 0
        found = [one("spurious" if wrong else None, 0.1), one("duplicate" if wrong else None, 0.2), one(None, 0.9)]
        samples.append(
            fo.Sample(
                f"/nowhere/{row}.png",
                gt=fo.Detections(detections=found),
                pred=fo.Classification(label="car", confidence=0.5),
                gt_issue="spurious" if wrong else None,
                gt_quality=0.1 if wrong else 0.9,
                gt_suggestions=fo.Detections(),
                tags=["night"],
            )
        )
    dataset = make(samples)
    for path in ("gt_issue", "gt_suggestions"):
        field = dataset.get_field(path)
        field.info = {"shortlist": {"verb": "score_label_quality", "status": "complete"}}
        field.save()
    return dataset


@pytest.fixture
def suspected(make):
    return _suspected(make)


@pytest.fixture(scope="module")
def unchanged(make_lasting):
    return _suspected(make_lasting)


def meaning(drawn: dict) -> str:
    return drawn["meaning"]["view"]["label"]


class TestForm:
    def test_begins_with_the_labels_whose_errors_were_looked_for_and_counts_them(self, form, unchanged):
        drawn = form(NAME, unchanged)
        assert (drawn["run_key"]["default"], drawn["label_field"]["default"]) == ("review_1", "gt")
        assert meaning(drawn) == "The review will have 20 issues (10 duplicate, 10 spurious)."
        assert "problem" not in drawn

    def test_asks_for_every_parameter_once(self, form, unchanged):
        drawn = form(NAME, unchanged)
        names = [*drawn, *drawn["more"]["type"]["properties"]]
        assert sorted({*names} - {"more", "meaning"}) == sorted(StartReview.model_fields)
        offered = [choice["value"] for choice in drawn["kinds"]["view"]["choices"]]
        assert offered == ["missing", "spurious", "wrong_class", "bad_location", "duplicate"]
        assert drawn["reviewers"]["view"]["name"] == "AutocompleteView"

    def test_says_what_a_budget_and_an_audit_make_of_it(self, form, sent, unchanged):
        chosen = sent(NAME, unchanged, {"budget": 7, "reviewers": ["Ann", "Bó"], "more": {"audit": 2}})
        told = "The review will have 5 of 20 issues (10 duplicate, 10 spurious), and 2 that are not suspected for 2 reviewers."
        assert meaning(form(NAME, unchanged, chosen)) == told

    def test_counts_other_subjects(self, form, sent, unchanged):
        labels = sent(NAME, unchanged, {"subject": "labels"})
        assert meaning(form(NAME, unchanged, labels)) == (
            "The review will have 90 labels (70 not suspected, 10 duplicate, 10 spurious)."
        )
        samples = sent(NAME, unchanged, {"subject": "samples"})
        assert meaning(form(NAME, unchanged, samples)) == "The review will have 30 samples."

    def test_says_what_is_missing_and_how_to_get_it(self, form, sent, make):
        bare = make([fo.Sample("/nowhere/a.png", gt=fo.Classification(label="a"))])
        drawn = form(NAME, bare, sent(NAME, bare))
        assert drawn["wrong"]["view"]["label"].startswith(
            "label_field must have label issues to review. Got 'gt', which was"
        )
        assert "Run `score_label_quality` first" in drawn["wrong"]["view"]["label"]
        assert drawn["wrong"]["invalid"] is True

    def test_says_what_does_not_go_together(self, form, sent, unchanged):
        drawn = form(NAME, unchanged, sent(NAME, unchanged, {"split": "round_robin"}))
        assert drawn["problem"]["view"]["label"] == "reviewers must be given to split by 'round_robin'."
        assert "meaning" not in drawn


class TestRuns:
    def test_what_the_form_sends_starts_the_review(self, operator, context, sent, suspected):
        chosen = sent(NAME, suspected, {"reviewers": ["Ann", "Bó"], "split": "round_robin", "more": {"audit": 4}})
        steps = list(operator(NAME).execute(context(NAME, suspected, chosen)))
        assert len(steps) > 3
        suspected.reload()
        (record,) = shortlist.list_reviews(suspected)
        assert (record.run_key, record.n_items) == ("review_1", 24)
        found = kept.load(suspected, "review_1").items
        assert [item.reviewers for item in found[:2]] == [("Ann",), ("Bó",)]
        assert sum(item.is_audit for item in found) == 4

    def test_it_is_called_from_python(self, operator, suspected):
        made = operator(NAME)(suspected, "mine", "gt", kinds=["duplicate"])
        assert made.n_items == 10
        # The App's copy of the code has errors of its own.
        with pytest.raises(ValueError, match="subjekt is not known"):
            operator(NAME)(suspected, "other", "gt", subjekt="labels")

    def test_delegated(self, operator, suspected):
        service = DelegatedOperationService()
        result = operator(NAME)(suspected, "later", "gt", budget=3, delegate=True)
        operation = service.get(result.result["id"])
        service.execute_operation(operation)
        assert service.get(operation.id).run_state == ExecutionRunState.COMPLETED
        suspected.reload()
        assert shortlist.list_reviews(suspected)[0].n_items == 3

    def test_managing(self, operator, context, form, suspected):
        assert "This dataset has no reviews yet" not in str(form("manage_reviews", suspected))
        lacking = form("manage_reviews", suspected, {"action": "load"})["problem"]["view"]["label"]
        assert lacking == "run_key must be given to load a review."
        shortlist.start_review(suspected, "first", "gt")
        assert [one["value"] for one in form("manage_reviews", suspected)["run_key"]["view"]["choices"]] == [
            "",
            "first",
        ]
        for action in ("list", "load", "delete"):
            params = {"action": action, "run_key": "first"}
            list(operator("manage_reviews").execute(context("manage_reviews", suspected, params)))
        assert operator("manage_reviews")(suspected).records == []


class TestSources:
    def test_names_are_proposed_that_are_free(self, suspected):
        assert choices(NEW_REVIEW, suspected) == ["review_1"]
        assert choices(EMPTY_FIELD, suspected) == ["gt_reviewed"]
        suspected.add_sample_field("gt_reviewed", fo.StringField)
        assert choices(EMPTY_FIELD, suspected) == ["gt_reviewed_2"]
        shortlist.start_review(suspected, "review_1", "gt")
        assert choices(NEW_REVIEW, suspected) == ["review_2"]
        shortlist.start_review(suspected, "later", "gt")
        assert choices(REVIEW, suspected) == ["later", "review_1"]

    def test_a_name_for_a_copy_is_shown_and_not_taken(self, form, suspected):
        """Nothing given means that the labels themselves are changed."""
        shortlist.start_review(suspected, "review_1", "gt")
        shown = form("apply_review", suspected)["output_field"]
        assert "default" not in shown or shown["default"] is None
        assert shown["view"]["placeholder"] == "such as gt_reviewed"
