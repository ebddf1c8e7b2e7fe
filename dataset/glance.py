"""A look at a few samples, spread over the dataset: which labels are there, and whether a model made them.

Only some two hundred documents are read, found by their ids, whatever the size of the dataset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
from bson import ObjectId

from .labels import LABEL_TYPES
from .samples import FRAMES

# At how many places, how many samples at each, and how many objects of each.
_PLACES, _AT_EACH, _OBJECTS = 20, 10, 5
# What a model's labels hold and people's do not.
_OF_MODELS = ("confidence", "logits", "probabilities", "probs")


@dataclass(frozen=True)
class Seen:
    """What was seen of a label field.

    Args:
        share: the share of the samples looked at that have the label, in [0, 1]
        is_sure: whether labels say how sure a model is; None where no label was seen
    """

    share: float
    is_sure: bool | None


@dataclass(frozen=True)
class Glance:
    """What a few samples hold.

    Args:
        n_samples: how many were looked at
        labels: what was seen of each label field, by path
        tags: the tags that they have, the most frequent first
    """

    n_samples: int
    labels: Mapping[str, Seen]
    tags: list[str]


def glance(dataset: fo.Dataset, fields: Mapping[str, type]) -> Glance:
    """Looks at a few samples, always the same ones.

    Args:
        dataset: the dataset
        fields: the label types of fields by path; those of frames are not looked at
    """
    paths = [path for path in fields if not path.startswith(FRAMES)]
    project = {f"f{number}": _asked(path, fields[path]) for number, path in enumerate(paths)}
    found = list(_documents(dataset, {"tags": True, **project}))
    labels = {path: _seen([document[f"f{number}"] for document in found]) for number, path in enumerate(paths)}
    tags = [tag for document in found for tag in document.get("tags") or ()]
    return Glance(len(found), labels, sorted(set(tags), key=lambda tag: (-tags.count(tag), tag)))


def _asked(path: str, kind: type) -> dict[str, Any]:
    """What the database says of a label: whether it is there, whether it holds anything, whether that is a model's."""
    objects = LABEL_TYPES[kind].list_attribute
    of_model = {"$or": [{"$gt": [f"$$one.{name}", None]} for name in _OF_MODELS]}
    some = [f"${path}"] if objects is None else {"$slice": [{"$ifNull": [f"${path}.{objects}", []]}, _OBJECTS]}
    return {
        "there": {"$gt": [f"${path}._cls", None]},
        "sure": {"$map": {"input": some, "as": "one", "in": of_model}},
    }


def _seen(found: list[dict[str, Any]]) -> Seen:
    there = [one for one in found if one["there"]]
    marks = [mark for one in there for mark in one["sure"]]
    return Seen(len(there) / len(found) if found else 0.0, any(marks) if marks else None)


def _documents(dataset: fo.Dataset, project: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A few documents from each of some places in the order of their ids, each once."""
    collection, last = dataset._sample_collection, None
    for place in _places(collection):
        after = {"$gte": place} if last is None or place > last else {"$gt": last}
        stages = [{"$match": {"_id": after}}, {"$sort": {"_id": 1}}, {"$limit": _AT_EACH}, {"$project": project}]
        for document in collection.aggregate(stages):
            last = document["_id"]
            yield document


def _places(collection: Any) -> list[ObjectId]:
    """Ids spread evenly from the least to the greatest."""
    ends = [
        document["_id"] for way in (1, -1) for document in collection.find({}, {"_id": True}).sort("_id", way).limit(1)
    ]
    if not ends:
        return []
    low, high = (int(str(end), 16) for end in ends)
    return [ObjectId(f"{low + (high - low) * place // _PLACES:024x}") for place in range(_PLACES)]
