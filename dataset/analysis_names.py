"""What analyses are kept as: names made of what was analyzed, that nothing of the user's has."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import fiftyone as fo
from fiftyone.core.utils import to_slug

from ..core.errors import ShortlistError
from .analysis_fields import VERB
from .results import mark_of, refuse_foreign

METHOD = "shortlist/analysis"
_ENDING = "_analysis"
# FiftyOne takes no view with a name of more than 100 characters.
_LONGEST = 64
#: what saved views of ours say of themselves, by which they are known
UNCOVERED = "Shortlist analysis: the worst-covered 5 %, worst first"
DUPLICATES = "Shortlist analysis: near duplicates within the selection, group by group"


@dataclass(frozen=True)
class Names:
    """What an analysis is kept as.

    Args:
        key: its run, and its field
        uncovered: the saved view of what is covered worst
        near_duplicates: the saved view of near duplicates
    """

    key: str
    uncovered: str
    near_duplicates: str

    @classmethod
    def of(cls, key: str) -> Names:
        """The names that go with a key."""
        slug = key.removesuffix(_ENDING)
        return cls(key, f"{slug}_uncovered", f"{slug}_near_duplicates")

    @property
    def views(self) -> list[str]:
        """The saved views."""
        return [self.uncovered, self.near_duplicates]


def names_for(dataset: fo.Dataset, name: str) -> Names:
    """What the analysis of a selection, tag or view is kept as: what it was, or new names.

    Raises:
        ShortlistError: something of the user's has such a name
    """
    own = own_key(dataset, name)
    if own is None:
        taken = {to_slug(key) for key in (*runs(dataset), *(key for key, _ in _fields(dataset)))}
        slugs = (_slug(name) if number == 1 else f"{_slug(name)}_{number}" for number in count(1))
        own = next(f"{slug}{_ENDING}" for slug in slugs if to_slug(f"{slug}{_ENDING}") not in taken)
    names = Names.of(own)
    refuse_taken(dataset, names)
    return names


def reservation_of(name: str) -> str:
    """What is reserved while the analysis of a selection, tag or view is made: names that look alike have it in common.

    >>> reservation_of("a b") == reservation_of("a.b")
    True
    """
    return f"the analysis {_slug(name)}{_ENDING}"


def _slug(name: str) -> str:
    """The beginning of a name as a part of identifiers: letters, digits and underscores, beginning with a letter.

    >>> _slug("été 1.2"), _slug("2024"), _slug("批")
    ('ete_1_2', 'set_2024', 'set')
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = re.sub(r"\W+", "_", plain).strip("_")[:_LONGEST].rstrip("_")
    return slug if slug and slug[0].isalpha() else f"set_{slug}".rstrip("_")


def runs(dataset: fo.Dataset) -> list[str]:
    """The keys of our runs, finished or not."""
    return list(dataset.list_runs(method=METHOD))


def _fields(dataset: fo.Dataset) -> Iterator[tuple[str, str]]:
    """Our fields, and what each is the analysis of."""
    for path in dataset.get_field_schema():
        mark = mark_of(dataset, path) or {}
        if mark.get("verb") == VERB:
            yield path, str(mark.get("analyzed"))


def own_key(dataset: fo.Dataset, name: str) -> str | None:
    """The key of the analysis of a name, whole or half; None where there is none."""
    for key in runs(dataset):
        if dataset.get_run_info(key).config.analyzed == name:
            return key
    return next((path for path, analyzed in _fields(dataset) if analyzed == name), None)


def refuse_taken(dataset: fo.Dataset, names: Names) -> None:
    """Stops before what is not ours.

    Raises:
        ShortlistError: a field, a run or a saved view of the user's, and the way out
    """
    refuse_foreign(dataset, [names.key])
    mark = mark_of(dataset, names.key)
    if mark is not None and mark.get("verb") != VERB:
        raise ShortlistError(
            f"the field {names.key!r} must be free for the analysis. Got another result of Shortlist's instead."
        )
    if names.key in dataset.list_runs() and names.key not in runs(dataset):
        raise ShortlistError(
            f"the run key {names.key!r} must be free for the analysis. Got another run instead; nothing was written. Rename it "
            f"with dataset.rename_run({names.key!r}, ...) and run again."
        )
    for view in dataset.list_saved_views():
        if to_slug(view) in map(to_slug, names.views) and not is_ours(dataset, view):
            raise ShortlistError(
                f"the saved view {view!r} must be new or Shortlist's own. Got a view of yours instead; nothing was written. "
                f"Rename it with dataset.update_saved_view_info({view!r}, {{'name': ...}}) and run again."
            )


def is_ours(dataset: fo.Dataset, view: str) -> bool:
    """Whether we saved a view."""
    return dataset.get_saved_view_info(view).get("description") in (UNCOVERED, DUPLICATES)
