"""What was decided on labels, carried out on the raw documents that hold them; nothing is written here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import fiftyone as fo
from bson import ObjectId

from ...core.review.acts import Act, Decided
from ...core.review.items import Box
from ..label_issues import SUGGESTIONS
from ..labels import LabelField
from ..samples import value_at
from ..score_fields import sample_path
from .places import box_of
from .predicted import Predictions

# Numbers that went through a file or another programme may differ by as little.
_TOLERANCE = 1e-6
# The attributes that say where a label of a type is, besides its box.
_SHAPES: dict[type, tuple[str, ...]] = {
    fo.Detection: ("mask", "mask_path"),
    fo.Detections: ("mask", "mask_path"),
    fo.Polyline: ("points", "closed", "filled"),
    fo.Polylines: ("points", "closed", "filled"),
    fo.Keypoint: ("points",),
    fo.Keypoints: ("points",),
}
_HAVE_BOXES = (fo.Detection, fo.Detections)

#: why a decision is not carried out
GONE = "the label is gone"
CHANGED = "the label was changed since it was reviewed"
THERE = "the label is there already"
UNKNOWN = "nothing says what the label should be"
NO_PLACE = "nothing says where the label should be"
NO_SHAPE = "only a box is known of the better place, while the label has an outline: correct it by hand"


class Left(Exception):
    """A decision that is not carried out, and why."""


@dataclass
class Carried:
    """What became of a field of one sample.

    Args:
        value: its raw value
        done: what was done, by the number of the item
        left: why not, by the number of the item
    """

    value: Any
    done: dict[int, Act] = field(default_factory=dict)
    left: dict[int, str] = field(default_factory=dict)


def carried(value: Any, decided: Sequence[Decided], carry_out: Callable[[Any, Decided], Any]) -> Carried:
    """Carries out decisions one after the other; what cannot be done leaves the value as it is."""
    result = Carried(value)
    for one in decided:
        act = one.act
        try:
            if act is None:
                raise Left(UNKNOWN)
            result.value = carry_out(result.value, one)
        except Left as left:
            result.left[one.number] = str(left)
        else:
            result.done[one.number] = act
    return result


class LabelChanges:
    """Carries out what was decided on labels of a field: classes, objects, or one label a sample.

    Args:
        dataset: where they are
        field: the labels that were reviewed
    """

    def __init__(self, dataset: fo.Dataset, field: LabelField):
        self.field = field
        self._suggestions = f"{sample_path(field.path, SUGGESTIONS)}.detections"
        self._predictions = Predictions(dataset, field)

    def projection(self) -> dict[str, Any]:
        """What must be read of a sample besides the field itself."""
        needed = ("_id", "label", "bounding_box", *_SHAPES.get(self.field.kind, ()))
        suggested = {f"{self._suggestions}.{name}": True for name in needed} if self.field.task == "objects" else {}
        return suggested | self._predictions.projection(needed)

    def of(self, document: Mapping[str, Any], value: Any, decided: Sequence[Decided]) -> Carried:
        """What becomes of the field of a sample.

        Args:
            document: the sample, as far as ``projection`` says
            value: what the field holds
            decided: what is to be done, in order
        """
        return carried(value, decided, lambda held, one: self._carry_out(document, held, one))

    def forget(self) -> None:
        """Leaves nothing behind of changes that are not written; of these there is nothing."""

    def _carry_out(self, document: Mapping[str, Any], value: Any, one: Decided) -> Any:
        name = self.field.list_attribute
        if name is None:
            return self._one(document, value, one)
        labels = list(value.get(name) or []) if isinstance(value, dict) else []
        if one.act == "add":
            new = self._new(document, labels, one)
            if isinstance(value, dict):
                return {**value, name: [*labels, new]}
            return {"_cls": self.field.kind.__name__, name: [new]}
        place = next((place for place, label in enumerate(labels) if str(label.get("_id")) == one.item.label), None)
        if place is None:
            raise Left(GONE)
        changed = self._changed(document, labels[place], one)
        labels[place : place + 1] = [] if changed is None else [changed]
        return {**value, name: labels}

    def _one(self, document: Mapping[str, Any], value: Any, one: Decided) -> Any:
        """The one label of a sample."""
        if one.act == "add":
            raise Left(NO_PLACE)
        if not isinstance(value, dict):
            raise Left(GONE)
        if one.item.label is not None and str(value.get("_id")) != one.item.label:
            raise Left(CHANGED)
        return self._changed(document, value, one)

    def _changed(self, document: Mapping[str, Any], label: dict[str, Any], one: Decided) -> dict[str, Any] | None:
        """A label as it was decided; None for one that goes."""
        if label.get("label") != one.item.given or not _is_at(label, one.item.box):
            raise Left(CHANGED)
        if one.act == "remove":
            return None
        if one.act == "move":
            return {**label, **self._place(document, one, label)}
        if one.label is None:
            raise Left(UNKNOWN)
        return {**label, "label": one.label}

    def _new(self, document: Mapping[str, Any], labels: Sequence[Mapping[str, Any]], one: Decided) -> dict[str, Any]:
        """A label that was missing."""
        if one.label is None:
            raise Left(UNKNOWN)
        kind = fo.Classification if self.field.task == "multilabel" else _ONE[self.field.kind]
        place = {} if self.field.task == "multilabel" else self._place(document, one, None)
        at = one.item.suggested_box if place else None
        if any(label.get("label") == one.label and (not place or _is_at(label, at)) for label in labels):
            raise Left(THERE)
        return {**kind(label=one.label).to_dict(), "_id": ObjectId(), **place}

    def _place(self, document: Mapping[str, Any], one: Decided, label: Mapping[str, Any] | None) -> dict[str, Any]:
        """The attributes that say where a label should be.

        Args:
            document: the sample
            one: what was decided
            label: the label that moves; None for a new one
        """
        box = one.item.suggested_box
        if box is None:
            raise Left(NO_PLACE)
        names = _SHAPES[self.field.kind]
        shape = self._shape(document, one, names)
        if self.field.kind not in _HAVE_BOXES:
            if shape.get("points") is None:
                raise Left(NO_SHAPE)
            return shape
        if label is None:
            return {"bounding_box": list(box), **shape}
        outlined = [name for name in names if label.get(name) is not None]
        if not outlined:
            return {"bounding_box": list(box)}
        if not shape:
            raise Left(NO_SHAPE)
        return {"bounding_box": list(box), **dict.fromkeys(outlined), **shape}

    def _shape(self, document: Mapping[str, Any], one: Decided, names: Sequence[str]) -> dict[str, Any]:
        """The outline of what was suggested: the suggestion's own, else that of the prediction at its place."""
        suggested = value_at(dict(document), self._suggestions) or []
        own = next((label for label in suggested if str(label.get("_id")) == one.item.suggestion), None)
        for found in (own, self._predictions.at(document, one.item.suggested, one.item.suggested_box)):
            shape = {name: found[name] for name in names if found and found.get(name) is not None}
            if shape:
                return shape
        return {}


#: the type of one label of a list
_ONE: dict[type, type] = {fo.Detections: fo.Detection, fo.Polylines: fo.Polyline, fo.Keypoints: fo.Keypoint}


def _is_at(label: Mapping[str, Any], box: Box | None) -> bool:
    """Whether a label is where a box says; what has no place is everywhere."""
    if box is None:
        return True
    own = box_of(label)
    return own is not None and all(map(lambda a, b: math.isclose(a, b, abs_tol=_TOLERANCE), own, box))
