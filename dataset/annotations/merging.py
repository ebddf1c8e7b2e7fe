"""The raw value that a label field gets from what came back: only what annotators changed, and nothing that others did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import fiftyone as fo
from bson import ObjectId

from ...core.review.returned import Shape, Version, decided, matches, same_place
from .handed import Entry
from .pictures import KINDS, Annotation, Drawn, name_of, of_list, raw_labels

_PLACE = ("bounding_box", "mask", "mask_path", "points", "closed", "filled")


@dataclass
class Merged:
    """What merging made of labels.

    Args:
        added: how many labels are new
        changed: how many got another class or place
        removed: how many went
        conflicts: what somebody else changed meanwhile and therefore stays, in words
    """

    added: int = 0
    changed: int = 0
    removed: int = 0
    conflicts: list[str] = field(default_factory=list)

    def __iadd__(self, other: Merged) -> Merged:
        self.added += other.added
        self.changed += other.changed
        self.removed += other.removed
        self.conflicts += other.conflicts
        return self


def merged_field(
    before: Any,
    drawn: Drawn,
    entries: Sequence[Entry],
    returned: Sequence[Annotation],
    *,
    was_empty: bool,
    prelabels: Mapping[str, Mapping[str, Any]],
) -> tuple[Any, list[Entry], Merged]:
    """The field of one sample with what came back.

    Args:
        before: its raw value now, None where it holds no label
        drawn: what annotators draw
        entries: the labels that were handed over
        returned: the annotations that came back
        was_empty: whether the field held no label when it was handed over
        prelabels: the raw pre-labels by id, as they are now

    Returns:
        the raw value, the entries as they are then, and what was done
    """
    kind = KINDS[drawn]
    labels = {str(raw["_id"]): raw for raw in raw_labels(before, kind)}
    known = {entry.label for entry in entries}
    others = labels.keys() - known
    if was_empty and others and not labels.keys() & known:
        return (
            before,
            list(entries),
            Merged(conflicts=[f"{len(others)} label(s) were added meanwhile by somebody else"]),
        )
    single = of_list(kind) is None
    if single and len(returned) > 1:
        classes = ", ".join(str(one.shape.label) for one in returned)
        return before, list(entries), Merged(conflicts=[f"several classes came back where one is needed: {classes}"])
    done, after, kept = Merged(), dict(labels), []
    pairs = matches([(one.known_as, one.latest) for one in entries], [(one.id, one.shape) for one in returned], single)
    by_name = {name: returned[place] for place, name in pairs.items()}
    for entry in entries:
        kept.append(_one(entry, by_name.get(entry.known_as), after, kind, prelabels, done))
    for place, annotation in enumerate(returned):
        if place in pairs:
            continue
        new = str(ObjectId())
        if single and after:
            done.conflicts.append(f"a class came back ({annotation.shape.label}), and there is another label now")
            continue
        after[new] = _made(annotation, kind, new)
        done.added += 1
        # A copied object says that it is the one it was copied from.
        is_free = annotation.id is not None and annotation.id not in {one.known_as for one in kept}
        versions = [Version(None, None), Version(annotation.shape, name_of(after[new]))]
        kept.append(Entry(new, str(annotation.id) if is_free else new, annotation.shape, versions))
    return _field(before, after, kind), kept, done


def _one(
    entry: Entry,
    theirs: Annotation | None,
    after: dict[str, Any],
    kind: type[fo.Label],
    prelabels: Mapping[str, Mapping[str, Any]],
    done: Merged,
) -> Entry:
    """Writes, removes or leaves one label in ``after``; the entry with what it is then."""
    ours = after.get(entry.label)
    shape = None if theirs is None else theirs.shape
    step, was = decided(entry.versions, name_of(ours), shape)
    if step == "nothing":
        return entry
    if step == "conflict":
        what = "was deleted" if ours is None else "was changed"
        wanted = "removed" if shape is None else f"as {shape.label!r}"
        done.conflicts.append(f"label {entry.label} {what} meanwhile by somebody else, and came back {wanted}")
        return entry
    if step == "remove":
        del after[entry.label]
        done.removed += 1
        version = Version(None, None)
    else:
        assert theirs is not None
        if ours is None and kind is fo.Classification and after:
            done.conflicts.append(f"a class came back ({theirs.shape.label}), and there is another label now")
            return entry
        if ours is None:
            after[entry.label] = _from_prelabel(entry, theirs, kind, prelabels)
            done.added += 1
        else:
            after[entry.label] = _changed(ours, theirs, was, kind)
            done.changed += 1
        version = Version(theirs.shape, name_of(after[entry.label]))
    return replace(entry, versions=[*entry.versions, version])


def _made(annotation: Annotation, kind: type[fo.Label], label: str) -> dict[str, Any]:
    """A new label, with only its class and place."""
    given = _of_kind(annotation, kind)
    if isinstance(given, fo.Detection):
        made: fo.Label = fo.Detection(label=given.label, bounding_box=list(given.bounding_box), mask=given.mask)
    elif isinstance(given, fo.Polyline):
        made = fo.Polyline(label=given.label, points=given.points, closed=given.closed, filled=given.filled)
    else:
        made = fo.Classification(label=given.label)
    return {**made.to_dict(), "_id": ObjectId(label)}


def _of_kind(annotation: Annotation, kind: type[fo.Label]) -> fo.Label:
    """The label that an annotation makes: outlines that were drawn around a mask become one."""
    label = annotation.label
    if kind is fo.Detections and isinstance(label, fo.Polyline):
        return label.to_detection(frame_size=annotation.shape.size)
    return label


def _from_prelabel(
    entry: Entry, theirs: Annotation, kind: type[fo.Label], prelabels: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """A label made from a pre-label: with exactly its place where annotators left it there, which files round."""
    made = _made(theirs, kind, entry.label)
    source = prelabels.get(entry.known_as)
    if source is not None and same_place(entry.shown, theirs.shape):
        made |= {name: source[name] for name in _PLACE if name in source}
    return made


def _changed(ours: Mapping[str, Any], theirs: Annotation, was: Shape | None, kind: type[fo.Label]) -> dict[str, Any]:
    """A label with what annotators changed of it; all else as it is."""
    found = deepcopy(dict(ours))
    if was is None or was.label != theirs.shape.label:
        found["label"] = theirs.shape.label
    if (was is None or not same_place(was, theirs.shape)) and kind not in (fo.Classification, fo.Classifications):
        made = _made(theirs, kind, str(ours["_id"]))
        names = ("bounding_box", "mask", "mask_path") if kind is fo.Detections else ("points", "closed")
        for name in names:
            if name in made:
                found[name] = made[name]
            elif found.get(name) is not None:
                found[name] = None
    return found


def _field(before: Any, after: Mapping[str, Any], kind: type[fo.Label]) -> Any:
    """The raw value of the field with the labels."""
    labels = list(after.values())
    listed = of_list(kind)
    if listed is None:
        return labels[0] if labels else None
    if before is None:
        return {**kind().to_dict(), listed: labels} if labels else None
    return {**before, listed: labels}
