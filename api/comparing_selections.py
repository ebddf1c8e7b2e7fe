"""The verb compare_selections: what selections share, and how each covers, varies and is balanced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC
from itertools import combinations
from typing import Any

import fiftyone as fo
import numpy as np
from numpy.typing import NDArray

from ..core.analysis import comparison as parts
from ..core.analysis.comparison import SelectionComparison
from ..core.analysis.distributions import distribution_of
from ..core.analysis.overlap import alone, rank_agreement, shared_of
from ..core.analysis.side_by_side import in_space, sets_of
from ..core.errors import ShortlistError
from ..core.progress import Progress
from ..core.schema import EMBEDDINGS, LABELS, parse
from ..core.selection.inputs import Embeddings, Predictions
from ..core.verbs import CompareSelections
from ..dataset import inputs, memberships, selections
from ..dataset.embeddings import which_embeddings
from ..dataset.labels import prediction_fields
from ..dataset.rows import Rows
from ..dataset.samples import Samples, dataset_of, ids_of, samples_of
from ..dataset.sources import choices
from .analyzed import Subject, subject_of
from .compared_summary import SelectionsCompared
from .terminal import Bar


def compare_selections(
    samples: Samples,
    run_keys: Sequence[str],
    *,
    embeddings: str | None = None,
    progress: Progress | None = None,
    **parameters: Any,
) -> SelectionsCompared:
    """Puts selections side by side: what they share, and the coverage, diversity and balance of each. Writes nothing.

    Args:
        samples: a dataset, or a view of its samples, which tags and saved views are compared with
        run_keys: 2 to 8 selections, tags or saved views
        embeddings: the vector field to measure in; that of the selections' configs by default
        progress: told the work done; a bar in the terminal by default
        **parameters: ``label_fields``, ``random_draws``, ``seed``; see the reference

    Returns:
        the comparison, and the views of what they share and of what each alone has

    Raises:
        ShortlistError: no such selection, tag or view, or no such embeddings
    """
    given = parse(CompareSelections, {"run_keys": list(run_keys), "embeddings": embeddings, **parameters})
    samples = samples_of(samples)
    with Bar.unless(progress) as told:
        return SelectionsCompared(_Comparing(samples, given, told).found(), dataset_of(samples))


class _Comparing:
    """One comparison on its way.

    Args:
        samples: what tags and saved views are compared with
        given: the parameters
        progress: told the work done
    """

    def __init__(self, samples: Samples, given: CompareSelections, progress: Progress):
        self.dataset, self.given, self.progress = dataset_of(samples), given, progress
        self.subjects = {name: subject_of(samples, name, where="run_keys") for name in given.run_keys}
        self.notes = [f"{name}: {note}" for name, subject in self.subjects.items() for note in subject.notes]
        self.rows = _rows(list(self.subjects.values()))
        self.members = {name: self._own(subject, subject.selected) for name, subject in self.subjects.items()}
        self.could = {name: self._own(subject, subject.input) for name, subject in self.subjects.items()}
        self.input = np.unique(np.concatenate(list(self.could.values())))
        self.datapool, self.preselected = self._datapool()

    def _own(self, subject: Subject, mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Some of a subject's samples as rows of all."""
        return self.rows.of(subject.rows.ids[mask])

    def _datapool(self) -> tuple[str | None, NDArray[np.int64]]:
        """What all of them were selected on top of; says so where only some were."""
        first, *others = self.subjects.values()
        name = first.datapool_name
        if name is not None and all(other.datapool_name == name for other in others):
            self.notes.append(f"what is in {name!r} counts as there already, since all were selected on top of it")
            return name, np.unique(np.concatenate([self._own(one, one.datapool) for one in self.subjects.values()]))
        self.notes += [
            f"{subject.name}: it was selected on top of {subject.datapool_name!r}, which does not count here, since not all "
            f"were; alone it covers less than with it"
            for subject in self.subjects.values()
            if subject.datapool_name is not None
        ]
        return None, np.zeros(0, np.int64)

    def found(self) -> SelectionComparison:
        """All of it."""
        space, balance = self._space(), list(self._balance())
        return SelectionComparison(
            created=selections.now(),
            dataset=self.dataset.name,
            parameters=self.given.model_dump(mode="json", exclude_none=True),
            members=list(self._described()),
            input=len(self.input),
            datapool=self.datapool,
            overlaps=[self._overlap(one, other) for one, other in combinations(self.subjects.values(), 2)],
            space=space,
            balance=balance,
            notes=self.notes,
        )

    def _described(self) -> Iterator[parts.Member]:
        only = alone(list(self.members.values()), len(self.rows))
        for subject, own in zip(self.subjects.values(), only, strict=True):
            record = subject.record
            yield parts.Member(
                name=subject.name,
                kind=subject.kind,
                created=None if record is None else record.created.replace(tzinfo=UTC).isoformat(timespec="seconds"),
                strategies=[] if record is None else list(record.facts.get("strategies", [])),
                datapool=subject.datapool_name,
                size=len(self.members[subject.name]),
                input=len(self.could[subject.name]),
                alone=len(own),
            )

    def _overlap(self, one: Subject, other: Subject) -> parts.Overlap:
        shared = shared_of(
            self.members[one.name], self.members[other.name], self.could[one.name], self.could[other.name]
        )
        return parts.Overlap(
            first=one.name,
            second=other.name,
            count=shared.count,
            jaccard=shared.jaccard,
            share_of_smaller=shared.of_smaller,
            both_could=shared.both_could,
            expected=shared.chance.expected,
            low=shared.chance.low,
            high=shared.chance.high,
            verdict=shared.verdict,
            rank_agreement=self._agreement(one, other),
        )

    def _agreement(self, one: Subject, other: Subject) -> float | None:
        """How far two selections agree in the order of what they share; None where one has no ranks."""
        if one.record is None or other.record is None:
            return None
        in_one, in_other = (ids_of(selections.view_of(self.dataset, subject.name)) for subject in (one, other))
        _, first, second = np.intersect1d(in_one, in_other, assume_unique=True, return_indices=True)
        return rank_agreement(first, second)

    def _space(self) -> parts.Space | None:
        source = self._source()
        if source is None:
            self.notes.append(f"coverage and diversity are not measured: {EMBEDDINGS.lacking}")
            return None
        name = str(source.field or source.brain_key)
        vectors, present = inputs.read(source, "vectors", self.rows, self.given.seed, self.progress)
        assert isinstance(vectors, np.ndarray)
        for own, rows in self.members.items():
            if lacking := int((~present[rows]).sum()):
                self.notes.append(f"{lacking} of {len(rows)} samples of {own!r} have no vector in {name!r}")
        return in_space(
            vectors,
            present,
            self.members,
            self.input,
            self.preselected,
            source=name,
            draws=self.given.random_draws,
            seed=self.given.seed,
            progress=self.progress,
        )

    def _source(self) -> Embeddings | None:
        """The embeddings to measure in: given, those of the configs, or the first; None where there are none.

        Raises:
            ShortlistError: what is given is none
        """
        if self.given.embeddings is not None:
            return self._named(Embeddings(type="EMBEDDINGS", field=self.given.embeddings))
        used = (
            Embeddings(type="EMBEDDINGS", field=entry.input.field, brain_key=entry.input.brain_key)
            for subject in self.subjects.values()
            for entry in (subject.config.strategies if subject.config is not None else ())
            if isinstance(entry.input, Embeddings) and entry.input.task is None
        )
        fields = (Embeddings(type="EMBEDDINGS", field=path) for path in choices(EMBEDDINGS, self.dataset))
        for source in (*used, *fields, Embeddings(type="EMBEDDINGS")):
            # The config's may be gone.
            with suppress(ShortlistError):
                return self._named(source)
        return None

    def _named(self, source: Embeddings) -> Embeddings:
        """The embeddings that an input means, by name."""
        path, key = which_embeddings(source, self.dataset)
        return Embeddings(type="EMBEDDINGS", field=path, brain_key=key)

    def _balance(self) -> Iterator[parts.Balance]:
        """The classes of each label field; of those that were not asked for, some may hold no labels."""
        sets = sets_of(self.members, self.input, self.preselected, self.given.random_draws, self.given.seed)
        for path in self._label_fields():
            source = Predictions(type="PREDICTIONS", task=path, count=True)
            try:
                amounts, present = inputs.read(source, "amounts", self.rows, self.given.seed, self.progress)
            except ShortlistError as error:
                if self.given.label_fields is not None:
                    raise
                self.notes.append(str(error))
                continue
            every = next(iter(sets.values())).input
            left_out = int((~present[every]).sum())
            counted = {
                name: distribution_of(amounts, one, source=path, kind="classes", left_out=left_out)  # type: ignore[arg-type]
                for name, one in sets.items()
            }
            if not any(one.sets["selected"].total for one in counted.values()):
                self.notes.append(f"none of them holds labels in {path!r}")
                continue
            first = next(iter(counted.values()))
            yield parts.Balance(
                source=path,
                categories=first.categories,
                input=first.sets["input"],
                members={name: one.sets["selected"] for name, one in counted.items()},
                random={name: one.random for name, one in counted.items()},
                left_out=left_out,
            )

    def _label_fields(self) -> list[str]:
        if self.given.label_fields is not None:
            return list(self.given.label_fields)
        kinds = prediction_fields(self.dataset)
        return [path for path in choices(LABELS, self.dataset) if kinds.get(path) is not fo.Segmentation]


def _rows(subjects: Sequence[Subject]) -> Rows:
    """The samples of all of them, and where they are read: where one has no more than others, theirs will do."""
    ids: NDArray[np.bytes_] = np.zeros(0, "S24")
    views: list[Samples] = []
    for subject in sorted(subjects, key=lambda one: -len(one.rows)):
        if not np.isin(subject.rows.ids, ids).all():
            ids, views = np.union1d(ids, subject.rows.ids), [*views, *subject.rows.views]
    return Rows(ids, views)


def only_in(samples: Samples, name: str, others: Sequence[str]) -> fo.DatasetView:
    """The samples of a selection, tag or view that none of the others has, in its own order.

    Raises:
        ShortlistError: no such selection, tag or view
    """
    return memberships.only_in(dataset_of(samples), name, others)


def shared_by(samples: Samples, names: Sequence[str]) -> fo.DatasetView:
    """The samples that all of some selections, tags or views have, in the order of the first.

    Raises:
        ShortlistError: no such selection, tag or view
    """
    return memberships.shared_by(dataset_of(samples), names)
