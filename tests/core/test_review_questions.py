"""Which decisions fit an item, and what is asked in words."""

from __future__ import annotations

import pytest

from shortlist.core.review.items import Item
from shortlist.core.review.questions import choices, meaning, question, reason

PLACE = (0.1, 0.1, 0.2, 0.2)
ITEMS = {
    "missing": Item("s", "missing", 0.1, suggestion="p", suggested="dog", suggested_box=PLACE),
    "spurious": Item("s", "spurious", 0.1, label="x", given="cat", box=PLACE),
    "duplicate": Item("s", "duplicate", 0.1, label="x", given="cat", box=PLACE),
    "bad_location": Item("s", "bad_location", 0.1, "x", "p", "cat", "cat", PLACE, PLACE),
    "bad_location nowhere": Item("s", "bad_location", 0.1, "x", None, "cat", "cat", PLACE),
    "wrong_class": Item("s", "wrong_class", 0.1, label="x", given="cat", suggested="dog"),
    "wrong_class unknown": Item("s", "wrong_class", 0.1, label="x", given="cat"),
    "region": Item("s", "bad_location", 0.1, suggestion="p", given="road", suggested="path"),
    "region to nothing": Item("s", "spurious", 0.1, suggestion="p", given="road"),
    "mask": Item("s", "wrong_class", 0.1),
    "label": Item("s", label="x", given="cat"),
    "sample": Item("s"),
}


@pytest.mark.parametrize(
    ("what", "fitting"),
    [
        ("missing", "keep accept relabel"),
        ("spurious", "keep accept relabel"),
        ("duplicate", "keep accept relabel"),
        ("bad_location", "keep accept relabel remove"),
        ("bad_location nowhere", "keep relabel remove"),
        ("wrong_class", "keep accept relabel remove"),
        ("wrong_class unknown", "keep relabel remove"),
        ("region", "keep accept relabel"),
        ("region to nothing", "keep accept relabel"),
        ("mask", "keep"),
        ("label", "keep relabel remove"),
        ("sample", "keep"),
    ],
)
def test_which_decisions_fit(what, fitting):
    assert choices(ITEMS[what]) == (*fitting.split(), "edited", "not_sure", "skip")


def test_without_a_label_field_nothing_is_relabelled():
    assert "relabel" not in choices(ITEMS["label"], has_labels=False)


@pytest.mark.parametrize(
    ("what", "asked"),
    [
        ("missing", "Is a 'dog' missing here?"),
        ("spurious", "Is there no 'cat' here?"),
        ("duplicate", "Is this 'cat' labelled twice?"),
        ("bad_location", "Is this 'cat' in the wrong place?"),
        ("wrong_class", "Is this 'cat' a 'dog'?"),
        ("wrong_class unknown", "Is this 'cat' of another class?"),
        ("region", "Is this region 'path' instead of 'road'?"),
        ("region to nothing", "Is this region nothing instead of 'road'?"),
        ("mask", "Is the mask of this sample right?"),
        ("label", "Is this 'cat' right?"),
        ("sample", "Is this sample labelled right?"),
    ],
)
def test_what_is_asked(what, asked):
    assert question(ITEMS[what]) == asked


def test_a_kind_that_is_not_known_is_asked_about_and_decided_as_a_label():
    item = Item("s", "upside down", None, label="x", given="cat")
    assert question(item) == "Is this 'cat' wrong (upside down)?"
    assert reason(item) == "Suspected: upside down."
    assert choices(item)[:3] == ("keep", "relabel", "remove")


def test_what_is_not_suspected_is_asked_about_without_its_quality():
    """Who is told that a label is surely right would hardly look."""
    assert reason(Item("s", quality=0.99, label="x", given="cat", is_audit=True)) == reason(ITEMS["label"])


def test_why_it_is_asked():
    assert reason(ITEMS["label"]) == "It is among what is to be looked at."
    assert reason(ITEMS["missing"]) == ("Suspected: a label is missing. Nothing is missing with a likelihood of 10 %.")
    assert reason(ITEMS["region"]) == (
        "Suspected: part of the mask is of another class. The mask is right with a likelihood of 10 %."
    )
    assert reason(Item("s", "100%", 0.5, "x")) == "Suspected: 100%. The label is right with a likelihood of 50 %."


@pytest.mark.parametrize(
    ("what", "decision", "label", "said"),
    [
        ("missing", "keep", None, "nothing is missing"),
        ("missing", "accept", None, "'dog' is missing"),
        ("spurious", "accept", None, "it should not be there"),
        ("region to nothing", "accept", None, "it is not labelled"),
        ("bad_location", "accept", None, "it is where it was suggested"),
        ("region", "accept", None, "it is 'path'"),
        ("label", "relabel", "bird", "it is 'bird'"),
        ("label", "relabel", None, "it is of another class"),
        ("label", "keep", None, "it is right as it is"),
    ],
)
def test_what_a_decision_means(what, decision, label, said):
    assert meaning(ITEMS[what], decision, label) == said


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS)
def test_every_decision_that_fits_has_a_meaning(item):
    assert all(meaning(item, decision) for decision in choices(item))
