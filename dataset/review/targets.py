"""What a review is started on: samples, and of a view of patches also which labels it shows."""

from __future__ import annotations

from dataclasses import dataclass

import fiftyone as fo

from ...core.errors import ShortlistError
from ..label_issues import GIVEN_ID, SUGGESTIONS
from ..samples import Samples, dataset_of, generated_kind, origin_of
from ..score_fields import sample_path
from ..sets import resolved


@dataclass(frozen=True)
class Target:
    """Where to look for items.

    Args:
        samples: the samples
        labels: the place of each label and each suggestion that is shown, by its id; None: all are
    """

    samples: Samples
    labels: dict[str, int] | None = None

    def shows(self, label: object) -> bool:
        """Whether a label or a suggestion, given by its id, is shown."""
        return self.labels is None or str(label) in self.labels


def target_of(collection: object, label_field: str | None, source: str | None) -> Target:
    """What to look at: a dataset or a view, of patches those labels that it shows.

    Args:
        collection: a dataset or a view of any kind
        label_field: the labels that are reviewed, if they are
        source: the selection, tag or saved view that takes the place of the view

    Raises:
        ShortlistError: not a dataset or view, an empty one, or no such source
    """
    if source is not None and isinstance(collection, (fo.Dataset, fo.DatasetView)):
        found = resolved(dataset_of(collection), source, "source")
        if not len(found):
            raise ShortlistError(f"source must hold at least one sample. Got {source!r}, which holds none, instead.")
        return Target(found)
    samples, _ = origin_of(collection)
    if label_field is None or not isinstance(collection, fo.DatasetView) or generated_kind(collection) != "patches":
        return Target(samples)
    shown = [path for path in (label_field, sample_path(label_field, SUGGESTIONS)) if _is_shown(collection, path)]
    places = {str(one): place for path in shown for place, one in enumerate(_values(collection, path, "id"))}
    if shown == [sample_path(label_field, SUGGESTIONS)]:
        # A better place is shown for the label that it is for.
        places |= {str(one): place for place, one in enumerate(_values(collection, shown[0], GIVEN_ID)) if one}
    return Target(samples, places if shown else None)


def _is_shown(patches: fo.DatasetView, path: str) -> bool:
    """Whether the patches are made of a label field."""
    return path in (
        getattr(patches, "patches_field", None),
        getattr(patches, "gt_field", None),
        getattr(patches, "pred_field", None),
    )


def _values(patches: fo.DatasetView, path: str, attribute: str) -> list[str | None]:
    """An attribute of each label of a field that patches show, in order."""
    inside = getattr(patches.get_field(path).document_type, "_LABEL_LIST_FIELD", None)
    found: list[str | None] = patches.values(
        f"{path}.{inside}.{attribute}" if inside else f"{path}.{attribute}", unwind=bool(inside)
    )
    return found
