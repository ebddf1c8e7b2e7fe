"""Whether a verdict fits its item: the decision, and the class."""

from __future__ import annotations

from dataclasses import replace

import fiftyone as fo

from ...core.errors import did_you_mean, listed, must_be
from ...core.review.questions import choices
from ...core.review.verdicts import Verdict
from ...core.verbs.deciding import GiveVerdict
from ...dataset.review.kept import Review


def fitting(dataset: fo.Dataset, review: Review, given: GiveVerdict) -> Verdict:
    """The verdict, if it fits the item.

    Raises:
        ShortlistError: the decision or the class does not
    """
    about, record = review.item(given.item), review.record
    fits = choices(about, has_labels=record.label_field is not None)
    # To skip settles nothing.
    is_final = given.is_final and given.decision != "skip"
    verdict = Verdict(given.item, given.reviewer, given.decision, "", given.label, given.comment, is_final)
    if given.decision not in fits:
        hint = "To accept removes it." if given.decision == "remove" and "accept" in fits else ""
        raise must_be("decision", f"one that fits item {given.item}: {listed(fits)}", given.decision, hint)
    if given.decision != "relabel" or given.label is None:
        return verdict
    if given.label == about.given:
        hint = f"Give another class, or decide keep, if it is right that item {given.item} is {about.given!r}."
        raise must_be("label", "another class than the one that is there", given.label, hint)
    if given.label == about.suggested and "accept" in fits and about.kind != "bad_location":
        return replace(verdict, decision="accept", label=None)
    _refuse_unknown(dataset, review, given)
    return verdict


def _refuse_unknown(dataset: fo.Dataset, review: Review, given: GiveVerdict) -> None:
    """Stops before a class that is not among those of the review.

    Raises:
        ShortlistError: with those there are
    """
    record, label = review.record, str(given.label)
    if label in record.classes:
        return
    path = record.label_field or ""
    is_declared = bool(dataset.classes.get(path) or dataset.default_classes) or _is_mask(dataset, path)
    if given.is_new_class and not is_declared:
        return
    hint = did_you_mean(label, record.classes) or f"It has {listed(record.classes) or 'none'}."
    held = "dataset.mask_targets" if _is_mask(dataset, path) else "dataset.classes"
    way = f"Add it to {held} and start a new review." if is_declared else "A new one needs is_new_class=True."
    raise must_be("label", f"a class of {path!r}", label, f"{hint} {way}")


def _is_mask(dataset: fo.Dataset, path: str) -> bool:
    """Whether a field holds masks, whose classes have numbers that must be known."""
    return issubclass(getattr(dataset.get_field(path), "document_type", None) or object, fo.Segmentation)
