"""A review as the dataset keeps it: a run with its items, two fields of the samples, and saved views.

The items are written once and never change. What people decide is in the fields, on the sample that it is about: a decision
is one atomic change of one document, and goes where the sample goes. One field is a document that says how far the sample is.
The verdicts are a list of documents in a field of their own: with such a list inside of a document FiftyOne could no longer
delete or rename any field of the dataset, nor prepare labels for editing.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import fiftyone as fo
import fiftyone.core.runs as fors
from bson import ObjectId
from fiftyone import ViewField as F
from fiftyone.core.utils import to_slug

from ...core.errors import ShortlistError, did_you_mean, listed, must_be
from ...core.review.items import Item, Subject, from_columns, to_columns
from ..names import is_kept, refuse_odd
from ..results import ResultField, Staging, changing, declare, delete_document, mark_of, uninterrupted
from ..samples import Samples, every_sample

METHOD = "shortlist/review"
VERB = "start_review"
#: parts of the field of a review
FIRST, N_ITEMS, N_OPEN, STATUS, KINDS, REVIEWERS = (
    "first",
    "n_items",
    "n_open",
    "status",
    "kinds",
    "reviewers",
)
_DISPUTED = "disputed"


@dataclass(frozen=True)
class Record:
    """What is recorded of a review, quick to read.

    Args:
        run_key: its name, also that of its field and its saved view
        created: when it was started (UTC)
        label_field: the labels that it is about; None for samples as a whole
        subject: what an item is
        n_items: how many items it has
        classes: the classes to choose from
        parameters: of the verb, as JSON
        facts: what else is recorded: who started it, how many labels there are that are not suspected, and such
        review_id: which of several reviews of one name, one after the other, it is; the same in a clone of the dataset
    """

    run_key: str
    created: datetime
    label_field: str | None
    subject: Subject
    n_items: int
    classes: list[str]
    parameters: dict[str, Any]
    facts: dict[str, Any]
    review_id: str = ""


@dataclass(frozen=True)
class Review:
    """A review with its items; the number of an item is its place here, from 1."""

    record: Record
    items: list[Item]

    @property
    def run_key(self) -> str:
        """Its name."""
        return self.record.run_key

    def item(self, number: int) -> Item:
        """The item of a number.

        Raises:
            ShortlistError: there is none
        """
        if not 1 <= number <= len(self.items):
            raise must_be("item", f"the number of an item of {self.run_key!r}, 1 to {len(self.items)}", number)
        return self.items[number - 1]

    def numbers_of(self) -> dict[str, list[int]]:
        """The numbers of the items of each sample, by the sample's id, in order."""
        found: dict[str, list[int]] = defaultdict(list)
        for number, item in enumerate(self.items, start=1):
            found[item.sample].append(number)
        return dict(found)


def review_keys(dataset: fo.Dataset) -> list[str]:
    """The names of the reviews of a dataset, oldest first."""
    keys = dataset.list_runs(method=METHOD, finished=True)
    return sorted(keys, key=lambda key: dataset.get_run_info(key).timestamp)


def record_of(dataset: fo.Dataset, run_key: str) -> Record:
    """What is recorded of a review.

    Raises:
        ShortlistError: no such review
    """
    keys = review_keys(dataset)
    if run_key not in keys:
        hint = did_you_mean(run_key, keys) or (f"It has {listed(keys)}." if keys else "It has none yet.")
        raise must_be("run_key", f"a review of {dataset.name!r}", run_key, f"{hint} Start one with `start_review`.")
    info = dataset.get_run_info(run_key)
    held = info.config
    return Record(
        run_key,
        info.timestamp,
        held.label_field,
        held.subject,
        held.n_items,
        list(held.classes),
        dict(held.parameters),
        dict(held.facts),
        held.review_id,
    )


def load(dataset: fo.Dataset, run_key: str) -> Review:
    """A review with its items.

    Raises:
        ShortlistError: no such review
    """
    record = record_of(dataset, run_key)
    for path in (run_key, verdicts_field(run_key)):
        if mark_of(dataset, path) is None:
            raise lost(run_key, path)
    held = dataset.load_run_results(run_key, cache=False, load_view=False).items
    return Review(record, from_columns(json.loads(held)))


def lost(run_key: str, path: str) -> ShortlistError:
    """The error where somebody deleted or renamed a field of a review."""
    return ShortlistError(
        f"the review {run_key!r} must have its field {path!r}. Got samples without it instead; nothing was written. Give the "
        f"field its old name again, or delete the review with `manage_reviews`."
    )


def view_of(dataset: fo.Dataset, run_key: str) -> fo.DatasetView:
    """The samples of a review in order of their first items."""
    first = f"{run_key}.{FIRST}"
    return every_sample(dataset).match(F(first) >= 1).sort_by(first)


def disputed_of(dataset: fo.Dataset, run_key: str) -> fo.DatasetView:
    """The samples on which people disagree."""
    return view_of(dataset, run_key).match(F(f"{run_key}.{STATUS}") == _DISPUTED)


def verdicts_field(run_key: str) -> str:
    """The field with the verdicts: a list of documents, each with the number of its item."""
    return f"{run_key}_verdicts"


def disputed_name(run_key: str) -> str:
    """The saved view of the samples on which people disagree."""
    return f"{run_key}_{_DISPUTED}"


def refuse_taken(dataset: fo.Dataset, run_key: str) -> None:
    """Stops before a name that cannot be used or would clash with what the dataset has.

    Raises:
        ShortlistError: what is in the way, and the way out
    """
    other = "Choose another name"
    refuse_odd(run_key, "review_1", ", since it names a field")
    if run_key in review_keys(dataset):
        raise must_be("run_key", "new", run_key, f"There is a review of that name. {other}, or delete it first.")
    if run_key in set(dataset.list_runs()) - set(dataset.list_runs(method=METHOD)):
        raise must_be("run_key", "new", run_key, f"There is another run of that name. {other}.")
    for path in (run_key, verdicts_field(run_key)):
        is_ours = (mark_of(dataset, path) or {}).get("verb") == VERB
        if is_kept(dataset, path):
            raise must_be("run_key", "another name than FiftyOne keeps for itself", run_key, f"{other}.")
        if dataset.get_field(path) is not None and not is_ours:
            raise must_be("run_key", "new", run_key, f"There is a field {path!r}. {other}.")
    names = {to_slug(name): name for name in dataset.list_saved_views()}
    for own in (run_key, disputed_name(run_key)):
        # FiftyOne takes names for the same that look alike in a URL.
        if to_slug(own) in names and not _is_view_of(dataset, names[to_slug(own)], run_key):
            raise must_be("run_key", "new", run_key, f"There is a saved view {names[to_slug(own)]!r}. {other}.")


def _said(run_key: str) -> str:
    """How the descriptions of what a review made begin."""
    return f"Shortlist review {run_key}"


def _is_view_of(dataset: fo.Dataset, name: str, run_key: str) -> bool:
    """Whether a saved view was made by a review."""
    own = (run_key, disputed_name(run_key))
    said = dataset.get_saved_view_info(name)["description"] if name in own and dataset.has_saved_view(name) else None
    return (said or "").startswith(f"{_said(run_key)}")


def fields_of(run_key: str, parameters: Mapping[str, Any]) -> list[ResultField]:
    """The fields of a review: how far each sample is, and the verdicts on its items."""
    held, info = verdicts_field(run_key), {"verb": VERB, "parameters": dict(parameters)}

    def inside(path: str, kind: type[fo.Field], sentence: str, *, index: bool = False) -> ResultField:
        of = fo.StringField if kind is fo.ListField else None
        return ResultField(path, kind, sentence, {"verb": VERB}, index, part=True, of=of)

    return [
        ResultField(run_key, fo.EmbeddedDocumentField, f"{_said(run_key)}: how far the sample is.", info),
        inside(f"{run_key}.{FIRST}", fo.IntField, "The number of the sample's first item, 1 = the first.", index=True),
        inside(f"{run_key}.{N_ITEMS}", fo.IntField, "How many items the sample has."),
        inside(f"{run_key}.{N_OPEN}", fo.IntField, "How many of them lack opinions."),
        inside(f"{run_key}.{STATUS}", fo.StringField, "open, disputed, unsure or decided: the first that any is.", index=True),
        inside(f"{run_key}.{KINDS}", fo.ListField, "What is suspected."),
        inside(f"{run_key}.{REVIEWERS}", fo.ListField, "Who is to decide; empty: whoever is free."),
        ResultField(held, fo.ListField, f"{_said(run_key)}: who decided what.", info, of=fo.EmbeddedDocumentField),
        inside(f"{held}.item", fo.IntField, "The number of the item."),
        inside(f"{held}.reviewer", fo.StringField, "Who decided."),
        inside(f"{held}.decision", fo.StringField, "keep, accept, relabel, remove, edited, not_sure or skip."),
        inside(f"{held}.label", fo.StringField, "The class that was chosen."),
        inside(f"{held}.comment", fo.StringField, "What the person wrote."),
        inside(f"{held}.at", fo.StringField, "When (UTC)."),
        inside(f"{held}.is_final", fo.BooleanField, "Whether it settles what others disagree on."),
    ]  # fmt: skip


def write(
    dataset: fo.Dataset,
    run_key: str,
    items: Sequence[Item],
    *,
    label_field: str | None,
    subject: Subject,
    classes: Sequence[str],
    parameters: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> None:
    """Writes a new review: the field, then the saved views, and the record with the items last.

    What an interrupted run left under the same name is removed first.

    Args:
        dataset: where it goes
        run_key: its name, checked by ``refuse_taken``
        items: in order
        label_field: the labels that it is about
        subject: what an item is
        classes: the classes to choose from
        parameters: of the verb, as JSON
        facts: what else to record
    """
    fields = fields_of(run_key, parameters)
    with Staging(dataset) as staging, uninterrupted():
        with changing(dataset):
            _remove(dataset, run_key)
        staging.add(list(_documents(run_key, items)))
        declare(dataset, fields, "writing")
        staging.merge()
        declare(dataset, fields, "complete")
        config = dataset.init_run(
            method=METHOD,
            finished=False,
            label_field=label_field,
            subject=subject,
            n_items=len(items),
            classes=list(classes),
            parameters=dict(parameters),
            facts=dict(facts),
            review_id=str(ObjectId()),
        )
        results = fors.RunResults(dataset, config, run_key, items=json.dumps(to_columns(items)))
        with changing(dataset):
            said = _said(run_key)
            dataset.save_view(run_key, view_of(dataset, run_key), description=f"{said}, in order")
            disputed = disputed_of(dataset, run_key)
            dataset.save_view(disputed_name(run_key), disputed, description=f"{said}: where people disagree")
            dataset.register_run(run_key, config, results=results, cache=False)
            config.finished = True
            dataset.update_run_config(run_key, config)


def _documents(run_key: str, items: Sequence[Item]) -> Iterable[dict[str, Any]]:
    """One document a sample, with its part of the field."""
    by_sample: dict[str, list[tuple[int, Item]]] = defaultdict(list)
    for number, item in enumerate(items, start=1):
        by_sample[item.sample].append((number, item))
    for sample, numbered in by_sample.items():
        yield {
            "_id": ObjectId(sample),
            run_key: {
                "_cls": "DynamicEmbeddedDocument",
                FIRST: numbered[0][0],
                N_ITEMS: len(numbered),
                N_OPEN: len(numbered),
                STATUS: "open",
                KINDS: list(dict.fromkeys(item.kind for _, item in numbered if item.kind)),
                REVIEWERS: sorted({name for _, item in numbered for name in item.reviewers}),
            },
            verdicts_field(run_key): [],
        }


def delete(dataset: fo.Dataset, run_key: str) -> None:
    """Deletes a review: its saved views, field and record, and nothing else.

    Raises:
        ShortlistError: no such review
    """
    record_of(dataset, run_key)
    with uninterrupted(), changing(dataset):
        _remove(dataset, run_key)


def _remove(dataset: fo.Dataset, run_key: str) -> None:
    """Removes what a review wrote, whole or half; call it within ``changing``."""
    for name in (run_key, disputed_name(run_key)):
        if _is_view_of(dataset, name, run_key):
            dataset.delete_saved_view(name)
    ours = [path for path in (run_key, verdicts_field(run_key)) if mark_of(dataset, path) is not None]
    if ours:
        delete_document(dataset, ours[0], FIRST, *ours[1:])
    if run_key in dataset.list_runs(method=METHOD):
        dataset.delete_run(run_key)


def samples_of(dataset: fo.Dataset, review: Review) -> Samples:
    """The samples of a review that are still there, in no particular order."""
    return every_sample(dataset).match(F(f"{review.run_key}.{FIRST}") >= 1)
