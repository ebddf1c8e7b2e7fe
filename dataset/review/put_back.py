"""Taking one change back where other things were changed since: raw documents in, a raw document out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bson

from .edit_records import MISSING

#: whether a part of a label, by its path inside the field, is a score of Shortlist's and no edit of anybody's
IsOurs = Callable[[str], bool]


def same(first: Any, second: Any) -> bool:
    """Whether two raw values are the same bytes.

    >>> same({"a": 1, "b": 2}, {"b": 2, "a": 1}), same(float("nan"), float("nan")), same(None, MISSING)
    (False, True, False)
    """
    if first is MISSING or second is MISSING:
        return first is second
    return first is second or bson.encode({"": first}) == bson.encode({"": second})


def put_back(current: Any, before: Any, after: Any, is_ours: IsOurs) -> tuple[Any, list[str]]:
    """What a field becomes when a change is taken back, and what of the change stays, in words.

    A field that is as it was written gets exactly what it was before. Otherwise each label of a list goes back by its id:
    an added one goes, a removed one comes back to its place, of a changed one the attributes that were changed go back; other
    labels and attributes stay. What was itself edited since stays too.

    Args:
        current: what the field holds now
        before: what it held before the change
        after: what the change wrote
        is_ours: scores that were written since are no edits

    Returns:
        the value, and what stays
    """
    if same(current, after) or same(current, before):
        return before, []
    name = _list_name(before, after, current)
    if name is None:
        if not isinstance(current, dict) or _id(current) != _id(after):
            return current, ["the label was replaced or deleted since"]
        if not isinstance(before, dict) or _id(before) != _id(after):
            return (before, []) if _as_added(current, after, is_ours, "") else (current, [_edited(current)])
        value = _reverted(current, before, after)
        return (current, [_edited(current)]) if value is None else (value, [])
    if not isinstance(current, dict):
        return current, ["the labels were deleted since"]
    labels, stayed = _labels(current.get(name), _listed(before, name), _listed(after, name), is_ours, f"{name}.")
    if not isinstance(before, dict):
        bare = {**current, name: []}
        if not labels and isinstance(after, dict) and _as_added(bare, {**after, name: []}, is_ours, ""):
            return before, stayed
        return {**current, name: labels}, stayed
    rest, was = (_without(one, name) for one in (current, before))
    reverted = _reverted(rest, was, _without(after, name)) if isinstance(after, dict) else rest
    if reverted is None:
        stayed.append("other parts of the field were edited since")
    return _ordered({**(rest if reverted is None else reverted), name: labels}, before), stayed


def _list_name(*values: Any) -> str | None:
    """The attribute that holds labels; None where the field is one label."""
    for value in values:
        for name, held in value.items() if isinstance(value, dict) else ():
            if isinstance(held, list) and held and all(isinstance(one, dict) and "_id" in one for one in held):
                return str(name)
    return None


def _labels(
    current: Any, before: list[Any], after: list[Any], is_ours: IsOurs, path: str
) -> tuple[list[Any], list[str]]:
    """The labels of a list with a change taken back, and what stays."""
    was, became = ({_id(one): one for one in held} for held in (before, after))
    kept: list[Any] = []
    stayed: list[str] = []
    for label in current or []:
        mine, old = became.get(_id(label), MISSING), was.get(_id(label), MISSING)
        if mine is MISSING or (old is not MISSING and same(mine, old)):
            kept.append(label)
        elif old is MISSING:
            if not _as_added(label, mine, is_ours, path):
                kept.append(label)
                stayed.append(_edited(label))
        else:
            reverted = _reverted(label, old, mine)
            kept.append(label if reverted is None else reverted)
            if reverted is None:
                stayed.append(_edited(label))
    there = {_id(label) for label in kept}
    for label in after:
        old = was.get(_id(label), MISSING)
        if old is not MISSING and _id(label) not in there and not same(label, old):
            stayed.append(f"label {_id(label)}: it was deleted since")
    for place, label in enumerate(before):
        if _id(label) not in became and _id(label) not in there:
            kept.insert(_place(kept, before[:place]), label)
    return kept, stayed


def _place(labels: list[Any], earlier: list[Any]) -> int:
    """Where a label goes back to: after the nearest one that came before it."""
    places = {_id(label): place for place, label in enumerate(labels)}
    return next((places[_id(label)] + 1 for label in reversed(earlier) if _id(label) in places), 0)


def _reverted(current: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any] | None:
    """A document with the attributes that were changed as they were before; None where one of them was edited since."""
    value = dict(current)
    for name in [*before, *(name for name in after if name not in before)]:
        old, new, now = (one.get(name, MISSING) for one in (before, after, current))
        if same(old, new) or same(now, old):
            continue
        if not same(now, new):
            return None
        if old is MISSING:
            del value[name]
        else:
            value[name] = old
    return _ordered(value, before)


def _as_added(current: dict[str, Any], after: dict[str, Any], is_ours: IsOurs, path: str) -> bool:
    """Whether a document that was added is as it was written, but for scores and what is empty."""
    if any(not same(current.get(name, MISSING), held) for name, held in after.items() if not is_ours(path + name)):
        return False
    return all(name in after or held in (None, []) or is_ours(path + name) for name, held in current.items())


def _ordered(value: dict[str, Any], like: dict[str, Any]) -> dict[str, Any]:
    """A document with the attributes in the order of another, those that it has more at the end."""
    return {**{name: value[name] for name in like if name in value}, **value}


def _edited(label: dict[str, Any]) -> str:
    return f"label {_id(label)}: it was edited since"


def _id(value: Any) -> Any:
    return value.get("_id") if isinstance(value, dict) else None


def _without(value: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: held for key, held in value.items() if key != name}


def _listed(value: Any, name: str) -> list[Any]:
    held = value.get(name) if isinstance(value, dict) else None
    return held if isinstance(held, list) else []
