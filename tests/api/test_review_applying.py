"""apply_review and undo_review on classes and objects: each decision, what is left alone, copies, and several at once."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import suppress

import bson
import fiftyone as fo
import pytest

from shortlist import ShortlistError, apply_review, delete_review, give_verdict, undo_review
from shortlist.core.errors import Cancelled
from shortlist.core.review.items import Item
from shortlist.dataset.results import mark_of
from shortlist.dataset.review import kept
from shortlist.dataset.review.edits import records_of

KEY = "review_1"
# What a review and its verdicts write themselves.
OURS = ["last_modified_at", KEY, f"{KEY}_verdicts"]
BOX, BETTER = (0.1, 0.2, 0.3, 0.4), (0.15, 0.2, 0.3, 0.4)
ABOUT = {"label_field": "gt", "subject": "issues", "classes": ["cat", "cow", "dog"], "parameters": {}, "facts": {}}


def silent(*_: object) -> None:
    """No bar."""


def start(dataset, items, key=KEY, **about):
    kept.write(dataset, key, items, **{**ABOUT, **about})


def decide(dataset, number, decision, label=None, key=KEY):
    give_verdict(dataset, key, number, decision, reviewer="ana", label=label, comment="é 'quoted' $set")


def apply(dataset, **more):
    return apply_review(dataset, KEY, progress=silent, **more)


def undo(dataset, key=KEY):
    return undo_review(dataset, key, progress=silent)


def detection(label, box=BOX, **attributes):
    return fo.Detection(label=label, bounding_box=list(box), **attributes)


def boxes(make, n_samples):
    """Samples with two boxes each, and some other field."""
    samples = [
        fo.Sample(
            f"/nowhere/{row}.png",
            gt=fo.Detections(
                detections=[detection("cat", note=row), detection("dog", (0.6, 0.6, 0.2, 0.2), tags=["t"])]
            ),
            other=fo.Classification(label="x"),
        )
        for row in range(n_samples)
    ]
    return make(samples)


@pytest.fixture
def boxed(make):
    """Six samples with two boxes each, and some other field."""
    return boxes(make, 6)


def item(dataset, row, kind, **parts):
    """An issue of the first label of a sample."""
    sample = dataset.skip(row).first()
    label = sample.gt.detections[0]
    return Item(sample.id, kind, 0.1, **{"label": label.id, "given": "cat", "box": BOX, **parts})


def missing(dataset, row, label="cow", box=BETTER):
    return item(dataset, row, "missing", label=None, given=None, box=None, suggested=label, suggested_box=box)


def labels(dataset, row):
    return [(one.label, tuple(one.bounding_box)) for one in dataset.skip(row).first().gt.detections]


SECOND = ("dog", (0.6, 0.6, 0.2, 0.2))
#: kind, what is suggested, decision, class -> the labels of the sample
DECISIONS = [
    ("wrong_class", {"suggested": "cow"}, "accept", None, [("cow", BOX), SECOND]),
    ("wrong_class", {"suggested": "cow"}, "relabel", "dog", [("dog", BOX), SECOND]),
    ("wrong_class", {"suggested": "cow"}, "remove", None, [SECOND]),
    ("wrong_class", {"suggested": "cow"}, "keep", None, [("cat", BOX), SECOND]),
    ("wrong_class", {"suggested": "cow"}, "edited", None, [("cat", BOX), SECOND]),
    ("wrong_class", {"suggested": "cow"}, "not_sure", None, [("cat", BOX), SECOND]),
    ("wrong_class", {"suggested": "cow"}, "skip", None, [("cat", BOX), SECOND]),
    ("bad_location", {"suggested": "cat", "suggested_box": BETTER}, "accept", None, [("cat", BETTER), SECOND]),
    ("bad_location", {"suggested": "cat", "suggested_box": BETTER}, "relabel", "cow", [("cow", BOX), SECOND]),
    ("bad_location", {"suggested": "cat", "suggested_box": BETTER}, "remove", None, [SECOND]),
    ("spurious", {}, "accept", None, [SECOND]),
    ("duplicate", {}, "accept", None, [SECOND]),
    ("duplicate", {}, "relabel", "cow", [("cow", BOX), SECOND]),
    (None, {}, "relabel", "cow", [("cow", BOX), SECOND]),
    (None, {}, "remove", None, [SECOND]),
]


def test_each_decision_does_what_it_says_and_nothing_else(make, documents):
    dataset = boxes(make, len(DECISIONS) + 1)
    start(dataset, [item(dataset, row, kind, **suggests) for row, (kind, suggests, *_) in enumerate(DECISIONS)])
    for number, (_, _, decision, label, _) in enumerate(DECISIONS, start=1):
        decide(dataset, number, decision, label)
    before = documents(dataset)
    summary = apply(dataset)
    after = documents(dataset)
    for row, (sample, (kind, _, decision, _, expected)) in enumerate(
        zip(before, [*DECISIONS, (None,) * 5], strict=True)
    ):
        was, now = bson.decode(before[sample]), bson.decode(after[sample])
        if expected in (None, [("cat", BOX), SECOND]):
            assert before[sample] == after[sample], (kind, decision)
            continue
        assert labels(dataset, row) == expected, (kind, decision)
        assert {name for name in was if was[name] != now[name]} == {"last_modified_at", "gt"}
        # What is left of the labels keeps its other attributes, in their order.
        kept_labels = {one["_id"]: one for one in now["gt"]["detections"]}
        for one in was["gt"]["detections"]:
            touched = {"label", "bounding_box"} if one["label"] == "cat" else set()
            for name in set(one) - touched if one["_id"] in kept_labels else ():
                assert kept_labels[one["_id"]][name] == one[name]
                assert list(kept_labels[one["_id"]]) == list(one)
    assert summary.n_applied == sum(expected != [("cat", BOX), SECOND] for *_, expected in DECISIONS)
    undo(dataset)
    assert documents(dataset, ["last_modified_at"]) == {
        key: bson.encode({name: held for name, held in bson.decode(one).items() if name != "last_modified_at"})
        for key, one in before.items()
    }


def test_a_missing_label_is_added_with_class_and_place_only(boxed):
    start(boxed, [missing(boxed, 1), missing(boxed, 3)])
    decide(boxed, 1, "accept")
    decide(boxed, 2, "relabel", "dog")
    assert apply(boxed).done == {"add": 2}
    assert (labels(boxed, 1)[2], labels(boxed, 3)[2]) == (("cow", BETTER), ("dog", BETTER))
    ids = [one for some in boxed.values("gt.detections.id") for one in some]
    assert len(set(ids)) == 14
    stored = boxed._sample_collection.find_one({"_id": boxed.skip(1).first()._id})["gt"]["detections"][2]
    assert set(stored) == {"_id", "_cls", "attributes", "tags", "label", "bounding_box"}


def test_a_missing_label_is_added_where_there_were_none(boxed, documents):
    empty = boxed.first()
    boxed._sample_collection.update_one({"_id": empty._id}, {"$set": {"gt": None}})
    before = documents(boxed, OURS)
    start(boxed, [missing(boxed.skip(1), 0), Item(empty.id, "missing", suggested="cow", suggested_box=BOX)])
    decide(boxed, 2, "accept")
    apply(boxed)
    assert labels(boxed, 0) == [("cow", BOX)]
    undo(boxed)
    assert documents(boxed, OURS) == before


def test_what_is_no_longer_as_it_was_reviewed_is_left_and_told(boxed):
    items = [item(boxed, row, "wrong_class", suggested="cow") for row in range(5)]
    start(boxed, [*items, missing(boxed, 5, "dog", SECOND[1])])
    for number in range(1, 7):
        decide(boxed, number, "accept")
    first, second, third, fourth = (boxed.skip(row).first() for row in range(4))
    first.gt.detections[0].label = "cow"
    second.gt.detections[0].bounding_box = list(BETTER)
    third.gt.detections.pop(0)
    for sample in (first, second, third):
        sample.save()
    boxed.delete_samples([fourth.id])
    summary = apply(boxed)
    assert (summary.done, summary.n_samples) == ({"relabel": 1}, 1)
    assert summary.left == {
        "the label was changed since it was reviewed": [1, 2],
        "the label is gone": [3],
        "the sample was deleted": [4],
        "the label is there already": [6],
    }
    assert "not applied" in str(summary)
    assert boxed.values("gt.detections.label") == [
        ["cow", "dog"],
        ["cat", "dog"],
        ["dog"],
        ["cow", "dog"],
        ["cat", "dog"],
    ]


def test_applied_twice_is_applied_once_and_later_decisions_come_by_themselves(boxed, documents):
    before = documents(boxed, OURS)
    start(boxed, [item(boxed, row, "wrong_class", suggested="cow") for row in range(3)])
    decide(boxed, 1, "accept")
    assert apply(boxed).n_applied == 1
    once = documents(boxed)
    again = apply(boxed)
    assert (again.n_applied, again.n_before, again.waiting) == (0, 1, {"open": 2})
    assert documents(boxed) == once
    decide(boxed, 2, "accept")
    assert (apply(boxed).n_applied, len(records_of(boxed, KEY))) == (1, 2)
    summary = undo(boxed)
    assert [one.record for one in summary.records] == ["review_1_edits_2", "review_1_edits_1"]
    assert documents(boxed, OURS) == before
    assert apply(boxed).n_applied == 2


def test_two_items_of_one_label_are_applied_in_order(boxed):
    start(boxed, [item(boxed, 0, "wrong_class", suggested="cow"), item(boxed, 0, None)])
    decide(boxed, 1, "accept")
    decide(boxed, 2, "remove")
    summary = apply(boxed)
    assert summary.left == {"the label was changed since it was reviewed": [2]}
    assert labels(boxed, 0)[0][0] == "cow"


def test_what_others_edited_since_stays_when_it_is_undone(boxed):
    start(boxed, [item(boxed, row, "wrong_class", suggested="cow") for row in range(2)] + [missing(boxed, 0)])
    for number in (1, 2, 3):
        decide(boxed, number, "accept")
    apply(boxed)
    first, second = boxed.first(), boxed.skip(1).first()
    first.gt.detections[1].label = "theirs"
    first.gt.detections.append(detection("new"))
    second.gt.detections[0].label = "dog"
    first.save()
    second.save()
    summary = undo(boxed)
    assert [name for name, _ in labels(boxed, 0)] == ["cat", "theirs", "new"]
    assert [name for name, _ in labels(boxed, 1)] == ["dog", "dog"]
    label = second.gt.detections[0].id
    assert summary.stayed == [f"sample {second.id}, label {label}: it was edited since"]
    assert "stays" in str(summary)


def test_an_instance_mask_moves_with_its_box_only_where_the_better_outline_is_known(make):
    import numpy as np

    old, better = np.ones((4, 4), bool), np.eye(4, dtype=bool)
    dataset = make(
        [
            fo.Sample(
                f"/nowhere/{row}.png",
                gt=fo.Detections(detections=[detection("cat", mask=old)]),
                gt_suggestions=fo.Detections(detections=[detection("cat", BETTER, mask=better if row else None)]),
            )
            for row in range(2)
        ]
    )
    places = {"suggested": "cat", "suggested_box": BETTER}
    found = [one.gt_suggestions.detections[0].id for one in dataset]
    start(dataset, [item(dataset, row, "bad_location", suggestion=found[row], **places) for row in range(2)])
    decide(dataset, 1, "accept")
    decide(dataset, 2, "accept")
    summary = apply(dataset)
    assert [list(numbers) for numbers in summary.left.values()] == [[1]]
    (first,), (second,) = (one.gt.detections for one in dataset)
    assert (tuple(first.bounding_box), first.mask.all()) == (BOX, True)
    assert (tuple(second.bounding_box), second.mask.tolist()) == (BETTER, better.tolist())


def test_one_label_a_sample_keeps_its_other_attributes(make, documents):
    samples = [
        fo.Sample(f"/nowhere/{row}.png", gt=fo.Classification(label="cat", confidence=0.5, note=row))
        for row in range(3)
    ]
    dataset = make(samples)
    before = documents(dataset, OURS)
    start(
        dataset,
        [Item(one.id, "wrong_class", label=one.gt.id, given="cat", suggested="dog") for one in dataset],
    )
    decide(dataset, 1, "accept")
    decide(dataset, 2, "relabel", "cow")
    decide(dataset, 3, "remove")
    assert apply(dataset).done == {"relabel": 2, "remove": 1}
    assert [one.gt and (one.gt.label, one.gt.confidence, one.gt.note) for one in dataset] == [
        ("dog", 0.5, 0),
        ("cow", 0.5, 1),
        None,
    ]
    undo(dataset)
    assert documents(dataset, OURS) == before


def test_classes_of_a_list_come_and_go(make, documents):
    given = fo.Classifications(classifications=[fo.Classification(label="cat"), fo.Classification(label="dog")])
    dataset = make([fo.Sample("/nowhere/a.png", gt=given)])
    before = documents(dataset, OURS)
    sample = dataset.first()
    start(
        dataset,
        [
            Item(sample.id, "spurious", label=sample.gt.classifications[0].id, given="cat"),
            Item(sample.id, "missing", suggested="cow"),
            Item(sample.id, "missing", suggested="dog"),
        ],
    )
    for number in (1, 2, 3):
        decide(dataset, number, "accept")
    summary = apply(dataset)
    assert (summary.done, summary.left) == ({"remove": 1, "add": 1}, {"the label is there already": [3]})
    assert dataset.values("gt.classifications.label") == [["dog", "cow"]]
    undo(dataset)
    assert documents(dataset, OURS) == before


def modified_at_once(taken):
    """The documents of a snapshot, whenever they were modified last."""
    return {key: {**bson.decode(held), "last_modified_at": 0} for key, held in taken["documents"].items()}


def test_what_is_decided_otherwise_after_it_was_applied_is_told(boxed):
    start(boxed, [item(boxed, row, "wrong_class", suggested="cow") for row in range(3)])
    for number in (1, 2, 3):
        decide(boxed, number, "accept")
    apply(boxed)
    decide(boxed, 1, "keep")
    decide(boxed, 2, "relabel", "dog")
    summary = apply(boxed)
    assert (summary.n_applied, summary.n_before, summary.otherwise) == (0, 3, [1, 2])
    assert ("decided otherwise since", "2 items (1, 2): undo_review, then apply again") in list(summary.rows())
    undo(boxed)
    assert (apply(boxed).n_applied, apply(boxed).otherwise) == (2, [])
    assert [labels(boxed, row)[0][0] for row in range(3)] == ["cat", "dog", "cow"]


def test_a_clone_knows_what_was_applied_and_takes_it_back(boxed):
    start(boxed, [item(boxed, row, "wrong_class", suggested="cow") for row in range(2)])
    decide(boxed, 1, "accept")
    apply(boxed)
    copy = boxed.clone()
    try:
        assert (apply(copy).n_before, apply(copy).left) == (1, {})
        assert undo(copy).n_restored == 1
        assert (labels(copy, 0)[0][0], labels(boxed, 0)[0][0]) == ("cat", "cow")
    finally:
        copy.delete()


def test_labels_whose_document_went_are_left(make):
    samples = [
        fo.Sample(
            f"/nowhere/{row}.png", part=fo.DynamicEmbeddedDocument(gt=fo.Detections(detections=[detection("cat")]))
        )
        for row in range(2)
    ]
    dataset = make(samples)
    dataset.add_dynamic_sample_fields()
    ids = [one.part.gt.detections[0].id for one in dataset]
    items = [
        Item(sample, None, None, label, given="cat", box=BOX)
        for sample, label in zip(dataset.values("id"), ids, strict=True)
    ]
    start(dataset, items, label_field="part.gt")
    for number in (1, 2):
        decide(dataset, number, "remove")
    sample = dataset.first()
    sample.part = None
    sample.save()
    summary = apply(dataset)
    assert (summary.done, summary.left) == ({"remove": 1}, {"the label is gone": [1]})
    undo(dataset)
    assert [one.part and one.part.gt.detections[0].id for one in dataset] == [None, ids[1]]


def test_it_may_be_called_on_patches_and_on_nothing_else_than_samples(boxed):
    start(boxed, [item(boxed, 0, None)])
    decide(boxed, 1, "remove")
    patches = boxed.to_patches("gt")
    assert (apply(patches).n_applied, undo(patches).n_restored) == (1, 1)
    for call in (apply, undo):
        with pytest.raises(
            ShortlistError, match=r"^the samples must be a FiftyOne dataset or view\. Got 'int' instead\.$"
        ):
            call(3)


class TestACopy:
    def test_of_a_deleted_review_is_no_copy_of_another_of_that_name(self, boxed):
        start(boxed, [item(boxed, 0, "wrong_class", suggested="cow")])
        decide(boxed, 1, "accept")
        apply(boxed, output_field="gt_fixed")
        delete_review(boxed, KEY)
        start(boxed, [item(boxed, 1, "wrong_class", suggested="cow")])
        decide(boxed, 1, "accept")
        with pytest.raises(ShortlistError, match=r"^output_field must be new\. Got 'gt_fixed' instead\."):
            apply(boxed, output_field="gt_fixed")
        apply(boxed)
        assert undo(boxed).deleted == []
        assert boxed.values("gt_fixed.detections.label")[0] == ["cow", "dog"]

    def test_gets_the_changes_and_the_labels_stay(self, boxed, documents):
        boxed.classes["gt"] = ["cat", "cow", "dog"]
        boxed.save()
        start(boxed, [item(boxed, 0, "wrong_class", suggested="cow"), item(boxed, 1, "wrong_class", suggested="cow")])
        decide(boxed, 1, "accept")
        before = documents(boxed, ["last_modified_at"])
        summary = apply(boxed, output_field="gt_fixed")
        assert (summary.field, summary.n_applied) == ("gt_fixed", 1)
        assert documents(boxed, ["last_modified_at", "gt_fixed"]) == before
        assert boxed.values("gt_fixed.detections.label")[:2] == [["cow", "dog"], ["cat", "dog"]]
        assert boxed.values("gt_fixed.detections.note") == boxed.values("gt.detections.note")
        assert boxed.classes["gt_fixed"] == ["cat", "cow", "dog"]
        assert mark_of(boxed, "gt_fixed")["status"] == "complete"
        decide(boxed, 2, "accept")
        assert apply(boxed, output_field="gt_fixed").n_applied == 1
        # What is in a copy is not in the labels.
        assert apply(boxed).n_applied == 2

    def test_is_deleted_when_it_is_undone(self, boxed, snapshot):
        start(boxed, [item(boxed, 0, "wrong_class", suggested="cow")])
        decide(boxed, 1, "accept")
        before = snapshot(boxed)
        apply(boxed, output_field="gt_fixed")
        summary = undo(boxed)
        assert summary.deleted == ["gt_fixed"]
        assert modified_at_once(snapshot(boxed)) == modified_at_once(before)
        assert boxed.get_field("gt_fixed") is None
        assert "gt_fixed" not in boxed.classes

    def test_that_was_not_finished_is_made_anew(self, boxed, monkeypatch):
        start(boxed, [item(boxed, 0, "wrong_class", suggested="cow")])
        decide(boxed, 1, "accept")
        with monkeypatch.context() as patch:
            patch.setattr("pymongo.collection.Collection.update_many", lambda *_, **__: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                apply(boxed, output_field="gt_fixed")
        assert mark_of(boxed, "gt_fixed")["status"] == "writing"
        assert apply(boxed, output_field="gt_fixed").n_applied == 1

    @pytest.mark.parametrize("name", ["other", "filepath", "a.b", "_hidden", "$x", "gt", KEY, "frames", "clean"])
    def test_must_be_a_new_field(self, boxed, snapshot, name):
        start(boxed, [item(boxed, 0, "wrong_class", suggested="cow")])
        decide(boxed, 1, "accept")
        before = snapshot(boxed)
        with pytest.raises(ShortlistError, match=r"^output_field must be "):
            apply(boxed, output_field=name)
        assert snapshot(boxed) == before

    def test_is_not_left_behind_when_it_is_cancelled(self, boxed, documents):
        start(boxed, [item(boxed, 0, "wrong_class", suggested="cow")])
        decide(boxed, 1, "accept")
        before = documents(boxed, ["last_modified_at"])

        def cancelled(*_):
            raise Cancelled

        with pytest.raises(Cancelled):
            apply_review(boxed, KEY, output_field="gt_fixed", progress=cancelled)
        assert documents(boxed, ["last_modified_at"]) == before
        assert (boxed.get_field("gt_fixed"), records_of(boxed)) == (None, [])


class TestRefusals:
    def test_no_such_review(self, boxed):
        with pytest.raises(ShortlistError, match="run_key must be a review"):
            apply_review(boxed, "nothing")

    def test_a_review_of_samples(self, boxed, refused):
        start(boxed, [Item(boxed.first().id)], label_field=None, subject="samples")
        sentence = (
            "run_key must be a review of labels. Got 'review_1' instead. It is about samples as a whole: there is nothing to "
            "write."
        )
        with refused(boxed, sentence):
            apply(boxed)

    def test_a_field_that_is_gone(self, boxed):
        start(boxed, [item(boxed, 0, "wrong_class", suggested="cow")])
        decide(boxed, 1, "accept")
        apply(boxed)
        boxed.rename_sample_field("gt", "renamed")
        with pytest.raises(ShortlistError, match="must be a field of"):
            apply(boxed)
        with pytest.raises(ShortlistError, match="the field 'gt' must be there to be put back"):
            undo(boxed)
        boxed.rename_sample_field("renamed", "gt")
        assert undo(boxed).n_restored == 1

    def test_nothing_to_undo(self, boxed, refused):
        start(boxed, [item(boxed, 0, "wrong_class", suggested="cow")])
        decide(boxed, 1, "accept")
        sentence = (
            "run_key must be a review that was applied, or annotations that were merged. Got 'review_1' instead. "
            "It has none."
        )
        with refused(boxed, sentence):
            undo(boxed)
        apply(boxed)
        with pytest.raises(ShortlistError, match=re.escape("Did you mean 'review_1'?")):
            undo(boxed, "review_2")
        undo(boxed)
        with pytest.raises(ShortlistError, match="It has none"):
            undo(boxed)

    def test_another_review_of_the_same_name_is_not_taken_for_applied(self, boxed):
        start(boxed, [item(boxed, 0, "wrong_class", suggested="cow")])
        decide(boxed, 1, "accept")
        apply(boxed)
        kept.delete(boxed, KEY)
        start(boxed, [item(boxed, 1, "wrong_class", suggested="cow")])
        decide(boxed, 1, "accept")
        summary = apply(boxed)
        assert (summary.n_applied, summary.n_before) == (1, 0)


def test_the_verbs_are_operators_with_forms(boxed):
    import fiftyone.operators as foo

    start(boxed, [item(boxed, 0, "wrong_class", suggested="cow")])
    decide(boxed, 1, "accept")
    summary = foo.get_operator("@shortlist/curation/apply_review")(boxed, KEY)
    assert summary.headline == "Changed 1 label of 1 sample in 'gt'"
    assert foo.get_operator("@shortlist/curation/undo_review")(boxed, KEY).n_restored == 1


APPLYING = """
import sys, fiftyone as fo, shortlist
dataset = fo.load_dataset(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for key in sys.argv[2:]:
    try:
        print(shortlist.apply_review(dataset, key, progress=lambda *_: None).n_applied, flush=True)
    except shortlist.ShortlistError as error:
        assert "is being written by another run" in str(error), error
        print(0, flush=True)
"""


def test_two_processes_that_apply_at_once_apply_each_item_once(boxed, documents):
    """One applies two reviews of the same labels while the other applies them in the other order."""
    boxed.persistent = True
    before = documents(boxed, [*OURS, "review_2", "review_2_verdicts"])
    start(boxed, [item(boxed, row, "wrong_class", suggested="cow") for row in range(6)])
    start(boxed, [missing(boxed, row) for row in range(6)], key="review_2")
    for number in range(1, 7):
        decide(boxed, number, "accept")
        decide(boxed, number, "accept", key="review_2")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    other = subprocess.Popen([sys.executable, "-c", APPLYING, boxed.name, KEY, "review_2"], **pipes)
    assert other.stdout.readline() == "ready\n", other.stderr.read()
    other.stdin.write("go\n")
    other.stdin.flush()
    done = []
    for key in ("review_2", KEY):
        # The other may be at it.
        with suppress(ShortlistError):
            done.append(apply_review(boxed, key, progress=silent).n_applied)
    out, errors = other.communicate(timeout=120)
    assert other.returncode == 0, errors
    assert sum(done) + sum(map(int, out.split())) <= 12
    # A sample that both changed at the same moment waits for the next run.
    for key in (KEY, "review_2"):
        apply_review(boxed, key, progress=silent)
    boxed.reload()
    assert boxed.values("gt.detections.label") == [["cow", "dog", "cow"]] * 6
    undo(boxed)
    undo(boxed, "review_2")
    assert documents(boxed, [*OURS, "review_2", "review_2_verdicts"]) == before
