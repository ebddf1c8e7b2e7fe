"""Starting a review of objects: which items it has, what is kept, what it refuses, and managing reviews."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import fiftyone as fo
import fiftyone.core.odm as odm
import pytest
from fiftyone import ViewField as F

import shortlist
from shortlist import ShortlistError, start_review
from shortlist.core.errors import Cancelled
from shortlist.core.review.items import Item
from shortlist.dataset.review import edits, kept

PLACE, BETTER = [0.1, 0.1, 0.5, 0.5], [0.2, 0.2, 0.5, 0.5]


def silent(*_: object) -> None:
    """No bar."""


def begin(samples: Any, key: str = "review_1", field: str | None = "gt", **how: Any) -> Any:
    return start_review(samples, key, field, progress=silent, **how)


def items(dataset: fo.Dataset, key: str = "review_1") -> list[Item]:
    return kept.load(dataset, key).items


class TestItems:
    def test_are_the_issues_in_order_of_severity(self, suspected):
        told = begin(suspected)
        first, second, third, _ = suspected
        (wrong, _), (spurious, _), (moved,) = (one.gt.detections for one in (first, second, third))
        (missing,), (better,) = (one.gt_suggestions.detections for one in (first, third))
        assert items(suspected) == [
            Item(second.id, "spurious", 0.05, spurious.id, given="car", box=tuple(PLACE)),
            Item(first.id, "wrong_class", 0.1, wrong.id, given="car", suggested="bike", box=tuple(PLACE)),
            Item(first.id, "missing", 0.2, suggestion=missing.id, suggested="bike", suggested_box=tuple(BETTER)),
            Item(
                third.id, "bad_location", 0.3, moved.id, better.id, "car", "car", tuple(PLACE), tuple(BETTER)
            ),
        ]  # fmt: skip
        assert told.view.values("id") == [second.id, first.id, third.id]
        assert (told.n_items, told.n_samples, told.n_found, told.n_unsuspected) == (4, 3, 4, 5)
        assert told.kinds == {"spurious": 1, "wrong_class": 1, "missing": 1, "bad_location": 1}
        assert told.headline == "Started the review 'review_1': 4 issues of 'gt' on 3 samples"
        assert kept.record_of(suspected, "review_1").classes == ["car", "person", "bike"]

    def test_are_those_of_a_view(self, suspected):
        begin(suspected.match_tags("late"))
        assert [one.kind for one in items(suspected)] == ["bad_location"]

    def test_are_those_of_a_source_whatever_it_runs_on(self, suspected):
        begin(suspected[:1], source="late")
        assert [one.kind for one in items(suspected)] == ["bad_location"]

    def test_are_those_labels_that_a_view_shows(self, suspected):
        begin(suspected.filter_labels("gt", F("label") == "person", only_matches=False), subject="labels", order="view")
        assert [one.given for one in items(suspected)] == ["person", "person"]
        assert items(suspected)[0].quality == 0.8

    def test_are_those_of_patches(self, suspected):
        patches = suspected.to_patches("gt").sort_by("gt.label")
        begin(patches, "all", subject="labels", order="view")
        assert [one.given for one in items(suspected, "all")] == ["bike"] * 2 + ["car"] * 4 + ["person"] * 2
        begin(patches.match(F("gt.label") == "car"), "cars")
        assert [one.kind for one in items(suspected, "cars")] == ["spurious", "wrong_class", "bad_location"]
        begin(suspected.to_patches("gt_suggestions"), "suggested")
        assert [one.kind for one in items(suspected, "suggested")] == ["missing", "bad_location"]

    def test_are_samples_as_a_whole_in_order_of_their_quality_or_rank(self, suspected):
        begin(suspected, "worst", subject="samples")
        assert [one.quality for one in items(suspected, "worst")] == [0.05, 0.1, 0.3, 0.9]
        ids = suspected.values("id")
        begin(suspected.sort_by("filepath", reverse=True), "plain", None, subject="samples", order="view")
        assert items(suspected, "plain") == [Item(sample) for sample in reversed(ids)]
        config = {"n_samples": 3, "strategies": [{"input": {"type": "RANDOM"}, "strategy": {"type": "WEIGHTS"}}]}
        picked = shortlist.select_samples(suspected, config, "round_1", progress=silent)
        begin(suspected, "ranked", None, subject="samples", source="round_1", order="view")
        assert [one.sample for one in items(suspected, "ranked")] == picked.ids

    def test_are_only_of_the_kinds_asked_for(self, suspected):
        told = begin(suspected, kinds=["missing", "duplicate"])
        assert [one.kind for one in items(suspected)] == ["missing"]
        assert told.notes == ["there are no issues of kind duplicate"]

    def test_come_in_the_order_of_the_view(self, suspected):
        """An index is not to change it."""
        suspected.create_index("gt_issue")
        begin(suspected, order="view")
        assert [one.kind for one in items(suspected)] == ["wrong_class", "missing", "spurious", "bad_location"]
        begin(suspected.sort_by("gt_quality", reverse=True), "turned", order="view", budget=3)
        assert [one.kind for one in items(suspected, "turned")] == ["bad_location", "wrong_class", "missing"]

    def test_come_once_from_a_view_that_shows_a_sample_twice(self, suspected):
        assert begin(suspected[:2].concat(suspected[:2])).n_items == 3

    def test_are_not_those_that_an_earlier_review_has_put_right(self, suspected):
        first, _, third, _ = suspected
        first.gt.detections[0].label = "bike"
        first.gt.detections.append(fo.Detection(label="bike", bounding_box=BETTER))
        third.gt.detections[0].bounding_box = BETTER
        first.save()
        third.save()
        told = begin(suspected)
        assert [one.kind for one in items(suspected)] == ["spurious"]
        assert told.notes == ["3 issues whose labels already are as was suggested: left out"]

    def test_without_the_label_that_a_better_place_is_for_cannot_be_accepted(self, suspected):
        """Labels scored before suggestions said so."""
        suspected.set_values("gt_suggestions.detections.given_id", [[None], [], [None], []])
        told = begin(suspected, kinds=["bad_location"])
        (one,) = items(suspected)
        assert (one.suggestion, one.suggested_box) == (None, None)
        assert told.notes == [
            "1 issues with a bad location and no better one that says which label it is for: run `score_label_quality` again"
        ]

    def test_of_deleted_samples_and_labels_are_gone(self, suspected):
        second = suspected.skip(1).first()
        second.gt.detections = []
        second.save()
        suspected.delete_samples(suspected.skip(2).first().id)
        assert begin(suspected).n_items == 2

    def test_may_be_of_labels_that_nobody_scored(self, make):
        dataset = make(
            [fo.Sample("/nowhere/a.png", gt=fo.Detections(detections=[fo.Detection(label="a", bounding_box=PLACE)]))]
        )
        begin(dataset, subject="labels")
        (one,) = items(dataset)
        assert (one.kind, one.quality, one.given, one.box) == (None, None, "a", tuple(PLACE))

    def test_of_labels_that_nobody_scored_have_no_quality_whatever_attributes_they_have(self, make):
        label = fo.Detection(label="cat", bounding_box=PLACE, quality="high", issue="blurry", suggestion="x")
        dataset = make([fo.Sample("/nowhere/1.png", gt=fo.Detections(detections=[label]))])
        begin(dataset, subject="labels")
        assert items(dataset) == [Item(dataset.first().id, label=label.id, given="cat", box=tuple(PLACE))]


class TestPlan:
    def test_a_budget_and_an_audit(self, suspected):
        told = begin(suspected, budget=4, audit=2, seed=3)
        found = items(suspected)
        assert [one.kind for one in found if not one.is_audit] == ["spurious", "wrong_class"]
        drawn = [one for one in found if one.is_audit]
        assert len(drawn) == 2
        assert all(one.kind is None and one.quality >= 0.8 for one in drawn)
        assert (told.n_found, told.n_audit, told.n_unsuspected) == (4, 2, 5)
        assert ("beyond the budget", "2 issues") in list(told.rows())
        facts = kept.record_of(suspected, "review_1").facts
        assert (facts["n_found"], facts["n_audit"], facts["n_unsuspected"]) == (4, 2, 5)
        assert facts["kinds_found"] == {"spurious": 1, "wrong_class": 1, "missing": 1, "bad_location": 1}

    def test_an_audit_of_more_than_there_are_takes_all_and_says_so(self, suspected):
        told = begin(suspected, audit=9)
        assert told.n_audit == 5
        assert told.notes == ["the audit has 5 of 9 labels: no more are unsuspected"]
        (last,) = suspected.skip(3)
        assert {one.id for one in last.gt.detections} < {one.label for one in items(suspected) if one.is_audit}

    def test_the_audit_is_of_the_view_alone(self, suspected):
        begin(suspected.to_patches("gt").match(F("gt.label") != "bike"), audit=9)
        assert sorted(one.given for one in items(suspected) if one.is_audit) == ["car", "person", "person"]

    def test_the_same_review_whatever_the_order_of_the_samples(self, suspected):
        how = {"audit": 2, "overlap": 0.5, "reviewers": ["Ann", "Bó"], "split": "round_robin", "group_by": "class"}
        begin(suspected, "one", **how)
        begin(suspected.shuffle(seed=5), "two", **how)
        assert items(suspected, "one") == items(suspected, "two")

    def test_names_have_no_space_around_them(self, suspected):
        assert begin(suspected, reviewers=[" Ann ", "Ben"], split="round_robin").reviewers == {"Ann": 2, "Ben": 2}
        assert shortlist.next_to_review(suspected, "review_1", " Ann ").number == 1

    def test_reviewers_are_told_apart(self, suspected):
        names = ["Ann", "Bó 🐦", "x.y", "$z"]
        told = begin(suspected, reviewers=names, split="round_robin")
        assert told.reviewers == dict.fromkeys(names, 1)
        assert [one.reviewers for one in items(suspected)] == [(name,) for name in names]
        assert told.view.values("review_1.reviewers") == [["Ann"], ["Bó 🐦", "x.y"], ["$z"]]
        free = begin(suspected, "free", reviewers=names)
        assert ("to decide", "whoever of Ann, Bó 🐦, x.y, $z is free takes the next item") in list(free.rows())


class TestKept:
    def test_labels_stay_as_they_are(self, suspected, documents):
        ours = ["review_1", "review_1_verdicts", "last_modified_at"]
        before = documents(suspected, without=ours)
        begin(suspected)
        assert documents(suspected, without=ours) == before
        first = suspected._sample_collection.find_one({"review_1.first": 2})
        assert first["review_1"] == {
            "_cls": "DynamicEmbeddedDocument", "first": 2, "n_items": 2, "n_open": 2, "status": "open",
            "kinds": ["wrong_class", "missing"], "reviewers": [],
        }  # fmt: skip
        assert first["review_1_verdicts"] == []

    def test_the_dataset_can_be_changed_and_labelled_as_before(self, suspected):
        """FiftyOne fails at a list of documents inside a document."""
        suspected.add_sample_field("own", fo.IntField)
        begin(suspected)
        suspected.rename_sample_field("own", "mine")
        suspected.delete_sample_field("mine")
        suspected.set_label_schemas(suspected.generate_label_schemas(["gt"]))
        suspected.activate_label_schemas(["gt"])
        copy = suspected.clone()
        try:
            assert [one.kind for one in items(copy)] == [one.kind for one in items(suspected)]
        finally:
            copy.delete()

    def test_deleting_leaves_nothing_and_touches_nothing_else(self, suspected, snapshot):
        begin(suspected, "other")
        before = snapshot(suspected)
        begin(suspected)
        shortlist.give_verdict(suspected, "review_1", 1, "accept", reviewer="Ann")
        shortlist.delete_review(suspected, "review_1")
        after = snapshot(suspected)
        for one in (before, after):
            for changing in ("last_modified_at", "_id"):
                one["dataset"].pop(changing)
            one["documents"] = sorted(one["documents"])
        assert after == before

    def test_deleting_that_was_killed_between_a_view_and_its_name_is_finished_and_takes_no_other_view(self, suspected):
        begin(suspected)
        suspected.save_view("mine", suspected.limit(1))
        database = odm.get_db_conn()
        database.views.delete_one({"_dataset_id": suspected._doc.id, "name": "review_1"})
        run = suspected._doc.runs["review_1"].id
        suspected.reload()
        shortlist.delete_review(suspected, "review_1")
        suspected.reload()
        assert (suspected.list_saved_views(), suspected.list_runs()) == (["mine"], [])
        assert database.runs.find_one({"_id": run}) is None
        begin(suspected)
        database.runs.delete_one({"_dataset_id": suspected._doc.id, "key": "review_1"})
        suspected.reload()
        begin(suspected)
        assert sorted(suspected.list_saved_views()) == ["mine", "review_1", "review_1_disputed"]

    def test_deleting_takes_the_records_of_its_changes_too(self, suspected):
        begin(suspected)
        shortlist.give_verdict(suspected, "review_1", 1, "accept", reviewer="Ann")
        shortlist.apply_review(suspected, "review_1", progress=silent)
        assert len(edits.records_of(suspected, "review_1")) == 1
        shortlist.delete_review(suspected, "review_1")
        assert (edits.records_of(suspected), suspected.list_runs()) == ([], [])
        assert len(suspected.skip(1).first().gt.detections) == 1

    def test_a_name_can_be_used_again_and_one_that_was_interrupted_too(self, suspected, monkeypatch):
        def broken(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(fo.Dataset, "register_run", broken)
            with pytest.raises(KeyboardInterrupt):
                begin(suspected)
        assert shortlist.list_reviews(suspected) == []
        begin(suspected[:1])
        assert [record.run_key for record in shortlist.list_reviews(suspected)] == ["review_1"]
        assert suspected.match(F("review_1.first") >= 1).count() == 1

    def test_cancelled_leaves_nothing(self, suspected, snapshot):
        def cancel(*_: object) -> None:
            raise Cancelled

        second = suspected.skip(1).first()
        second.gt.detections = [fo.Detection(label="car", bounding_box=PLACE, issue="spurious") for _ in range(1000)]
        second.save()
        before = snapshot(suspected)
        with pytest.raises(Cancelled):
            start_review(suspected, "review_1", "gt", progress=cancel)
        assert snapshot(suspected) == before

    def test_of_two_at_once_under_one_name_one_is_started(self, suspected):
        def one(_: int) -> object:
            try:
                return begin(suspected).n_items
            except ShortlistError as error:
                return str(error)

        with ThreadPoolExecutor(3) as people:
            told = sorted(map(str, people.map(one, range(3))), key=len)
        assert told[0] == "4"
        assert all(
            "is being written by another run" in one or "There is a review of that name" in one for one in told[1:]
        )
        assert len(items(suspected)) == 4

    def test_managing(self, suspected):
        begin(suspected)
        listed = shortlist.manage_reviews(suspected)
        assert listed.headline == "1 review(s)"
        ((name, said),) = listed.rows()
        assert name == "review_1"
        assert said.startswith("4 issues of 'gt'; 2")
        loaded = shortlist.manage_reviews(suspected, "load", "review_1")
        assert loaded.view.values("review_1.first") == [1, 2, 4]
        assert shortlist.load_review(suspected, "review_1").values("id") == loaded.view.values("id")
        assert suspected.load_saved_view("review_1").values("id") == loaded.view.values("id")
        gone = shortlist.manage_reviews(suspected, "delete", "review_1")
        assert (gone.headline, gone.records) == ("Deleted 'review_1'", [])
        assert gone.gone == ("review_1", "review_1_disputed")


def test_items_are_kept_as_json_in_little_space(suspected):
    begin(suspected)
    held = json.loads(suspected.load_run_results("review_1", cache=False).items)
    assert held["kind"] == ["spurious", "wrong_class", "missing", "bad_location"]
    assert [held[name] for name in ("opinions", "reviewers")] == [[1] * 4, [[]] * 4]
