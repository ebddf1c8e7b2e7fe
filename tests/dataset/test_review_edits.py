"""Changes of fields with a record: written where nothing changed meanwhile, and taken back byte for byte."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
from datetime import UTC, datetime

import bson
import fiftyone as fo
import fiftyone.core.runs as fors
import fiftyone.core.utils as fou
import numpy as np
import pytest
from bson import Binary, Int64, ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist import ShortlistError
from shortlist.core.errors import Cancelled
from shortlist.dataset.results import changing
from shortlist.dataset.review import edit_records, undoing
from shortlist.dataset.review.edits import MISSING, Change, finish_edits, records_of, value_of, write_edits
from shortlist.dataset.review.put_back import put_back, same
from shortlist.dataset.review.undoing import undo_edits

ODD = {
    "_id": ObjectId(),
    "_cls": "Detection",
    "tags": ["é"],
    "label": "a.b $c",
    "nan": math.nan,
    "minus": -0.0,
    "long": Int64(3),
    "int": 3,
    "float": 3.0,
    "none": None,
    "when": datetime(2024, 1, 2, 3, 4, 5, 678000),
    "blob": Binary(fou.serialize_numpy_array(np.arange(3)), 0),
    "nested": {"$x": [1, {"y.z": None}]},
}


@pytest.fixture
def filed(make):
    """Six samples whose raw field holds all sorts of things, or nothing."""
    dataset = make([fo.Sample(f"/nowhere/{row}.png", other=row) for row in range(6)])
    dataset.add_sample_field("gt", fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
    values = [{"_cls": "Detections", "detections": [ODD]}, None, MISSING, {"_cls": "Detections", "detections": []}]
    for document, value in zip(raw(dataset), [*values, *values[:2]], strict=True):
        update = {"$unset": {"gt": ""}} if value is MISSING else {"$set": {"gt": value}}
        dataset._sample_collection.update_one({"_id": document["_id"]}, update)
    return dataset


def raw(dataset):
    return list(dataset._sample_collection.find().sort("_id"))


def changes(dataset, make_after):
    return [Change(one["_id"], value_of(one, "gt"), make_after(value_of(one, "gt"))) for one in raw(dataset)]


def labelled(value):
    """The field with one more label."""
    held = value["detections"] if isinstance(value, dict) else []
    return {"_cls": "Detections", "detections": [*held, {"_id": ObjectId(), "_cls": "Detection", "label": "new"}]}


def test_any_value_comes_back_byte_for_byte(filed, documents):
    before = documents(filed, ["last_modified_at"])
    written = write_edits(filed, "work", "gt", changes(filed, labelled), {"why": "ü"})
    assert (written.record, written.n_changed, written.changed_meanwhile) == ("work_edits_1", 6, [])
    assert [len(one["gt"]["detections"]) for one in raw(filed)] == [2, 1, 1, 1, 2, 1]
    assert documents(filed, ["last_modified_at", "gt"]) == {
        key: bson.encode({name: held for name, held in bson.decode(one).items() if name != "gt"})
        for key, one in before.items()
    }
    undone = undo_edits(filed, "work")
    assert [(one.record, one.n_restored, one.stayed, one.gone) for one in undone] == [("work_edits_1", 6, [], 0)]
    assert documents(filed, ["last_modified_at"]) == before
    assert undo_edits(filed, "work") == []


def test_a_value_can_be_taken_away_and_comes_back(filed, documents):
    before = documents(filed, ["last_modified_at"])
    write_edits(filed, "work", "gt", changes(filed, lambda _: MISSING))
    assert all("gt" not in one for one in raw(filed))
    undo_edits(filed, "work")
    # Only the place of the field among the others may differ.
    assert {key: bson.decode(one).get("gt", 0) for key, one in documents(filed).items()}.keys() == before.keys()
    assert [value_of(one, "gt") is MISSING for one in raw(filed)] == [False, False, True, False, False, False]
    assert same(raw(filed)[0]["gt"], {"_cls": "Detections", "detections": [ODD]})


def test_samples_learn_of_it(filed):
    sample = filed.first()
    write_edits(filed, "work", "gt", changes(filed, labelled))
    assert [label.label for label in sample.gt.detections] == ["a.b $c", "new"]
    modified = sample.last_modified_at
    assert (datetime.now(UTC) - modified.astimezone(UTC)).total_seconds() < 60
    undo_edits(filed, "work")
    assert [label.label for label in sample.gt.detections] == ["a.b $c"]


def test_the_record_says_what_was_done_by_whom_and_when_it_was_undone(filed):
    write_edits(filed, "work", "gt", changes(filed, labelled), {"items": [1, 2]})
    (record,) = records_of(filed, "work")
    assert (record.state, record.n_changes, record.field, record.about) == ("complete", 6, "gt", {"items": [1, 2]})
    assert record.by
    undo_edits(filed, "work")
    (record,) = records_of(fo.load_dataset(filed.name))
    assert record.state == "undone"
    assert set(record.undone) == {"by", "at", "stayed", "samples"}
    assert records_of(filed, "other") == []


def test_nothing_to_change_is_no_record(filed):
    assert write_edits(filed, "work", "gt", changes(filed, lambda value: value)).record is None
    assert filed.list_runs() == []


def test_what_somebody_changed_in_between_is_left_and_told(filed):
    todo = changes(filed, labelled)
    first, second = filed.first(), filed.skip(1).first()
    theirs = {"$set": {"gt.detections.0.label": "theirs"}}
    filed._sample_collection.update_one({"_id": ObjectId(first.id)}, theirs)
    filed.delete_samples([second.id])
    written = write_edits(filed, "work", "gt", todo)
    assert (written.n_changed, sorted(written.changed_meanwhile)) == (4, sorted([first.id, second.id]))
    assert [one["label"] for one in raw(filed)[0]["gt"]["detections"]] == ["theirs"]
    (undone,) = undo_edits(filed, "work")
    assert (undone.n_restored, undone.gone) == (5, 1)
    assert [one["label"] for one in raw(filed)[0]["gt"]["detections"]] == ["theirs"]


def test_several_are_undone_last_first(filed, documents):
    before = documents(filed, ["last_modified_at"])
    for _ in range(3):
        write_edits(filed, "work", "gt", changes(filed, labelled))
    assert [one.name for one in records_of(filed, "work")] == ["work_edits_1", "work_edits_2", "work_edits_3"]
    undone = undo_edits(filed, "work")
    assert [one.record for one in undone] == ["work_edits_3", "work_edits_2", "work_edits_1"]
    assert documents(filed, ["last_modified_at"]) == before


def test_what_stayed_goes_back_once_it_is_as_it_was_written(filed, documents):
    before = documents(filed, ["last_modified_at"])
    write_edits(filed, "mine", "gt", changes(filed, labelled))
    relabelled = lambda value: {**value, "detections": [{**one, "label": "z"} for one in value["detections"]]}  # noqa: E731
    write_edits(filed, "theirs", "gt", changes(filed, relabelled))
    (undone,) = undo_edits(filed, "mine")
    assert (undone.n_restored, len(undone.stayed)) == (0, 6)
    assert undone.stayed[0].endswith("it was edited since")
    assert undo_edits(filed, "theirs")[0].n_restored == 6
    assert undo_edits(filed, "mine")[0].n_restored == 6
    assert documents(filed, ["last_modified_at"]) == before


def test_what_was_taken_back_and_edited_after_that_is_not_taken_back_again(filed):
    write_edits(filed, "work", "gt", changes(filed, labelled))
    first, second = (one["_id"] for one in raw(filed)[:2])
    edited, written = {"$set": {"gt.detections.$[new].label": "mine"}}, [{"new.label": "new"}]
    filed._sample_collection.update_one({"_id": second}, edited, array_filters=written)
    (undone,) = undo_edits(filed, "work")
    assert (undone.n_restored, len(undone.stayed)) == (5, 1)
    # The first sample now gets by hand what the change had written.
    filed._sample_collection.update_one({"_id": first}, {"$set": {"gt": labelled(None)}})
    held = raw(filed)
    (undone,) = undo_edits(filed, "work")
    assert (undone.n_restored, len(undone.stayed)) == (0, 1)
    assert str(raw(filed)) == str(held)


def test_cancelled_in_the_middle_it_says_so_and_can_be_finished(filed, documents, monkeypatch):
    monkeypatch.setattr(edit_records, "_CHUNK", 2)
    before = documents(filed, ["last_modified_at"])

    def cancelling(done, total, label=""):
        raise Cancelled

    with pytest.raises(Cancelled, match=r"^Cancelled after 2 of 6 samples\. Run again to go on, or undo it\.$"):
        write_edits(filed, "work", "gt", changes(filed, labelled), progress=cancelling)
    assert records_of(filed)[0].state == "writing"
    assert sum(len((value_of(one, "gt") or {}).get("detections", [])) for one in raw(filed)[:2]) == 3
    (finished,) = finish_edits(filed, "work")
    assert (finished.n_changed, finished.changed_meanwhile) == (6, [])
    undo_edits(filed, "work")
    assert documents(filed, ["last_modified_at"]) == before


def test_a_record_whose_maker_died_before_it_was_whole_changes_nothing(filed, documents, monkeypatch):
    before = documents(filed)
    with monkeypatch.context() as patch:
        patch.setattr(fors.Run, "save_run_results", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            write_edits(filed, "work", "gt", changes(filed, labelled))
    assert documents(filed) == before
    assert [one.record for one in finish_edits(filed, "work")] == [None]
    assert filed.list_runs() == []


def test_what_is_half_taken_back_is_not_taken_for_applied(filed, documents, monkeypatch):
    monkeypatch.setattr(edit_records, "_CHUNK", 2)
    before = documents(filed, ["last_modified_at"])
    write_edits(filed, "work", "gt", changes(filed, labelled))

    def cancelling(done, total, label=""):
        raise Cancelled

    with pytest.raises(Cancelled):
        undo_edits(filed, "work", cancelling)
    assert [one.state for one in records_of(filed)] == ["undoing"]
    held = str(raw(filed))
    with pytest.raises(ShortlistError, match=r"^what .work. changed must not be taken back in part\. "):
        write_edits(filed, "work", "gt", changes(filed, labelled))
    assert str(raw(filed)) == held
    assert undo_edits(filed, "work")[0].n_restored == 6
    assert documents(filed, ["last_modified_at"]) == before


KILLED = """
import os, signal, sys
import fiftyone as fo
from shortlist.dataset.review import edit_records
from shortlist.dataset.review.edits import Change, value_of, write_edits
edit_records._CHUNK = 2
dataset = fo.load_dataset(sys.argv[1])
new = {"_cls": "Detections", "detections": []}
changes = [Change(one["_id"], value_of(one, "gt"), new) for one in dataset._sample_collection.find().sort("_id")]
def killed(done, total, label=""):
    if done == 4:
        os.kill(os.getpid(), signal.SIGKILL)
write_edits(dataset, "work", "gt", changes, progress=killed)
"""


def test_killed_in_the_middle_it_can_be_finished_or_undone(filed, documents):
    before = documents(filed, ["last_modified_at"])
    filed.persistent = True
    done = subprocess.run([sys.executable, "-c", KILLED, filed.name], capture_output=True, text=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr
    filed.reload()
    assert [one.state for one in records_of(filed)] == ["writing"]
    assert documents(filed, ["last_modified_at"]) != before
    copy = filed.clone()
    try:
        assert undo_edits(copy, "work")[0].stayed == []
        held = {one["_id"]: value_of(one, "gt") for one in raw(copy)}
        assert all(same(held[key], value_of(bson.decode(one), "gt")) for key, one in before.items())
    finally:
        copy.delete()
    finish_edits(filed, "work")
    assert {str(one["gt"]) for one in raw(filed)} == {"{'_cls': 'Detections', 'detections': []}"}
    assert undo_edits(filed, "work")[0].stayed == []
    assert documents(filed, ["last_modified_at"]) == before


def test_a_field_that_changes_again_and_again_is_given_up(filed, monkeypatch):
    write_edits(filed, "work", "gt", changes(filed, labelled))
    held = undoing.held_by

    def racing(dataset, field, chunk):
        found = held(dataset, field, chunk)
        dataset._sample_collection.update_many({}, {"$push": {"gt.detections": {"_id": ObjectId(), "label": "again"}}})
        return found

    monkeypatch.setattr(undoing, "held_by", racing)
    with pytest.raises(ShortlistError, match="run again"):
        undo_edits(filed, "work")


def test_records_can_be_deleted(filed):
    write_edits(filed, "work", "gt", changes(filed, labelled))
    with changing(filed):
        edit_records.delete(filed, "work")
    assert (records_of(filed), undo_edits(filed, "work")) == ([], [])


def label(number, **attributes):
    return {"_id": ObjectId(f"{number:024x}"), "label": "cat", "bounding_box": [0.1, 0.2, 0.3, 0.4], **attributes}


def field(*labels):
    return {"_cls": "Detections", "detections": list(labels)}


def ours(path):
    return path == "detections.quality"


#: current, before, after -> expected, how much stays
CASES = {
    "a score of ours is no edit": (
        field(label(1, label="dog", quality=0.5)), field(label(1)), field(label(1, label="dog")),
        field(label(1, quality=0.5)), 0,
    ),
    "another attribute stays": (
        field(label(1, label="dog", note="kept")), field(label(1)), field(label(1, label="dog")),
        field(label(1, note="kept")), 0,
    ),
    "what was relabelled again stays": (
        field(label(1, label="cow")), field(label(1)), field(label(1, label="dog")), field(label(1, label="cow")), 1,
    ),
    "what was deleted since stays deleted": (field(label(2)), field(label(1), label(2)),
        field(label(1, label="dog"), label(2)), field(label(2)), 1),
    "a removed label comes back to its place": (
        field(label(1), label(9), label(3)), field(label(1), label(2), label(3)), field(label(1), label(3)),
        field(label(1), label(2), label(9), label(3)), 0,
    ),
    "an added label goes, with its score": (
        field(label(1), label(2, quality=0.1), label(9)), field(label(1)), field(label(1), label(2)),
        field(label(1), label(9)), 0,
    ),
    "an added label that was edited stays": (
        field(label(1), label(2, note="mine")), field(label(1)), field(label(1), label(2)),
        field(label(1), label(2, note="mine")), 1,
    ),
    "the first label of all goes": (field(label(1, quality=0.2)), None, field(label(1)), None, 0),
    "labels that came since stay": (field(label(1), label(2)), None, field(label(1)), field(label(2)), 0),
    "a field that was emptied stays so": (None, field(label(1)), field(label(1, label="dog")), None, 1),
    "the attributes that were taken away come back": (
        field(label(1, note="n")), field(label(1, mask=b"1")), field(label(1)), field(label(1, mask=b"1", note="n")), 0,
    ),
    "one label a sample": (
        {"_id": 1, "label": "dog", "note": "n"}, {"_id": 1, "label": "cat"}, {"_id": 1, "label": "dog"},
        {"_id": 1, "label": "cat", "note": "n"}, 0,
    ),
    "one label that was relabelled again": (
        {"_id": 1, "label": "cow"}, {"_id": 1, "label": "cat"}, {"_id": 1, "label": "dog"}, {"_id": 1, "label": "cow"}, 1,
    ),
    "one label that was replaced": (
        {"_id": 2, "label": "dog"}, {"_id": 1, "label": "cat"}, {"_id": 1, "label": "dog"}, {"_id": 2, "label": "dog"}, 1,
    ),
    "one label where there was none": (
        {"_id": 1, "label": "dog", "note": None}, None, {"_id": 1, "label": "dog"}, None, 0,
    ),
    "one label that was taken away and made anew": (
        {"_id": 2, "label": "dog"}, {"_id": 1, "label": "cat"}, None, {"_id": 2, "label": "dog"}, 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_where_others_edited_since(case):
    current, before, after, expected, n_stayed = CASES[case]
    value, stayed = put_back(current, before, after, ours)
    assert (value, len(stayed)) == (expected, n_stayed)


numbers = st.integers(1, 8)
held = st.lists(numbers, unique=True, max_size=6)
changed = st.dictionaries(numbers, st.sampled_from(["dog", "removed"]), max_size=4)


@settings(max_examples=300, deadline=None)
@given(held, changed, st.lists(st.integers(20, 24), unique=True, max_size=3), changed)
def test_others_edits_survive_whatever_is_taken_back(start, mine, added, theirs):
    """Edits of labels that the change did not touch give the same, whether it was taken back or never made."""
    theirs = {number: what for number, what in theirs.items() if number not in mine}

    def edited(labels, how, new=()):
        kept = [{**one, "label": how.get(_number(one), one["label"])} for one in labels]
        return [*(one for one in kept if one["label"] != "removed"), *(label(number) for number in new)]

    before = [label(number) for number in start]
    after = edited(before, mine, added)
    current = edited(after, {number: what if what == "removed" else "cow" for number, what in theirs.items()}, [99])
    wanted = edited(before, {number: what if what == "removed" else "cow" for number, what in theirs.items()}, [99])
    value, stayed = put_back(field(*current), field(*before), field(*after), ours)
    assert stayed == []
    assert sorted(value["detections"], key=_number) == sorted(wanted, key=_number)
    kept = [one for one in start if one in {_number(one) for one in value["detections"]}]
    assert [number for one in value["detections"] if (number := _number(one)) < 20] == kept


def _number(one):
    return int(str(one["_id"]), 16)
