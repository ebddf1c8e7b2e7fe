"""An analysis at work: values read, compared, and put together as a report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from ..core.analysis.distributions import distribution_of, numbers_of
from ..core.analysis.embedding import Measured, analyze_embeddings
from ..core.analysis.report import Analyzed, Distribution, EmbeddingAnalysis, Numbers, Report
from ..core.analysis.sets import Sets
from ..core.errors import Cancelled, ShortlistError
from ..core.progress import Progress
from ..core.selection.inputs import Embeddings, Input, Metadata
from ..core.selection.values import Amounts, AnyValues, ObjectVectors, Takes
from ..core.vectors import checked
from ..core.verbs import AnalyzeSelection
from ..dataset import inputs
from ..dataset.columns import read_columns
from ..dataset.samples import dataset_of
from ..dataset.selections import now, user, versions
from ..dataset.visualization_points import Points, points_of, visualizations
from .analysis_plan import Counted, Plan, said_of
from .analyzed import Subject

_UNMEASURED = "coverage and diversity were not measured"


class Work:
    """An analysis at work; ``notes`` says what was left out.

    Args:
        given: the parameters
        subject: what is analyzed
        plan: what is read
        progress: told the work done
    """

    def __init__(self, given: AnalyzeSelection, subject: Subject, plan: Plan, progress: Progress):
        self.given, self.subject, self.plan, self.progress = given, subject, plan, progress
        self.rows = subject.rows
        input, selected, datapool = map(np.flatnonzero, (subject.input, subject.selected, subject.datapool))
        self.sets = Sets.of(input, selected, datapool, given.random_draws, given.seed)
        self.notes = [*subject.notes, *plan.notes]
        self._counts = subject.input | subject.datapool
        if subject.datapool_name is not None and not len(datapool):
            self.notes.append(
                f"the datapool {subject.datapool_name!r} holds nothing but what is selected: it does not count"
            )
        config = subject.config
        if config is not None and config.selected_sequence_length is not None:
            self.notes.append(
                f"the selection is one of sequences of {config.selected_sequence_length} samples; random selections are of "
                f"single samples"
            )

    def of_samples(self) -> Measured | None:
        """Diversity and coverage in the embeddings of samples."""
        with self._unless_asked(self.given.embeddings or self.given.brain_key, f"{_UNMEASURED}: "):
            return None if self.plan.embeddings is None else self._of_samples(self.plan.embeddings)
        return None

    def _of_samples(self, given: Embeddings) -> Measured:
        values, present = self._read(given, "vectors", {"input.field": "embeddings", "input.brain_key": "embeddings"})
        assert isinstance(values, np.ndarray)
        source = given.label()
        if not present[self.subject.selected].any():
            raise ShortlistError(f"embeddings must be there for a selected sample. Got none in {source!r} instead.")
        points = self._points(given)
        return analyze_embeddings(
            checked(values),
            self.sets.only(present),
            ids=self.rows.ids,
            source=source,
            left_out=self._without(present),
            regions=self.given.regions,
            positions=None if points is None else points.positions,
            method="pca" if points is None else points.method,
            brain_key=None if points is None else points.brain_key,
            seed=self.given.seed,
            progress=self.progress,
        )

    def of_objects(self) -> EmbeddingAnalysis | None:
        """Diversity and coverage in the embeddings of objects."""
        with self._unless_asked(self.given.objects, f"{_UNMEASURED} of objects: "):
            return None if self.plan.objects is None else self._of_objects(self.plan.objects)
        return None

    def _of_objects(self, given: Embeddings) -> EmbeddingAnalysis:
        values, _ = self._read(given, "vectors", {"input.task": "objects", "input.field": "object_embeddings"})
        assert isinstance(values, ObjectVectors)
        held = np.diff(values.offsets) > 0
        if not held[self.subject.selected].any():
            raise ShortlistError(
                f"embeddings must be there for an object of a selected sample. Got none in {given.label()!r} instead."
            )
        return analyze_embeddings(
            checked(values.vectors),
            self.sets.of_objects(values.offsets),
            ids=self.rows.ids[values.owners],
            level="objects",
            source=given.label(),
            left_out=self._without(held),
            regions=self.given.regions,
            seed=self.given.seed,
            progress=self.progress,
        ).analysis

    def distributions(self) -> list[Distribution]:
        """Classes and categories by set."""
        found = []
        for one in self.plan.counted:
            with self._unless_asked(one.where, f"{one.source} is left out: "):
                found.append(self._counted(one))
        return found

    def _counted(self, one: Counted) -> Distribution:
        names = {"input.task": one.where or one.source, "input.key": one.where or one.source}
        values, present = self._read(one.input, "amounts", names)
        assert isinstance(values, Amounts)
        return distribution_of(
            values,
            self.sets,
            source=one.source,
            kind="categories" if isinstance(one.input, Metadata) else "classes",
            target=one.target,
            left_out=self._without(present),
        )

    def numbers(self) -> list[Numbers]:
        """Scores and other numbers by set."""
        columns = read_columns(self.plan.numbers, self.rows, self.progress)
        found = []
        for path, values in zip(self.plan.numbers, columns, strict=True):
            present = np.isfinite(values)
            if not present[self._counts].any():
                sentence = f"no sample has a value in {path!r}"
                if self.given.fields is not None:
                    raise ShortlistError(f"fields: {sentence}.")
                self.notes.append(sentence)
                continue
            found.append(numbers_of(values, self.sets, source=path, left_out=self._without(present)))
        return found

    def report(
        self, spaces: list[EmbeddingAnalysis], distributions: list[Distribution], numbers: list[Numbers]
    ) -> Report:
        """All of it as one document."""
        given, subject = self.given, self.subject
        return Report(
            created=now(),
            by=user(),
            dataset=dataset_of(self.rows.samples).name,
            versions=versions(),
            parameters=given.model_dump(mode="json", exclude_none=True, exclude={"export_dir", "overwrite"}),
            analyzed=Analyzed(
                name=subject.name,
                kind=subject.kind,
                config=subject.record.config if subject.record else None,
                datapool=subject.datapool_name,
            ),
            sizes={name: len(rows) for name, rows in self.sets.named().items()},
            random_draws=given.random_draws,
            embeddings=spaces,
            distributions=distributions,
            numbers=numbers,
            notes=self.notes,
        )

    def _read(self, given: Input, takes: Takes, names: dict[str, str]) -> tuple[AnyValues, NDArray[np.bool_]]:
        with said_of(names):
            return inputs.read(given, takes, self.rows, self.given.seed, self.progress)

    def _points(self, given: Embeddings) -> Points | None:
        """The points of the visualization asked for, or of the newest one of the embeddings."""
        if self.given.brain_key is not None:
            points = points_of(self.given.brain_key, self.rows)
            if points is None:
                raise ShortlistError(
                    f"brain_key must be a visualization of these samples. Got {self.given.brain_key!r}, which has none of "
                    f"them, instead."
                )
            return points
        keys = visualizations(self.rows.samples, given.field) if given.field else []
        found = (points_of(key, self.rows) for key in keys)
        return next((points for points in found if points is not None), None)

    def _without(self, present: NDArray[np.bool_]) -> int:
        """How many samples of the sets have no value."""
        return int((self._counts & ~present).sum())

    @contextmanager
    def _unless_asked(self, asked: str | None, before: str = "") -> Iterator[None]:
        """What nobody asked for and cannot be measured is a note, no error.

        Args:
            asked: the parameter that asks for it; None where none does
            before: what the note begins with
        """
        try:
            yield
        except Cancelled:
            raise
        except ShortlistError as error:
            if asked is not None:
                raise
            self.notes.append(f"{before}{error}")
