"""Deciding the items of a review: what is next, what fits, what is written and what is taken back."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

import fiftyone as fo
import fiftyone.core.odm as odm
import pytest
from fiftyone import ViewField as F

import shortlist
from shortlist import ShortlistError
from shortlist.core.errors import Conflict
from shortlist.core.review.items import Item
from shortlist.core.review.verdicts import Verdict
from shortlist.dataset.review import claims, followed, kept
from shortlist.dataset.review.loaded import review_of
from shortlist.dataset.review.verdicts import sample_is_there, verdicts_of

KEY = "review_1"
ANA = {"reviewer": "ana"}
BEN = {"reviewer": "ben"}


def wrong(sample, **parts):
    return Item(sample, "wrong_class", 0.1, label="0" * 24, **{"given": "cat", "suggested": "dog", **parts})


def write(dataset, items, key=KEY, **parts):
    """A review of given items, as ``start_review`` keeps it."""
    about = {"label_field": "gt", "subject": "issues", "classes": ["bird", "cat", "dog"], "parameters": {}, "facts": {}}
    kept.write(dataset, key, items, **{**about, **parts})
    return dataset


@pytest.fixture
def reviewed(make):
    """Three samples with one, two and one items, the worst first, on whichever."""

    def started(make_items=lambda a, b, c: [wrong(a), wrong(b), wrong(b), wrong(c)], **parts):
        samples = [
            fo.Sample(f"/nowhere/{n}.png", gt=fo.Classification(label="cat"), mine={"n": n}.get("n")) for n in range(3)
        ]
        dataset = make(samples)
        return write(dataset, make_items(*dataset.values("id")), **parts)

    return started


def numbers(dataset, reviewer, **how):
    """The items that a person keeps, one by one until nothing is left."""
    found = []
    while (shown := shortlist.next_to_review(dataset, KEY, reviewer, **how)) is not None:
        shortlist.give_verdict(dataset, KEY, shown.number, "keep", reviewer=reviewer, seen=shown.verdicts)
        found.append(shown.number)
    return found


def test_an_item_is_shown_with_all_that_it_takes_to_decide_it(reviewed):
    dataset = reviewed()
    shown = shortlist.next_to_review(dataset, KEY, "ana")
    assert (shown.number, shown.sample_id, shown.verdicts) == (1, dataset.first().id, [])
    assert shown.item == wrong(dataset.first().id)
    assert shown.question == "Is this 'cat' a 'dog'?"
    assert shown.reason.startswith("Suspected: it is of another class.")
    assert shown.choices == ("keep", "accept", "relabel", "remove", "edited", "not_sure", "skip")
    assert (shown.classes, shown.outcome.state) == (["bird", "cat", "dog"], "open")
    assert shortlist.to_review(dataset, KEY, 1) == shown


def test_a_verdict_is_one_change_of_one_sample_and_nothing_else(reviewed, documents):
    dataset = reviewed()
    before = documents(dataset, [KEY, f"{KEY}_verdicts", "last_modified_at"])
    began = datetime.now(UTC).replace(tzinfo=None)
    second = dataset[dataset.values("id")[1]]
    shortlist.give_verdict(dataset, KEY, 3, "relabel", label="bird", comment=' $set "ü" 🐦 ', **ANA)
    assert documents(dataset, [KEY, f"{KEY}_verdicts", "last_modified_at"]) == before
    assert dataset.values(f"{KEY}_verdicts.decision") == [[], ["relabel"], []]
    [held] = second[f"{KEY}_verdicts"]
    assert (held.item, held.reviewer, held.label, held.comment) == (3, "ana", "bird", '$set "ü" 🐦')
    assert held.is_final is False
    at = datetime.fromisoformat(held.at).replace(tzinfo=None)
    assert abs(at - began) < timedelta(seconds=30)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", held.at)
    assert abs(second.last_modified_at - at) < timedelta(milliseconds=2)
    assert dataset.values(f"{KEY}.n_open") == [1, 1, 1]
    assert dataset.values(f"{KEY}.status") == ["open", "open", "open"]


def test_the_state_of_a_sample_is_the_first_that_any_of_its_items_is(reviewed):
    dataset = reviewed(lambda a, b, c: [wrong(a)] * 4)

    def state():
        return dataset.values(f"{KEY}.n_open")[0], dataset.values(f"{KEY}.status")[0]

    for number in (1, 2, 3):
        shortlist.give_verdict(dataset, KEY, number, "keep", **ANA)
    assert state() == (1, "open")
    shortlist.give_verdict(dataset, KEY, 4, "skip", **ANA)
    assert state() == (1, "open")
    shortlist.give_verdict(dataset, KEY, 4, "not_sure", **ANA)
    assert state() == (0, "unsure")
    shortlist.give_verdict(dataset, KEY, 2, "accept", **BEN)
    assert state() == (0, "disputed")
    assert dataset.load_saved_view(f"{KEY}_disputed").values("id") == [dataset.first().id]
    shortlist.give_verdict(dataset, KEY, 2, "accept", is_final=True, **BEN)
    shortlist.give_verdict(dataset, KEY, 4, "keep", **BEN)
    assert state() == (0, "decided")
    assert shortlist.undo_verdict(dataset, KEY, "ana", 1) == 1
    assert state() == (1, "open")


def test_a_person_goes_through_all_items_in_order(reviewed):
    dataset = reviewed()
    assert numbers(dataset, "ana") == [1, 2, 3, 4]
    assert numbers(dataset, "ben") == []
    state = shortlist.queue_of(dataset, KEY, "ana")
    assert (state.total, state.open, state.decided, state.mine_done, state.mine_open) == (4, 0, 4, 4, 0)


def test_the_search_goes_on_from_a_number(reviewed):
    assert numbers(reviewed(), "ana", after=2) == [3, 4, 1, 2]


def test_a_skipped_item_comes_back_last_and_others_get_it_first(reviewed):
    dataset = reviewed()
    shortlist.give_verdict(dataset, KEY, 1, "skip", **ANA)
    assert shortlist.queue_of(dataset, KEY, "ana").mine_skipped == 1
    assert shortlist.next_to_review(dataset, KEY, "ben", claim=False).number == 1
    assert numbers(dataset, "ana") == [2, 3, 4, 1]


def test_two_people_get_different_items_until_a_claim_ends(reviewed, monkeypatch):
    dataset = reviewed(lambda a, b, c: [wrong(a), wrong(b)])
    assert shortlist.next_to_review(dataset, KEY, "ana").number == 1
    assert shortlist.next_to_review(dataset, KEY, "ana").number == 1
    assert shortlist.next_to_review(dataset, KEY, "ben").number == 2
    assert shortlist.next_to_review(dataset, KEY, "eve") is None
    assert shortlist.queue_of(dataset, KEY, "eve").claimed == 2
    shortlist.give_verdict(dataset, KEY, 2, "skip", **BEN)
    assert shortlist.next_to_review(dataset, KEY, "eve").number == 2
    monkeypatch.setattr(claims, "LIFETIME", 0)
    assert shortlist.next_to_review(dataset, KEY, "eve", claim=False).number == 1
    assert shortlist.queue_of(dataset, KEY, "eve").claimed == 0


def test_the_claim_of_another_machine_stands_until_it_ends(reviewed, monkeypatch):
    dataset = reviewed()
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("socket.gethostname", lambda: "elsewhere")
        elsewhere.setattr("os.getpid", lambda: 2**22 + 1)
        assert shortlist.next_to_review(dataset, KEY, "ana").number == 1
    assert shortlist.next_to_review(dataset, KEY, "ben", claim=False).number == 2
    monkeypatch.setattr(claims, "LIFETIME", 0)
    assert shortlist.next_to_review(dataset, KEY, "ben", claim=False).number == 1


def test_the_claim_of_a_process_that_is_gone_ends(reviewed, monkeypatch):
    dataset = reviewed()
    with monkeypatch.context() as gone:
        gone.setattr("os.getpid", lambda: 2**22 + 1)
        assert shortlist.next_to_review(dataset, KEY, "ana").number == 1
    assert shortlist.next_to_review(dataset, KEY, "ben", claim=False).number == 1


def test_looking_without_a_claim_keeps_nobody_away(reviewed):
    dataset = reviewed()
    assert shortlist.next_to_review(dataset, KEY, "ana", claim=False).number == 1
    assert shortlist.to_review(dataset, KEY, 2).number == 2
    assert shortlist.next_to_review(dataset, KEY, "ben", claim=False).number == 1
    assert shortlist.queue_of(dataset, KEY, "eve").claimed == 0


def test_who_passes_over_items_keeps_the_last_two_only(reviewed):
    dataset = reviewed(lambda a, b, c: [wrong(a)] * 6)
    assert [shortlist.next_to_review(dataset, KEY, "ana", after=n).number for n in range(5)] == [1, 2, 3, 4, 5]
    assert shortlist.queue_of(dataset, KEY, "ben").claimed == 2
    assert [shortlist.next_to_review(dataset, KEY, "ben", after=n).number for n in (0, 3)] == [1, 6]


def test_as_many_people_look_at_an_item_as_opinions_lack(reviewed):
    dataset = reviewed(lambda a, b, c: [wrong(a, opinions=2), wrong(b)])
    assert [shortlist.next_to_review(dataset, KEY, who).number for who in ("ana", "ben", "eve")] == [1, 1, 2]
    shortlist.give_verdict(dataset, KEY, 1, "keep", **ANA)
    assert shortlist.next_to_review(dataset, KEY, "dan") is None
    shortlist.give_verdict(dataset, KEY, 1, "skip", **BEN)
    assert shortlist.next_to_review(dataset, KEY, "dan").number == 1


def test_the_second_on_an_item_is_told_who_decided_what_and_may_decide_nevertheless(reviewed, snapshot):
    dataset = reviewed()
    seen = shortlist.to_review(dataset, KEY, 2).verdicts
    shortlist.give_verdict(dataset, KEY, 2, "relabel", label="bird", comment="a wren", seen=seen, **ANA)
    before = snapshot(dataset)
    said = r"item 2 was decided meanwhile: ana said relabel as 'bird' at \d{4}-\d\d-\d\d \d\d:\d\d UTC, 'a wren'\. Nothing was"
    with pytest.raises(Conflict, match=f"^{said} written. Go on with the next item, or decide nevertheless.$") as told:
        shortlist.give_verdict(dataset, KEY, 2, "keep", seen=seen, **BEN)
    assert snapshot(dataset) == before
    assert [(one.reviewer, one.decision, one.label) for one in told.value.verdicts] == [("ana", "relabel", "bird")]
    assert isinstance(told.value, ShortlistError)
    assert shortlist.give_verdict(dataset, KEY, 2, "keep", seen=told.value.verdicts, **BEN).state == "disputed"
    assert [one.reviewer for one in shortlist.to_review(dataset, KEY, 2).verdicts] == ["ana", "ben"]


def test_whoever_saw_another_decision_than_there_is_now_is_told(reviewed):
    dataset = reviewed()
    shortlist.give_verdict(dataset, KEY, 1, "keep", **ANA)
    seen = shortlist.to_review(dataset, KEY, 1).verdicts
    shortlist.give_verdict(dataset, KEY, 1, "accept", **ANA)
    with pytest.raises(Conflict, match="ana said accept"):
        shortlist.give_verdict(dataset, KEY, 1, "keep", seen=seen, **BEN)


@pytest.mark.parametrize("meanwhile", ["skip", None, "of another item", "one of two opinions", "own"])
def test_what_takes_nothing_away_is_no_conflict(reviewed, meanwhile):
    dataset = reviewed(lambda a, b, c: [wrong(a, opinions=2 if meanwhile == "one of two opinions" else 1), wrong(a)])
    if meanwhile is None:
        shortlist.give_verdict(dataset, KEY, 1, "keep", **ANA)
    seen = shortlist.to_review(dataset, KEY, 1).verdicts
    if meanwhile is None:
        shortlist.undo_verdict(dataset, KEY, "ana")
    elif meanwhile == "own":
        shortlist.give_verdict(dataset, KEY, 1, "accept", **BEN)
    else:
        said = "skip" if meanwhile == "skip" else "accept"
        shortlist.give_verdict(dataset, KEY, 2 if meanwhile == "of another item" else 1, said, **ANA)
    shortlist.give_verdict(dataset, KEY, 1, "keep", seen=seen, **BEN)
    assert ("ben", "keep") in {(one.reviewer, one.decision) for one in shortlist.to_review(dataset, KEY, 1).verdicts}


def test_two_opinions_that_came_in_unseen_leave_nothing_for_a_third(reviewed):
    dataset = reviewed(lambda a, b, c: [wrong(a, opinions=2)])
    for who in ("ana", "eve"):
        shortlist.give_verdict(dataset, KEY, 1, "keep", reviewer=who, seen=[])
    with pytest.raises(Conflict, match=r"ana said keep at .* UTC; eve said keep at .* UTC. Nothing"):
        shortlist.give_verdict(dataset, KEY, 1, "keep", seen=[], **BEN)


def test_what_people_dispute_and_what_nobody_could_tell_is_settled(reviewed):
    dataset = reviewed(lambda a, b, c: [wrong(a, opinions=2), wrong(b, opinions=2), wrong(c)])
    for who, one, two in (("ana", "not_sure", "keep"), ("ben", "not_sure", "accept")):
        shortlist.give_verdict(dataset, KEY, 1, one, reviewer=who)
        shortlist.give_verdict(dataset, KEY, 2, two, reviewer=who)
    shown = shortlist.next_to_review(dataset, KEY, "eve", disputed=True)
    assert (shown.number, shown.outcome.state, len(shown.verdicts)) == (2, "disputed", 2)
    found = shortlist.give_verdict(dataset, KEY, 2, "keep", reviewer="eve", seen=shown.verdicts, is_final=True)
    assert (found.state, found.decision, found.reviewers) == ("decided", "keep", ("eve",))
    shown = shortlist.next_to_review(dataset, KEY, "eve", disputed=True)
    assert (shown.number, shown.outcome.state) == (1, "unsure")
    assert shortlist.give_verdict(dataset, KEY, 1, "not_sure", reviewer="eve", is_final=True).state == "unsure"
    assert shortlist.next_to_review(dataset, KEY, "eve", disputed=True) is None


def test_to_skip_settles_nothing(reviewed):
    dataset = reviewed(lambda a, b, c: [wrong(a, opinions=2), wrong(b, opinions=2)])
    for number in (1, 2):
        for who, decision in (("ana", "keep"), ("ben", "accept")):
            shortlist.give_verdict(dataset, KEY, number, decision, reviewer=who)
    shortlist.give_verdict(dataset, KEY, 1, "skip", reviewer="eve", is_final=True)
    assert shortlist.next_to_review(dataset, KEY, "eve", disputed=True).number == 2
    assert shortlist.next_to_review(dataset, KEY, "dan", disputed=True).number == 1
    assert shortlist.to_review(dataset, KEY, 1).outcome.state == "disputed"


def test_a_conflict_keeps_what_is_there_wherever_it_is_told():
    verdicts = [Verdict(1, "ana", "keep", "2024")]
    told = Conflict("decided", verdicts).at("item 1")
    assert (str(told), told.verdicts) == ("item 1: decided", verdicts)


def test_a_person_s_last_verdict_is_taken_back_first(reviewed):
    dataset = reviewed()
    for number, decision in ((3, "keep"), (1, "accept"), (2, "skip")):
        shortlist.give_verdict(dataset, KEY, number, decision, **ANA)
    shortlist.give_verdict(dataset, KEY, 1, "accept", **BEN)
    assert shortlist.undo_verdict(dataset, KEY, "ana") == 2
    assert shortlist.undo_verdict(dataset, KEY, "ana") == 1
    assert [one.reviewer for one in shortlist.to_review(dataset, KEY, 1).verdicts] == ["ben"]
    assert shortlist.undo_verdict(dataset, KEY, "ana", 1) is None
    assert shortlist.undo_verdict(dataset, KEY, "ana") == 3
    assert shortlist.undo_verdict(dataset, KEY, "ana") is None
    assert shortlist.undo_verdict(dataset, KEY, "ben", 1) == 1
    assert dataset.values(f"{KEY}_verdicts") == [[], [], []]
    assert dataset.values(f"{KEY}.n_open") == [1, 2, 1]


def test_to_relabel_as_was_suggested_is_to_accept(reviewed):
    dataset = reviewed()
    assert shortlist.give_verdict(dataset, KEY, 1, "relabel", label="dog", **ANA).decision == "accept"
    assert shortlist.give_verdict(dataset, KEY, 1, "accept", **BEN).state == "decided"


def test_what_does_not_fit_is_refused_and_changes_nothing(reviewed, refused):
    dataset = reviewed(lambda a, b, c: [wrong(a), Item(b, "spurious", label="x", given="cat"), Item(c)])

    def refuse(sentence, number=1, decision="relabel", reviewer="ana", key=KEY, **how):
        with refused(dataset, sentence):
            shortlist.give_verdict(dataset, key, number, decision, reviewer=reviewer, **how)

    fits = "decision must be one that fits item"
    refuse(f"{fits} 3: keep, edited, not_sure, skip. Got 'accept' instead.", 3, "accept")
    some = "keep, accept, relabel, edited, not_sure, skip"
    refuse(f"{fits} 2: {some}. Got 'remove' instead. To accept removes it.", 2, "remove")
    decisions = "keep, accept, relabel, remove, edited, not_sure, skip"
    refuse(f"decision must be one of {decisions}. Got 'kep' instead. Did you mean 'keep'?", decision="kep")
    refuse("label must be given to relabel.")
    refuse("label must be left out of 'keep': only relabel takes one.", decision="keep", label="dog")
    where = "a class of 'gt'. Got"
    new = "A new one needs is_new_class=True."
    refuse(f"label must be {where} 'brid' instead. Did you mean 'bird'? {new}", label="brid")
    refuse(f"label must be {where} 'zebra' instead. It has bird, cat, dog. {new}", label="zebra")
    says = "Give another class, or decide keep, if it is right that item 1 is 'cat'."
    refuse(f"label must be another class than the one that is there. Got 'cat' instead. {says}", label="cat")
    refuse("item must be the number of an item of 'review_1', 1 to 3. Got 9 instead.", 9, "keep")
    refuse("item must be >= 1. Got 0 instead.", 0, "keep")
    refuse("reviewer: must be the name of a person. Got an empty text instead.", decision="keep", reviewer=" \n")
    refuse("comment: must have at most 10000 characters. Got 10001 instead.", decision="keep", comment="x" * 10_001)
    half = "comment: must be text in Unicode. Got half of a character instead."
    refuse(half, decision="keep", comment="\ud83d")
    known = "Did you mean 'review_1'? Start one with `start_review`."
    name = dataset.name
    refuse(f"run_key must be a review of {name!r}. Got 'review_2' instead. {known}", decision="keep", key="review_2")


def test_a_new_class_is_for_datasets_that_declare_none(reviewed):
    dataset = reviewed()
    found = shortlist.give_verdict(dataset, KEY, 1, "relabel", label="zebra 🦓", is_new_class=True, **ANA)
    assert found.label == "zebra 🦓"
    dataset.classes = {"gt": ["bird", "cat", "dog"]}
    with pytest.raises(ShortlistError, match=r"^label must be a class of 'gt'. Got 'yak' .* Add it to dataset.classes"):
        shortlist.give_verdict(dataset, KEY, 2, "relabel", label="yak", is_new_class=True, **ANA)


def test_a_class_of_a_mask_must_have_a_number(make):
    sample = fo.Sample("/x.png", gt=fo.Segmentation(mask_path="/x_mask.png"))
    dataset = make([sample], default_mask_targets={1: "road"})
    region = Item(sample.id, "wrong_class", 0.1, suggestion="p", given="road", suggested="path")
    write(dataset, [region], classes=["path", "road", "sky"])
    with pytest.raises(
        ShortlistError, match=r"^label must be a class of 'gt'. Got 'sea' .* Add it to dataset.mask_targets"
    ):
        shortlist.give_verdict(dataset, KEY, 1, "relabel", label="sea", is_new_class=True, **ANA)
    assert shortlist.give_verdict(dataset, KEY, 1, "relabel", label="sky", **ANA).label == "sky"


@pytest.mark.parametrize(
    "call",
    [
        lambda d, key, who: shortlist.next_to_review(d, key, who),
        lambda d, key, who: shortlist.undo_verdict(d, key, who),
        lambda d, key, who: shortlist.queue_of(d, key, who),
    ],
)
def test_every_call_says_what_is_wrong_with_review_and_name(reviewed, call):
    dataset = reviewed()
    with pytest.raises(ShortlistError, match=r"^run_key must be a review of"):
        call(dataset, "nothing", "ana")
    with pytest.raises(ShortlistError, match=r"^reviewer: must be the name of a person. Got an empty text"):
        call(dataset, KEY, "")
    with pytest.raises(ShortlistError, match=r"^the samples must be a FiftyOne dataset or view. Got 'int' instead."):
        call(5, KEY, "ana")
    with pytest.raises(ShortlistError, match=r"^item must be an integer. Got '1' instead."):
        shortlist.to_review(dataset, KEY, "1")


def test_items_of_a_deleted_sample_come_to_nobody(reviewed):
    dataset = reviewed()
    shortlist.give_verdict(dataset, KEY, 4, "keep", **ANA)
    assert shortlist.queue_of(dataset, KEY, "ana").total == 4
    shown = shortlist.next_to_review(dataset, KEY, "ana", after=1)
    dataset.delete_samples([dataset.skip(1).first()])
    gone = r"^item 2 of 'review_1' must be of a sample that is there. Got a deleted sample instead"
    with pytest.raises(ShortlistError, match=gone):
        shortlist.give_verdict(dataset, KEY, shown.number, "keep", **ANA)
    with pytest.raises(ShortlistError, match=gone):
        shortlist.to_review(dataset, KEY, 2)
    with pytest.raises(ShortlistError, match=gone):
        shortlist.undo_verdict(dataset, KEY, "ana", 2)
    state = shortlist.queue_of(dataset, KEY, "ana")
    assert (state.total, state.gone, state.open, state.mine_done) == (2, 2, 1, 1)
    assert numbers(dataset, "ana") == [1]
    review = review_of(dataset, KEY)
    assert set(verdicts_of(dataset, review)) == {1, 4}
    assert (sample_is_there(dataset, review, 1), sample_is_there(dataset, review, 2)) == (True, False)
    dataset.delete_samples(dataset.values("id"))
    assert shortlist.next_to_review(dataset, KEY, "ana") is None
    assert shortlist.queue_of(dataset, KEY, "ana").gone == 4


@pytest.mark.parametrize("lost", [KEY, f"{KEY}_verdicts"])
def test_a_review_that_lost_a_field_takes_no_verdicts(reviewed, refused, lost):
    dataset = reviewed()
    dataset.delete_sample_field(lost)
    says = "Got samples without it instead; nothing was written. Give the field its old name again, or delete the review with"
    with refused(dataset, f"the review {KEY!r} must have its field {lost!r}. {says} `manage_reviews`."):
        shortlist.give_verdict(dataset, KEY, 1, "keep", **ANA)


def test_a_verdict_on_a_deleted_review_does_not_go_to_another_of_that_name(reviewed, refused):
    dataset = reviewed()
    shown = shortlist.next_to_review(dataset, KEY, "ana")
    shortlist.delete_review(dataset, KEY)
    write(dataset, [wrong(dataset.last().id)])
    says = "Got one on a review of that name that was deleted since instead; nothing was written. Go on with the next item."
    with refused(dataset, f"the verdict must be on the review {KEY!r} that is there. {says}"):
        shortlist.give_verdict(dataset, KEY, 1, "keep", seen=shown.verdicts, review_id=shown.review_id, **ANA)
    shown = shortlist.next_to_review(dataset, KEY, "ana")
    found = shortlist.give_verdict(dataset, KEY, 1, "keep", seen=shown.verdicts, review_id=shown.review_id, **ANA)
    assert found.state == "decided"


def test_cleared_verdicts_are_no_verdicts(reviewed):
    dataset = reviewed()
    shortlist.give_verdict(dataset, KEY, 1, "keep", **ANA)
    dataset.clear_sample_field(f"{KEY}_verdicts")
    assert shortlist.queue_of(dataset, KEY, "ana").decided == 0
    assert shortlist.give_verdict(dataset, KEY, 1, "accept", **ANA).decision == "accept"
    assert dataset.values(f"{KEY}_verdicts.decision") == [["accept"], None, None]


def test_a_copy_of_a_sample_is_no_sample_of_the_review(reviewed):
    dataset = reviewed()
    shortlist.give_verdict(dataset, KEY, 1, "keep", **ANA)
    assert shortlist.queue_of(dataset, KEY, "ana").decided == 1
    copy = dataset.first().copy()
    dataset.add_sample(copy)
    dataset.delete_samples([dataset.first()])
    assert copy[f"{KEY}_verdicts"][0].reviewer == "ana"
    state = shortlist.queue_of(dataset, KEY, "ana")
    assert (state.total, state.gone, state.decided) == (3, 1, 0)


def test_a_review_of_the_same_name_begins_anew(reviewed):
    dataset = reviewed()
    assert numbers(dataset, "ana") == [1, 2, 3, 4]
    kept.delete(dataset, KEY)
    with pytest.raises(ShortlistError, match=r"^run_key must be a review of .* It has none yet."):
        shortlist.next_to_review(dataset, KEY, "ana")
    write(dataset, [wrong(dataset.last().id)])
    shown = shortlist.next_to_review(dataset, KEY, "ana")
    assert (shown.sample_id, shortlist.queue_of(dataset, KEY, "ana").total) == (dataset.last().id, 1)


def test_views_patches_and_clones_lead_to_their_review(reviewed, make):
    dataset = reviewed()
    shortlist.give_verdict(dataset.limit(1), KEY, 4, "keep", **ANA)
    clone = dataset.clone()
    try:
        shortlist.give_verdict(clone, KEY, 1, "accept", **ANA)
        assert shortlist.queue_of(clone, KEY, "ana").decided == 2
        assert shortlist.queue_of(dataset, KEY, "ana").decided == 1
    finally:
        clone.delete()
    boxes = make(
        [fo.Sample("/x.png", gt=fo.Detections(detections=[fo.Detection(label="cat", bounding_box=[0, 0, 1, 1])]))]
    )
    write(boxes, [wrong(boxes.first().id)])
    patches = boxes.to_patches("gt")
    assert shortlist.next_to_review(patches, KEY, "ana").number == 1
    shortlist.give_verdict(patches, KEY, 1, "keep", **ANA)
    assert boxes.values(f"{KEY}_verdicts.reviewer") == [["ana"]]


def test_every_slice_of_a_grouped_dataset_is_reviewed(make):
    group = fo.Group()
    dataset = make([fo.Sample(f"/{name}.png", group=group.element(name)) for name in ("left", "right")])
    ids = dataset.select_group_slices(_allow_mixed=True).values("id")
    write(dataset, [wrong(ids[0]), wrong(ids[1])])
    assert numbers(dataset, "ana") == [1, 2]


def test_what_others_write_is_seen_whoever_holds_it(reviewed):
    """Another process changes the database; this one has looked already, and keeps what it saw at hand."""
    dataset = reviewed()
    assert shortlist.queue_of(dataset, KEY, "ana").open == 4
    held = {"item": 1, "reviewer": "über.ana $1", "decision": "keep", "at": "2024-01-01T00:00:00.000Z"}
    change = [{"$set": {f"{KEY}_verdicts": [held], "last_modified_at": "$$NOW"}}]
    dataset._sample_collection.update_one({f"{KEY}.first": 1}, change)
    assert shortlist.queue_of(dataset, KEY, "über.ana $1").mine_done == 1
    shortlist.undo_verdict(dataset, KEY, "über.ana $1")
    assert shortlist.queue_of(dataset, KEY, "ana").open == 4


def test_a_change_that_bears_an_old_time_is_seen_in_the_end(reviewed, monkeypatch):
    dataset = reviewed()
    shortlist.queue_of(dataset, KEY, "ana")
    held = {"item": 1, "reviewer": "ana", "decision": "keep", "at": "2024-01-01T00:00:00.000Z"}
    old = {f"{KEY}_verdicts": [held], "last_modified_at": datetime(2024, 1, 1)}
    dataset._sample_collection.update_one({f"{KEY}.first": 1}, {"$set": old})
    monkeypatch.setattr(followed, "_STALE", 0)
    assert shortlist.queue_of(dataset, KEY, "ana").mine_done == 1


def test_a_sample_in_memory_shows_what_was_decided_and_keeps_it_when_saved(reviewed):
    dataset = reviewed()
    sample = dataset.first()
    shortlist.give_verdict(dataset, KEY, 1, "keep", **ANA)
    sample["mine"] = 7
    sample.save()
    assert sample[KEY].n_open == 0
    assert verdicts_of(dataset, review_of(dataset, KEY), [1])[1][0].decision == "keep"


def test_an_earlier_verdict_of_one_s_own_is_replaced_and_those_of_others_keep_every_byte(reviewed):
    dataset = reviewed()
    collection = dataset._sample_collection
    shortlist.give_verdict(dataset, KEY, 2, "keep", **BEN)
    [theirs] = collection.find_one({f"{KEY}.first": 2})[f"{KEY}_verdicts"]
    for decision in ("keep", "accept", "not_sure"):
        shortlist.give_verdict(dataset, KEY, 2, decision, **ANA)
    held = collection.find_one({f"{KEY}.first": 2})[f"{KEY}_verdicts"]
    assert [list(one.items()) for one in held if one["reviewer"] == "ben"] == [list(theirs.items())]
    assert [one["decision"] for one in held if one["reviewer"] == "ana"] == ["not_sure"]


def test_who_decided_can_be_filtered_in_the_app(reviewed):
    dataset = reviewed()
    shortlist.give_verdict(dataset, KEY, 2, "keep", comment="so it is", **ANA)
    dataset.reload()
    assert dataset.distinct(f"{KEY}_verdicts.reviewer") == ["ana"]
    assert len(dataset.match(F(f"{KEY}_verdicts.comment").contains("so it is"))) == 1
    assert odm.get_db_conn().list_collection_names(filter={"name": {"$regex": "^shortlist[.]"}}) == []


def test_verdicts_are_read_the_oldest_first(reviewed):
    dataset = reviewed()
    for who in ("zoe", "ana"):
        shortlist.give_verdict(dataset, KEY, 1, "keep", reviewer=who)
        time.sleep(0.002)
    found = verdicts_of(dataset, review_of(dataset, KEY))
    assert list(found) == [1, 2, 3, 4]
    assert [one.reviewer for one in found[1]] == ["zoe", "ana"]
    assert all(isinstance(one, Verdict) for one in found[1])
    with pytest.raises(ShortlistError, match=r"^item must be the number of an item"):
        verdicts_of(dataset, review_of(dataset, KEY), [5])
