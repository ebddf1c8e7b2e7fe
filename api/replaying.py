"""What a back-test replays: strategies by name, saved configs and those of selections, with where their values come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..core.back_testing.contenders import Chance, Contender, Learned, Own, Source, Stored, contender
from ..core.back_testing.named import NAMED, Name, first_names
from ..core.back_testing.truths import Classes
from ..core.errors import ShortlistError, did_you_mean, listed, must_be
from ..core.progress import Progress
from ..core.schema import PREDICTIONS, parse
from ..core.scores import Uncertainty, scores
from ..core.selection.config import Entry, SelectionConfig
from ..core.selection.inputs import Embeddings, Input, Metadata, Predictions, Random, Scores
from ..core.selection.values import ObjectVectors, Takes
from ..dataset import configs as saved
from ..dataset import inputs
from ..dataset.embeddings import which_embeddings
from ..dataset.input_fields import scores_path
from ..dataset.input_vectors import read_query
from ..dataset.known_labels import KnownLabels, same_kind
from ..dataset.results import mark_of
from ..dataset.samples import dataset_of
from ..dataset.selections import record_of, selection_keys
from ..dataset.sources import choices

# What says which samples a config is for, which a replay decides itself.
_OWN = ("n_samples", "proportion_samples", "preselected", "candidates")


class Replayed:
    """Makes contenders for the labelled samples of a dataset.

    Args:
        known: the labelled samples
        label_field: the labels
        progress: told the samples read
    """

    def __init__(self, known: KnownLabels, label_field: str, progress: Progress):
        self._known, self._label_field, self._progress = known, label_field, progress
        self._dataset = dataset_of(known.rows.samples)
        self._stored: dict[tuple[str, Takes], Stored] = {}
        self._notes: list[str] = []

    def contenders(self, names: Sequence[Name] | None, configs: Sequence[str] | None) -> list[Contender]:
        """Strategies by name and configs.

        Raises:
            ShortlistError: an unknown config, or one that cannot be replayed, and why
        """
        one_class = isinstance(self._known.task.truth, Classes)
        if names is None:
            names = first_names(one_class)
        found = [self._named(name) for name in dict.fromkeys(names)]
        return [*found, *(self._of_config(name) for name in dict.fromkeys(configs or ()))]

    def _named(self, name: Name) -> Contender:
        one = NAMED[name]
        embeddings = self._known.embeddings.model_dump(exclude_none=True)
        made = self._made(one.label, one.config(embeddings, self._label_field), name)
        task = self._predictions()
        usable = one.config(embeddings, task) if task is not None or not made.needs_model else None
        return replace(made, config=usable, key=name)

    def _predictions(self) -> str | None:
        """The label field whose predictions a selection would read."""
        others = [path for path in choices(PREDICTIONS, self._dataset) if path != self._label_field]
        return next((path for path in others if same_kind(self._dataset, self._label_field, path)), None)

    def _of_config(self, name: str) -> Contender:
        """A saved config, or else the config of a selection.

        Raises:
            ShortlistError: there is no such config
        """
        if name in saved.config_names():
            kind, config = "config", saved.saved_config(name).config
        elif name in selection_keys(self._dataset):
            kind, config = "selection", record_of(self._dataset, name).config
        else:
            known = [*saved.config_names(), *selection_keys(self._dataset)]
            hint = did_you_mean(name, known) or (f"There are {listed(known)}." if known else "There are none yet.")
            raise must_be("configs", f"saved configs or selections of {self._dataset.name!r}", name, hint)
        kept = {key: value for key, value in config.items() if key not in _OWN}
        made = self._made(name, kept, f"configs: {name!r}")
        ignored = [key for key in ("preselected", "candidates") if config.get(key) is not None]
        notes = [f"{' and '.join(ignored)} of the config do not count in a replay"] if ignored else []
        return replace(made, config=kept, kind=kind, key=name, notes=(*made.notes, *notes))  # type: ignore[arg-type]

    def _made(self, label: str, config: Mapping[str, Any], where: str) -> Contender:
        self._notes = []
        try:
            given = parse(SelectionConfig, {**config, "n_samples": 1}, "config")
            made = contender(label, given, self._known.task.truth, self._source, self._query)
        except ShortlistError as error:
            raise error.at(where) from None
        return replace(made, notes=tuple(dict.fromkeys(self._notes)))

    def _source(self, given: Input, takes: Takes) -> Source:
        """Where the values of an input come from."""
        if isinstance(given, Random):
            return Chance()
        if isinstance(given, Predictions):
            return Learned(given)
        if isinstance(given, Scores | Metadata):
            path = given.key if isinstance(given, Metadata) else self._path(given)
            score = self._score_of(given, path)
            if score is not None:
                return Learned(Scores(type="SCORES", task=self._label_field, score=score))
        if isinstance(given, Embeddings) and not given.has_query and self._is_own(given):
            return Own()
        return self._read(given, takes)

    def _path(self, given: Scores) -> str:
        return given.field or scores_path(given, self._known.rows.samples) if given.task is None else ""

    def _score_of(self, given: Scores | Metadata, path: str) -> Any:
        """The uncertainty score that an input means, of whatever predictions; None for other numbers, which are read."""
        if isinstance(given, Scores) and given.task is not None:
            return given.score or "uncertainty_margin"
        mark = mark_of(self._dataset, path) or {}
        if mark.get("verb") == "score_uncertainty":
            return next((name for name in scores(Uncertainty) if path.endswith(f"_{name}")), None)
        if mark.get("verb") in ("score_predicted_loss", "score_disagreement"):
            self._notes.append(f"{path} is read as it is stored: models that know these labels may have made it")
        return None

    def _is_own(self, given: Embeddings) -> bool:
        """Whether an input means the vectors that the model learns from."""
        if given.task is not None:
            return False
        if given.field is None and given.brain_key is None:
            return True
        field, key = which_embeddings(given, self._known.rows.samples)
        return (field, key) == (self._known.embeddings.field, self._known.embeddings.brain_key)

    def _read(self, given: Input, takes: Takes) -> Stored:
        """What the dataset holds of an input, read once however many need it."""
        key = (given.model_dump_json(), takes)
        if key not in self._stored:
            self._stored[key] = Stored(*inputs.read(given, takes, self._known.rows, 0, self._progress))
        return self._stored[key]

    def _query(self, entry: Entry) -> Any:
        """The vectors of an entry's query set; None where it has none."""
        if not isinstance(entry.input, Embeddings) or not entry.input.has_query:
            return None
        values = self._read(entry.input, entry.strategy.takes).values
        vectors = values.vectors if isinstance(values, ObjectVectors) else values
        return read_query(entry.input, self._known.rows, vectors.shape[1], self._progress)  # type: ignore[union-attr]
