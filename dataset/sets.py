"""Sets of samples by name: tags, saved views and selections."""

from __future__ import annotations

from typing import Any

import fiftyone as fo

from ..core.errors import ShortlistError, did_you_mean, listed, must_be, shown
from .samples import Samples, as_object_ids, every_sample, generated_kind, ids_of
from .selections import selection_keys, view_of


def resolved(dataset: fo.Dataset, name: str, where: str) -> fo.DatasetView:
    """The samples of a tag, a saved view or an earlier selection, whichever has the name.

    Raises:
        ShortlistError: none has
    """
    if name in selection_keys(dataset):
        return view_of(dataset, name)
    if dataset.has_saved_view(name):
        view = dataset.load_saved_view(name)
        if (kind := generated_kind(view)) is not None:
            raise ShortlistError(f"{where} must be a view of samples. Got {shown(name)}, a view of {kind}, instead.")
        return view
    if name in every_sample(dataset).distinct("tags"):
        return every_sample(dataset).match_tags(name)
    known = [*selection_keys(dataset), *dataset.list_saved_views(), *every_sample(dataset).distinct("tags")]
    hint = did_you_mean(name, known) or (f"It has {listed(known)}." if known else "It has none yet.")
    raise ShortlistError(
        f"{where} must be a tag, a saved view or a selection of {dataset.name!r}. Got {shown(name)} instead. {hint}"
    )


def tagged(dataset: fo.Dataset, name: str, where: str) -> fo.DatasetView:
    """The samples with a tag.

    Raises:
        ShortlistError: none has
    """
    known = every_sample(dataset).distinct("tags")
    if name in known:
        return every_sample(dataset).match_tags(name)
    hint = did_you_mean(name, known) or (f"It has {listed(known)}." if known else "It has none yet.")
    raise must_be(where, f"a tag of samples of {dataset.name!r}", name, hint)


def condition_of(dataset: fo.Dataset, name: str, where: str) -> dict[str, Any]:
    """What the database matches the samples of a set by; see ``resolved``.

    Raises:
        ShortlistError: no set has the name
    """
    view: Samples = resolved(dataset, name, where)
    if name in selection_keys(dataset):
        return {f"{name}.rank": {"$gte": 1}}
    if dataset.has_saved_view(name):
        return {"_id": {"$in": as_object_ids(ids_of(view))}}
    return {"tags": name}
