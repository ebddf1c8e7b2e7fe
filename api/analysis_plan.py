"""What an analysis reads: which vectors, label fields, categories and numbers; those asked for, or those that matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import fiftyone as fo

from ..core.analysis.distributions import Target
from ..core.errors import ShortlistError, listed
from ..core.schema import EMBEDDINGS
from ..core.selection.config import SelectionConfig
from ..core.selection.inputs import Embeddings, Metadata, Predictions, Scores
from ..core.verbs import AnalyzeSelection
from ..dataset.columns import written_scores
from ..dataset.embeddings import brain_runs, vector_fields, which_embeddings, which_object_embeddings
from ..dataset.input_fields import category_field, metadata_path, number_field, scores_path
from ..dataset.labels import label_field
from ..dataset.samples import Samples, field_of
from ..dataset.sources import NUMBERS, label_fields
from ..dataset.visualization_points import check_visualization
from .config_reads import read_by

# So many masks are counted unasked; each is a file to decode.
_MOST_MASKS = 20_000


@dataclass(frozen=True)
class Counted:
    """Classes or categories to count.

    Args:
        input: where they are
        source: the field, as the report calls it
        target: what the selection was to have
        where: the parameter that names it; None where nobody did
    """

    input: Predictions | Metadata
    source: str
    target: Target | None = None
    where: str | None = None


@dataclass(frozen=True)
class Plan:
    """What an analysis reads.

    Args:
        embeddings: the vectors of samples
        objects: the vectors of objects
        counted: the classes and categories
        numbers: the number fields
        notes: what is not there, and how to get it
    """

    embeddings: Embeddings | None
    objects: Embeddings | None
    counted: list[Counted]
    numbers: list[str]
    notes: list[str] = field(default_factory=list)


def plan_of(given: AnalyzeSelection, samples: Samples, config: SelectionConfig | None) -> Plan:
    """What an analysis reads. Looks at names and types only.

    Args:
        given: the parameters
        samples: the samples
        config: of the selection, if it is one

    Raises:
        ShortlistError: what is asked for and not there, or of the wrong type
    """
    if given.brain_key is not None:
        check_visualization(samples, given.brain_key)
    planned = _Planned(given, samples, config)
    embeddings, objects = planned.embeddings(), planned.objects()
    counted, numbers = planned.fields()
    return Plan(embeddings, objects, [*planned.classes(), *counted], numbers, list(dict.fromkeys(planned.notes)))


@contextmanager
def said_of(names: Mapping[str, str]) -> Iterator[None]:
    """Errors in an input say which parameter of the analysis it is.

    Args:
        names: the parameter, by what the input calls it
    """
    try:
        yield
    except ShortlistError as error:
        sentence = str(error)
        for own, name in names.items():
            if sentence.startswith(own):
                raise ShortlistError(name + sentence.removeprefix(own)) from None
        raise


class _Planned:
    """Finds what is read; ``notes`` says what is not there.

    Args:
        given: the parameters
        samples: the samples
        config: of the selection, if it is one
    """

    def __init__(self, given: AnalyzeSelection, samples: Samples, config: SelectionConfig | None):
        self.given, self.samples, self.read_by = given, samples, read_by(config)
        self.notes: list[str] = []

    def embeddings(self) -> Embeddings | None:
        """The vectors of samples: those asked for, those of the config, or the only ones that there are."""
        name, samples = self.given.embeddings, self.samples
        if name is not None:
            is_run = samples.get_field(name) is None and name in brain_runs(samples)
            asked = Embeddings(type="EMBEDDINGS", field=None if is_run else name, brain_key=name if is_run else None)
            with said_of({"input.field": "embeddings", "input.brain_key": "embeddings"}):
                return self._vectors(asked)
        if (found := self._of_config(self._vectors, of_objects=False)) is not None:
            return found
        config = {key: samples.get_brain_info(key).config for key in brain_runs(samples)}
        runs = [key for key, one in config.items() if not getattr(one, "embeddings_field", None)]
        known = [*vector_fields(samples), *runs]
        if len(known) > 1:
            raise ShortlistError(f"embeddings must be named, since there are several: {listed(known)}.")
        if known:
            return self._vectors(Embeddings(type="EMBEDDINGS"))
        self.notes.append(f"coverage and diversity were not measured, which takes embeddings. {EMBEDDINGS.lacking}")
        return None

    def objects(self) -> Embeddings | None:
        """The vectors of objects: those asked for, or those of the config."""
        if self.given.objects is None:
            return self._of_config(self._object_vectors, of_objects=True)
        asked = Embeddings(type="EMBEDDINGS", task=self.given.objects, field=self.given.object_embeddings)
        names = {"input.task": "objects", "input.field": "object_embeddings", "the input EMBEDDINGS": "objects"}
        with said_of(names):
            return self._object_vectors(asked)

    def classes(self) -> list[Counted]:
        """The label fields to count."""
        asked = {path: f"label_fields[{place}]" for place, path in enumerate(self.given.label_fields or ())}
        found = []
        for path in label_fields(self.samples) if self.given.label_fields is None else asked:
            try:
                kind = label_field(self.samples, path, where=asked.get(path, "label_fields"))
            except ShortlistError:
                if path in asked:
                    raise
                continue
            if path not in asked and kind.task == "segmentation" and len(self.samples) > _MOST_MASKS:
                self.notes.append(
                    f"the masks of {path!r} are not counted, since they are many: name it in label_fields"
                )
                continue
            one = Predictions(type="PREDICTIONS", task=path, name="CLASS_DISTRIBUTION", count=True)
            found.append(Counted(one, path, self._target_of(path), asked.get(path)))
        return found

    def fields(self) -> tuple[list[Counted], list[str]]:
        """The fields of categories and of numbers: those asked for, or those of scores and of the config."""
        if self.given.fields is not None:
            return self._asked_for()
        counted, numbers = self._categories(), self._numbers()
        scores, issues = written_scores(self.samples)
        counted |= {path: Counted(Metadata(type="METADATA", key=path), path) for path in issues}
        return list(counted.values()), list(dict.fromkeys([*numbers, *scores]))

    def _asked_for(self) -> tuple[list[Counted], list[str]]:
        known, counted, numbers = self._categories(), {}, []
        for place, name in enumerate(self.given.fields or ()):
            where = f"fields[{place}]"
            with said_of({"input.key": where}):
                path = metadata_path(name, self.samples)
            kind = field_of(self.samples, path, where)
            is_number = isinstance(kind, NUMBERS) and not isinstance(kind, fo.BooleanField)
            if is_number and path not in known:
                number_field(path, where, self.samples)
                numbers.append(path)
            else:
                category_field(path, where, self.samples)
                one = known.get(path, Counted(Metadata(type="METADATA", key=path), path))
                counted[path] = replace(one, where=where)
        return list(counted.values()), list(dict.fromkeys(numbers))

    def _categories(self) -> dict[str, Counted]:
        """What the config reads as categories, with what it makes of them."""
        found: dict[str, Counted] = {}
        for one in self.read_by:
            given = one.input
            if isinstance(given, Metadata) and one.takes == "amounts" and self._there(given.key, *(given.cross or ())):
                source = given.label() if given.cross else metadata_path(given.key, self.samples)
                found.setdefault(source, Counted(given, source, one.target))
        return found

    def _numbers(self) -> list[str]:
        """What the config reads as numbers."""
        found = []
        for one in self.read_by:
            given = one.input
            if one.takes != "numbers" or not isinstance(given, (Metadata, Scores)):
                continue
            try:
                path = (
                    scores_path(given, self.samples)
                    if isinstance(given, Scores)
                    else metadata_path(given.key, self.samples)
                )
                number_field(path, "the field", self.samples)
                found.append(path)
            except ShortlistError:
                self._lacks(given.label())
        return found

    def _there(self, *keys: str) -> bool:
        """Whether fields of categories that the config names are still there."""
        try:
            for key in keys:
                category_field(metadata_path(key, self.samples), "the field", self.samples)
        except ShortlistError:
            self._lacks(" x ".join(keys))
            return False
        return True

    def _lacks(self, name: str) -> None:
        self.notes.append(f"{name}, which the selection's config reads, is no longer there")

    def _target_of(self, task: str) -> Target | None:
        """What the selection was to have of the classes of a label field."""
        for one in self.read_by:
            given = one.input
            if not isinstance(given, Predictions) or given.task not in (task, None) or one.target is None:
                continue
            if not given.categories:
                return one.target
            self.notes.append(
                f"the selection balances {listed(given.categories)} of {task!r} alone, which is no target for all its classes"
            )
        return None

    def _of_config(self, found: Callable[[Embeddings], Embeddings], of_objects: bool) -> Embeddings | None:
        """The first vectors that the config reads and that are still there."""
        for one in self.read_by:
            if isinstance(one.input, Embeddings) and (one.input.task is not None) == of_objects:
                try:
                    return found(one.input)
                except ShortlistError:
                    self._lacks(one.input.label())
        return None

    def _vectors(self, given: Embeddings) -> Embeddings:
        """The same vectors by field or Brain run, whichever it is."""
        path, key = which_embeddings(given, self.samples)
        return Embeddings(type="EMBEDDINGS", field=path, brain_key=key)

    def _object_vectors(self, given: Embeddings) -> Embeddings:
        """The same vectors by attribute or Brain run, whichever it is."""
        attribute, key = which_object_embeddings(given, self.samples)
        return Embeddings(type="EMBEDDINGS", task=given.task, field=attribute, brain_key=key)
