"""Verdicts in the dataset: each is one atomic change of the sample that it is about, and nothing else holds them."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import fiftyone as fo
from bson import ObjectId
from fiftyone.core.sample import Sample
from pymongo import ReturnDocument, WriteConcern

from ...core.errors import Conflict, ShortlistError
from ...core.review.items import Item
from ...core.review.verdicts import Outcome, State, Verdict, outcome
from .kept import FIRST, N_OPEN, STATUS, Review, lost, verdicts_field

# The first state that any item of a sample is in is the sample's status.
_STATES: tuple[State, ...] = ("open", "disputed", "unsure", "decided")
# Others may decide other items of the same sample at the same moment, again and again.
_TRIES = 200
# What a person is told is decided is on the disk, should the database itself be killed the next moment.
_KEPT = WriteConcern(w="majority", j=True)
# After every time that a verdict may bear, until the database says the time.
_LATEST = "9999"


def verdicts_of(dataset: fo.Dataset, review: Review, numbers: Iterable[int] | None = None) -> dict[int, list[Verdict]]:
    """The verdicts on items, by their number.

    Args:
        dataset: the dataset
        review: the review
        numbers: of which items; nothing given: all

    Returns:
        a list an item, the oldest verdict first; items whose sample was deleted are absent
    """
    wanted = None if numbers is None else set(numbers)
    by_sample = review.numbers_of() if wanted is None else _samples_of(review, wanted)
    condition: dict[str, Any] = {f"{review.run_key}.{FIRST}": {"$gte": 1}}
    if wanted is not None:
        condition["_id"] = {"$in": [ObjectId(sample) for sample in by_sample]}
    found: dict[int, list[Verdict]] = {}
    for document in dataset._sample_collection.find(condition, {verdicts_field(review.run_key): True}):
        # A copy of a sample is no sample of the review.
        found.update(read(document, review.run_key, by_sample.get(str(document["_id"]), ())))
    return {number: found[number] for number in sorted(found)}


def _samples_of(review: Review, numbers: Iterable[int]) -> dict[str, list[int]]:
    """The samples of some items."""
    found: dict[str, list[int]] = {}
    for number in numbers:
        found.setdefault(review.item(number).sample, []).append(number)
    return found


def read(document: Mapping[str, Any], run_key: str, numbers: Sequence[int]) -> dict[int, list[Verdict]]:
    """The verdicts that a raw document of a sample holds on some of its items."""
    held = document.get(verdicts_field(run_key)) or ()
    found: dict[int, list[Verdict]] = {number: [] for number in numbers}
    for one in held:
        if one["item"] in found:
            found[one["item"]].append(_verdict(one))
    for verdicts in found.values():
        verdicts.sort(key=lambda verdict: verdict.at)
    return found


def _verdict(held: Mapping[str, Any]) -> Verdict:
    return Verdict(
        held["item"],
        held["reviewer"],
        held["decision"],
        held["at"],
        held.get("label"),
        held.get("comment") or "",
        bool(held.get("is_final")),
    )


def sample_is_there(dataset: fo.Dataset, review: Review, number: int) -> bool:
    """Whether the sample of an item is still there."""
    return bool(verdicts_of(dataset, review, [number]))


def write_verdict(
    dataset: fo.Dataset, review: Review, verdict: Verdict, seen: Sequence[Verdict] | None = None
) -> tuple[Verdict, Outcome]:
    """Writes a person's verdict on an item in place of their own earlier one; others' stay as they are.

    Args:
        dataset: the dataset
        review: the review
        verdict: what was decided; the database says when, by its own clock
        seen: the verdicts on the item that the person saw; None: whatever is there

    Returns:
        the verdict as written, and what the verdicts on the item now come to

    Raises:
        Conflict: others gave the opinions that the item lacked, and the person did not see them; nothing was written
        ShortlistError: the sample was deleted; nothing was written
    """

    def changed(held: list[Verdict]) -> list[Verdict]:
        if seen is not None:
            _refuse_unseen(review.item(verdict.item), held, verdict, seen)
        return [one for one in held if one.reviewer != verdict.reviewer] + [replace(verdict, at=_LATEST)]

    after = _change(dataset, review, verdict.item, changed)
    written = next(one for one in after if one.reviewer == verdict.reviewer)
    return written, outcome(review.item(verdict.item), after)


def withdraw_verdict(dataset: fo.Dataset, review: Review, number: int, reviewer: str) -> bool:
    """Takes a person's verdict on an item back.

    Args:
        dataset: the dataset
        review: the review
        number: the item
        reviewer: whose verdict

    Returns:
        whether there was one

    Raises:
        ShortlistError: the sample was deleted
    """
    found = False

    def changed(held: list[Verdict]) -> list[Verdict] | None:
        nonlocal found
        kept = [one for one in held if one.reviewer != reviewer]
        found = len(kept) < len(held)
        return kept if found else None

    _change(dataset, review, number, changed)
    return found


def _refuse_unseen(item: Item, held: Sequence[Verdict], verdict: Verdict, seen: Sequence[Verdict]) -> None:
    """Stops a verdict that nobody needs any more because of what its giver did not see.

    People who decide an item of the overlap do so apart: as long as opinions lack, another's is no conflict.

    Raises:
        Conflict: who decided what, and when
    """
    known = {(one.reviewer, one.meaning, one.is_final) for one in seen}
    others = [one for one in held if one.reviewer != verdict.reviewer]
    unseen = [
        one for one in others if one.decision != "skip" and (one.reviewer, one.meaning, one.is_final) not in known
    ]
    if unseen and outcome(item, others).state != "open":
        raise Conflict(
            f"item {verdict.item} was decided meanwhile: {'; '.join(map(told, unseen))}. Nothing was written. "
            f"Go on with the next item, or decide nevertheless.",
            held,
        )


def told(verdict: Verdict) -> str:
    """Who decided what and when, in a few words."""
    what = verdict.decision if verdict.label is None else f"{verdict.decision} as {verdict.label!r}"
    comment = f", {verdict.comment!r}" if verdict.comment else ""
    return f"{verdict.reviewer} said {what} at {verdict.at[:16].replace('T', ' ')} UTC{comment}"


def _change(
    dataset: fo.Dataset,
    review: Review,
    number: int,
    changed: Callable[[list[Verdict]], list[Verdict] | None],
) -> list[Verdict]:
    """Changes the verdicts on one item if nobody changed any of its sample since they were read, else reads again.

    Args:
        dataset: the dataset
        review: the review
        number: the item
        changed: makes the new verdicts on the item of those there; None: nothing is to change

    Returns:
        the verdicts on the item, as they now are
    """
    key, sample = review.run_key, ObjectId(review.item(number).sample)
    place, collection = verdicts_field(key), dataset._sample_collection.with_options(write_concern=_KEPT)
    for attempt in range(_TRIES):
        document = collection.find_one({"_id": sample, f"{key}.{FIRST}": {"$gte": 1}}, {place: True})
        if document is None or place not in document:
            raise _lacking(dataset, key, number, sample)
        raw = document.get(place)
        new = changed(read(document, key, [number])[number])
        if new is None:
            return read(document, key, [number])[number]
        others = [one for one in raw or [] if one["item"] != number]
        mine = [one for one in raw or [] if one["item"] == number]
        update = _update(review, str(sample), others, _raw(new, mine))
        found = collection.find_one_and_update(
            {"_id": sample, place: raw}, update, {place: True}, return_document=ReturnDocument.AFTER
        )
        if found is not None:
            # Who holds the sample in this process sees it too.
            Sample._reload_doc(dataset._sample_collection_name, sample)
            return read(found, key, [number])[number]
        time.sleep(random.uniform(0, 0.001 * min(attempt + 1, 20)))
    raise ShortlistError(
        f"item {number} of {key!r} could not be written: others changed its sample {_TRIES} times meanwhile. Try again."
    )


def _lacking(dataset: fo.Dataset, run_key: str, number: int, sample: ObjectId) -> ShortlistError:
    """Why there is nothing to write a verdict to."""
    held = dataset._sample_collection.find_one({"_id": sample}, {run_key: True, verdicts_field(run_key): True})
    if held is not None:
        return lost(run_key, run_key if not held.get(run_key) else verdicts_field(run_key))
    return ShortlistError(
        f"item {number} of {run_key!r} must be of a sample that is there. Got a deleted sample instead; nothing was "
        f"written. Go on with the next item."
    )


def _raw(verdicts: Iterable[Verdict], held: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Verdicts as the database holds them; those that were there stay as they are."""
    there = {one["reviewer"]: one for one in held}
    return [
        {"_cls": "DynamicEmbeddedDocument", **asdict(one)} if one.at == _LATEST else there[one.reviewer]
        for one in verdicts
    ]


def _update(review: Review, sample: str, others: list[dict], mine: list[dict]) -> list[dict[str, Any]]:
    """The update that sets the verdicts of a sample, and what follows from them, at the time of the database."""
    now = {"$dateToString": {"date": "$$NOW", "format": "%Y-%m-%dT%H:%M:%S.%LZ"}}
    held = [*others, *mine]
    listed = [
        {"$mergeObjects": [{"$literal": one}, {"at": now}]} if one["at"] == _LATEST else {"$literal": one}
        for one in held
    ]
    numbers = [number for number, item in enumerate(review.items, start=1) if item.sample == sample]
    read_now = read({verdicts_field(review.run_key): held}, review.run_key, numbers)
    states = [outcome(review.item(number), read_now[number]).state for number in numbers]
    status = next((state for state in _STATES if state in states), "open")
    return [
        {
            "$set": {
                verdicts_field(review.run_key): listed,
                f"{review.run_key}.{N_OPEN}": {"$literal": states.count("open")},
                f"{review.run_key}.{STATUS}": status,
                "last_modified_at": "$$NOW",
            }
        }
    ]
