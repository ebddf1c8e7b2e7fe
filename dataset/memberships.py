"""Views of what selections, tags and saved views share, or have alone; on fields and tags, not on lists of ids."""

from __future__ import annotations

from collections.abc import Sequence

import fiftyone as fo
from fiftyone import ViewField as F

from .selections import selection_keys
from .sets import resolved

_WHERE = "run_keys"


def only_in(dataset: fo.Dataset, name: str, others: Sequence[str]) -> fo.DatasetView:
    """The samples of a selection, tag or saved view that none of the others has, in its own order.

    Raises:
        ShortlistError: no such selection, tag or view
    """
    view = resolved(dataset, name, _WHERE)
    for other in others:
        view = _narrowed(view, dataset, other, inside=False)
    return view


def shared_by(dataset: fo.Dataset, names: Sequence[str]) -> fo.DatasetView:
    """The samples that all of some selections, tags or saved views have, in the order of the first.

    Raises:
        ShortlistError: no such selection, tag or view
    """
    view = resolved(dataset, names[0], _WHERE)
    for other in names[1:]:
        view = _narrowed(view, dataset, other, inside=True)
    return view


def _narrowed(view: fo.DatasetView, dataset: fo.Dataset, name: str, *, inside: bool) -> fo.DatasetView:
    """A view less what is not, or is, in a selection, tag or view; a view can only be told by its ids."""
    other = resolved(dataset, name, _WHERE)
    if name in selection_keys(dataset):
        picked = F(f"{name}.rank") >= 1
        return view.match(picked if inside else ~picked)
    if dataset.has_saved_view(name):
        ids = other.values("id")
        return view.select(ids) if inside else view.exclude(ids)
    return view.match_tags(name, bool=inside)
