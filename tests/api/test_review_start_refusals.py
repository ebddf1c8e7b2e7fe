"""What start_review refuses: one sentence, and the dataset stays as it is."""

from __future__ import annotations

from typing import Any

import fiftyone as fo
import pytest

import shortlist
from shortlist import ShortlistError, start_review
from shortlist.api.review import material
from shortlist.dataset.review import edits


def silent(*_: object) -> None:
    """No bar."""


def begin(samples: Any, key: str = "review_1", field: str | None = "gt", **how: Any) -> Any:
    return start_review(samples, key, field, progress=silent, **how)


class TestBadInput:
    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            ({"field": "gtt"}, "label_field must be a field of {name!r}. Got 'gtt' instead. Did you mean 'gt'?"),
            ({"field": None}, "label_field must be given to review issues."),
            ({"field": ""}, "label_field must be given to review issues."),
            ({"budget": 3, "audit": 3}, "audit must be smaller than the budget, 3, of which it is a part."),
            (
                {"subject": "labels", "audit": 3},
                "audit must be 0 where labels are reviewed: what is not suspected, issues tell.",
            ),
            ({"split": "round_robin"}, "reviewers must be given to split by 'round_robin'."),
            ({"reviewers": ["a", " "]}, "reviewers: must be the name of a person. Got an empty text instead."),
            ({"reviewers": ["a", "a "]}, "reviewers must be different ones."),
            ({"reviewers": ["a"], "overlap": 0.1}, "opinions must be at most the number of reviewers, 1."),
            (
                {"kinds": ["mising"]},
                "kinds[0] must be one of missing, spurious, wrong_class, bad_location, duplicate. Got 'mising' instead. "
                "Did you mean 'missing'?",
            ),
            (
                {"kinds": ["duplicate"]},
                "the samples must have issues to review of kind duplicate. Got none instead; nothing was written. There are "
                "bad_location (1), missing (1), spurious (1), wrong_class (1).",
            ),
            (
                {"key": "größe 1"},
                "run_key must be a letter followed by letters, digits and underscores, since it names a field. Got 'größe 1' "
                "instead. Try 'gr_e_1'.",
            ),
            ({"key": "gt"}, "run_key must be new. Got 'gt' instead. There is a field 'gt'. Choose another name."),
            ({"source": "nothing"}, None),
            ({"subjekt": "labels"}, None),
        ],
    )  # fmt: skip
    def test_bad_input_changes_nothing(self, unchanged, refused, snapshot, given, sentence):
        if sentence is not None:
            with refused(unchanged, sentence.format(name=unchanged.name)):
                begin(unchanged, **given)
            return
        before = snapshot(unchanged)
        with pytest.raises(ShortlistError, match=r"source must be a tag|subjekt is not known"):
            begin(unchanged, **given)
        assert snapshot(unchanged) == before

    def test_labels_that_nobody_scored(self, make, refused):
        dataset = make([fo.Sample("/nowhere/a.png", gt=fo.Detections())])
        with refused(
            dataset,
            "label_field must have label issues to review. Got 'gt', which was not scored yet, instead. Run "
            "`score_label_quality` first, or review the labels or samples themselves (subject).",
        ):
            begin(dataset)

    def test_a_view_that_leaves_out_what_was_found(self, unchanged, refused):
        with refused(
            unchanged,
            "the view must show the field 'gt_issue'. Got a view that leaves it out instead. Review the dataset, or a view "
            "with all fields.",
        ):
            begin(unchanged.select_fields("gt"))

    def test_names_that_are_taken(self, suspected, refused):
        begin(suspected)
        other = "Choose another name"
        with refused(suspected, f"run_key must be new. Got 'review_1' instead. There is a review of that name. {other}, or "
                     "delete it first."):  # fmt: skip
            begin(suspected)
        suspected.save_view("Mine Disputed", suspected.limit(1))
        with refused(
            suspected, f"run_key must be new. Got 'mine' instead. There is a saved view 'Mine Disputed'. {other}."
        ):
            begin(suspected, "mine")
        suspected.add_sample_field("yours_verdicts", fo.StringField)
        with refused(
            suspected, f"run_key must be new. Got 'yours' instead. There is a field 'yours_verdicts'. {other}."
        ):
            begin(suspected, "yours")
        # With fields of these names FiftyOne could not save samples, or not load them anew.
        for name in ("clean", "round__1"):
            says = f"run_key must be another name than FiftyOne keeps for itself. Got {name!r} instead. {other}."
            with refused(suspected, says):
                begin(suspected, name)
        suspected.register_run("run", suspected.init_run())
        with refused(suspected, f"run_key must be new. Got 'run' instead. There is another run of that name. {other}."):
            begin(suspected, "run")

    def test_nothing_at_all(self, make, suspected):
        with pytest.raises(ShortlistError, match=r"the samples must hold at least one. Got an empty dataset instead"):
            begin(make())
        with pytest.raises(ShortlistError, match=r"the samples must be a FiftyOne dataset or view"):
            begin([1, 2])
        with pytest.raises(ShortlistError, match=r"the samples must have issues to review. Got none instead"):
            begin(suspected.skip(3))

    def test_more_than_anybody_decides(self, suspected, refused, monkeypatch):
        monkeypatch.setattr(material, "MOST", 3)
        with refused(
            suspected,
            "a review must have at most 3 items. Got more instead. Give a budget, choose kinds or take a smaller view.",
        ):
            begin(suspected)
        assert begin(suspected, budget=3).n_found == 4

    @pytest.mark.parametrize("call", ["load_review", "delete_review"])
    def test_reviews_that_are_not_there(self, suspected, refused, call):
        begin(suspected, "first")
        sentence = (
            f"run_key must be a review of {suspected.name!r}. Got 'firs' instead. Did you mean 'first'? Start one with "
        )
        with refused(suspected, f"{sentence}`start_review`."):
            getattr(shortlist, call)(suspected, "firs")

    def test_a_review_that_is_applied_in_part_is_not_deleted(self, suspected, refused, monkeypatch):
        begin(suspected)
        shortlist.give_verdict(suspected, "review_1", 1, "accept", reviewer="Ann")

        def broken(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(edits, "_write", broken)
            with pytest.raises(KeyboardInterrupt):
                shortlist.apply_review(suspected, "review_1", progress=silent)
        with refused(
            suspected,
            "the review 'review_1' must not be applied in part. Got one whose application was interrupted instead; nothing "
            "was deleted. Run `apply_review` again to finish it, or `undo_review`.",
        ):
            shortlist.delete_review(suspected, "review_1")
