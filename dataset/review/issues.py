"""Label issues, labels and samples as the items of a review."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import fiftyone as fo
from bson import ObjectId

from ...core.errors import ShortlistError, must_be
from ...core.review.items import Item
from ...core.review.planning import Drawn
from ..label_issues import GIVEN_ID, ISSUE, QUALITY, SUGGESTION, SUGGESTIONS
from ..labels import LabelField, label_field, prediction_fields
from ..results import is_complete
from ..samples import FRAMES, Samples, dataset_of, documents, value_at
from ..score_fields import sample_path
from .places import box_of
from .targets import Target

_MISSING, _WRONG_CLASS, _BAD_LOCATION = "missing", "wrong_class", "bad_location"
#: what is to be said of issues: those that are no items any more, and those that cannot be accepted
DONE = "whose labels already are as was suggested: left out"
OLD = "with a bad location and no better one that says which label it is for: run `score_label_quality` again"
_OF_LABEL = ("_id", "label", "bounding_box", "points", "quality", "issue", "suggestion")
_OF_SUGGESTION = ("_id", "label", "bounding_box", "quality", "issue", "given", GIVEN_ID)


def reviewed_field(samples: Samples, path: str) -> LabelField:
    """The label field of a review.

    Raises:
        ShortlistError: no such field, or one of frames
    """
    field = label_field(samples, path)
    if field.of_frames:
        hint = "Make a dataset of the frames with dataset.to_frames().clone() and review that."
        raise must_be("label_field", "a field of samples, not of frames", path, hint)
    return field


def has_issues(samples: Samples, path: str) -> bool:
    """Whether the labels of a field were scored by ``score_label_quality``."""
    return is_complete(dataset_of(samples), sample_path(path, ISSUE))


def fields_with_issues(samples: Samples) -> list[str]:
    """The label fields that were scored by ``score_label_quality``."""
    dataset = dataset_of(samples)
    return [path for path in prediction_fields(dataset) if not path.startswith(FRAMES) and has_issues(dataset, path)]


def sample_items(target: Target, path: str | None) -> Iterator[Item]:
    """Each sample as an item, with the quality of its labels where a label field is given that was scored."""
    quality = None if path is None or not has_issues(target.samples, path) else sample_path(path, QUALITY)
    for batch in documents(target.samples, {} if quality is None else {quality: True}, 10_000):
        for document in batch:
            yield Item(str(document["_id"]), quality=None if quality is None else value_at(document, quality))


class Labels:
    """Reads the labels of a field as items, with what is suspected of them.

    Args:
        target: where to look
        field: the labels
    """

    def __init__(self, target: Target, field: LabelField):
        self.target, self.field = target, field
        self.notes: Counter[str] = Counter()
        self._quality, self._issue, self._suggestion, suggestions = (
            sample_path(field.path, name) for name in (QUALITY, ISSUE, SUGGESTION, SUGGESTIONS)
        )
        kind: type = fo.Classifications if field.task == "multilabel" else fo.Detections
        self._suggested = f"{suggestions}.{kind._LABEL_LIST_FIELD}"  # type: ignore[attr-defined]
        self._is_scored = has_issues(target.samples, field.path)

    def issues(self, *, in_order: bool = False) -> Iterator[Item]:
        """What is suspected: labels, labels that are missing, regions of masks.

        Args:
            in_order: whether they must come in the order of the view, which takes longer

        Raises:
            ShortlistError: the labels were not scored, or the view hides what was found
        """
        if not self._is_scored:
            raise ShortlistError(
                f"label_field must have label issues to review. Got {self.field.path!r}, which was not scored yet, "
                f"instead. Run `score_label_quality` first, or review the labels or samples themselves (subject)."
            )
        if self.target.samples.get_field(self._issue) is None:
            raise ShortlistError(
                f"the view must show the field {self._issue!r}. Got a view that leaves it out instead. Review the dataset, "
                f"or a view with all fields."
            )
        # By an index the database finds samples in the order of the index.
        unindexed = {"$expr": {"$gt": [{"$ifNull": [f"${self._issue}", None]}, None]}}
        suspected = self.target.samples.match(unindexed if in_order else {self._issue: {"$ne": None}})
        for batch in documents(suspected, self._projection(relevant=True)):
            for document in batch:
                yield from self._issues_in(document)

    def labels(self) -> Iterator[Item]:
        """Every label that is shown, with what is suspected of it."""
        for batch in documents(self.target.samples, self._projection()):
            for document in batch:
                yield from self._labels_in(document)

    def unsuspected(self, n: int, seed: int) -> tuple[list[Item], int]:
        """Labels of which nothing is suspected, drawn at random.

        Args:
            n: how many
            seed: which

        Returns:
            those drawn, and how many there are
        """
        if not n and self.target.labels is None:
            return [], self._count_unsuspected()
        drawn = Drawn(n, seed)
        for batch in documents(self.target.samples, {"own": self._unsuspected()}, 10_000):
            for document in batch:
                own = document.get("own") or []
                drawn.add(f"{document['_id']}/{one}" for one in own if not one or self.target.shows(one))
        names = drawn.names()
        owners = [ObjectId(name.partition("/")[0]) for name in names]
        found: dict[str, Item] = {}
        for batch in documents(self.target.samples.match({"_id": {"$in": owners}}), self._projection()):
            found |= {f"{one.sample}/{one.label or ''}": one for document in batch for one in self._labels_in(document)}
        return [found[name] for name in sorted(names & set(found))], drawn.seen

    def _count_unsuspected(self) -> int:
        """How many labels there are of which nothing is suspected, counted by the database."""
        stages = [{"$group": {"_id": None, "number": {"$sum": {"$size": self._unsuspected()}}}}]
        found = list(self.target.samples._aggregate(post_pipeline=stages))
        return int(found[0]["number"]) if found else 0

    def _issues_in(self, document: dict) -> Iterator[Item]:
        """What is suspected of a sample."""
        found = [item for item in self._labels_in(document) if item.kind is not None]
        suggested = [one for one in self._suggestions_in(document) if self.target.shows(one["_id"])]
        if self.field.task == "segmentation":
            regions = [self._suggested_item(document, one) for one in suggested]
            # A mask may be suspected as a whole, without a region that speaks most against it.
            yield from regions or found
            return
        missing = [self._suggested_item(document, one) for one in suggested if one.get("issue") == _MISSING]
        places = {(one.get("label"), box_of(one)) for one in self._labels_of(document)} if missing else set()
        for item in (*found, *missing):
            if _is_done(item, places):
                self.notes[DONE] += 1
                continue
            self.notes[OLD] += item.kind == _BAD_LOCATION and item.suggestion is None
            yield item

    def _labels_in(self, document: dict) -> Iterator[Item]:
        """Each label of a sample that is shown, suspected or not."""
        sample = str(document["_id"])
        if self.field.list_attribute is None:
            yield from self._one_label(sample, document)
            return
        corrections = {one.get(GIVEN_ID): one for one in self._suggestions_in(document)}
        for label in self._labels_of(document):
            if self.target.shows(label["_id"]):
                # Attributes of these names may be the user's own where the labels were not scored.
                scored = label if self._is_scored else {}
                item = _item(sample, label, scored.get("quality"), scored.get("issue"), scored.get("suggestion"))
                better = corrections.get(item.label)
                if better is not None:
                    item = replace(item, suggestion=str(better["_id"]), suggested_box=box_of(better))
                yield item

    def _one_label(self, sample: str, document: dict) -> Iterator[Item]:
        """The one label of a sample; of a mask what is to be said of it as a whole."""
        label = value_at(document, self.field.document_path)
        if not label or not self.target.shows(label["_id"]):
            return
        quality, kind, suggested = (
            value_at(document, path) if self._is_scored else None
            for path in (self._quality, self._issue, self._suggestion)
        )
        if self.field.task == "segmentation":
            yield Item(sample, kind, quality)
        else:
            yield _item(sample, label, quality, kind, suggested)

    def _suggested_item(self, document: dict, one: Mapping[str, Any]) -> Item:
        """A label that is missing, or a region of a mask."""
        return Item(
            str(document["_id"]),
            one.get("issue"),
            one.get("quality"),
            suggestion=str(one["_id"]),
            given=one.get("given"),
            suggested=one.get("label"),
            suggested_box=box_of(one),
        )

    def _labels_of(self, document: dict) -> list[dict]:
        return value_at(document, self.field.objects_path) or []

    def _suggestions_in(self, document: dict) -> list[dict]:
        return (value_at(document, self._suggested) or []) if self._is_scored else []

    def _projection(self, relevant: bool = False) -> dict[str, Any]:
        """What is read of a sample.

        Args:
            relevant: whether only those of its labels that are suspected, or are where a suggestion says
        """
        field, of_list = self.field, self.field.list_attribute is not None
        project: dict[str, Any] = {self._quality: True, self._issue: True, self._suggestion: True}
        if field.task != "single":
            project |= {f"{self._suggested}.{name}": True for name in _OF_SUGGESTION}
        if relevant and of_list:
            return {**project, field.objects_path: self._relevant()}
        names = _OF_LABEL if of_list else _OF_LABEL[:4]
        return project | {f"{field.objects_path}.{name}": True for name in names}

    def _relevant(self) -> dict[str, Any]:
        """The database's expression for the labels of a sample that are suspected, or where a suggestion says."""
        name = "label" if self.field.task == "multilabel" else "bounding_box"
        places = {"$ifNull": [f"${self._suggested}.{name}", []]}
        kept = {"$or": [{"$gt": ["$$this.issue", None]}, {"$in": [f"$$this.{name}", places]}]}
        own = {"$ifNull": [f"${self.field.objects_path}", []]}
        parts = {name: f"$$this.{name}" for name in _OF_LABEL}
        return {"$map": {"input": {"$filter": {"input": own, "cond": kept}}, "in": parts}}

    def _unsuspected(self) -> dict[str, Any]:
        """The database's expression for the ids of the labels of a sample of which nothing is suspected; '' for a mask."""
        own = f"${self.field.objects_path}"
        if self.field.list_attribute is not None:
            free = {"$filter": {"input": {"$ifNull": [own, []]}, "cond": {"$lte": ["$$this.issue", None]}}}
            return {"$map": {"input": free, "in": "$$this._id"}}
        is_there = {"$and": [{"$lte": [f"${self._issue}", None]}, {"$gt": [f"{own}._id", None]}]}
        return {"$cond": [is_there, ["" if self.field.task == "segmentation" else f"{own}._id"], []]}


def _item(sample: str, label: Mapping[str, Any], quality: Any, kind: Any, suggested: Any) -> Item:
    """A label as an item."""
    given, box = label.get("label"), box_of(label)
    return Item(sample, kind, quality, str(label["_id"]), given=given, suggested=suggested, box=box)


def _is_done(item: Item, places: set[tuple[str | None, Any]]) -> bool:
    """Whether what was suggested has been done since, as an earlier review does.

    Args:
        item: a suspected or missing label
        places: class and box of the labels of the sample
    """
    if item.kind == _WRONG_CLASS:
        return item.suggested is not None and item.suggested == item.given
    if item.kind == _BAD_LOCATION:
        return item.box is not None and item.box == item.suggested_box
    return item.kind == _MISSING and (item.suggested, item.suggested_box) in places
