"""The verb score_images."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.progress import Progress
from ..core.schema import parse
from ..core.scores import scores
from ..core.scores.image_flags import OTHER_FLAGS, flags
from ..core.scores.image_quality import ImageMetric
from ..core.verbs import ScoreImages
from ..dataset import image_quality
from ..dataset.reservation import reserved
from ..dataset.results import Staging
from ..dataset.samples import Samples, dataset_of, every_sample, samples_of, uncollected
from .duplicates import Duplicates, find
from .measuring import FORMULAS, Table, measured
from .summary import ImageSummary
from .terminal import Bar

_LOT = 2000


def score_images(samples: Samples, *, progress: Progress | None = None, **parameters: Any) -> ImageSummary:
    """Measures the image files, flags likely problems and duplicates, and writes both as the field ``image_quality``.

    Args:
        samples: a dataset or a view of its samples; of groups, every slice
        progress: told the images done; a bar in the terminal by default
        **parameters: ``metrics``, ``flags`` and their thresholds; see the reference

    Returns:
        what was found and written

    Raises:
        ShortlistError: bad input; nothing was written
    """
    given = parse(ScoreImages, parameters)
    samples = every_sample(samples_of(samples))
    dataset = dataset_of(samples)
    image_quality.refuse_taken(dataset)
    if given.embeddings is not None:
        image_quality.refuse_no_vectors(samples, given.embeddings)
    with Bar.unless(progress) as told, reserved(dataset, "image quality"), Staging(dataset) as staging, uncollected():
        chosen = _Chosen(given)
        table = measured(samples, chosen.values, told)
        twins = find(samples, table, given, chosen.flags, told)
        flagged = {name: flag.compute(table.values, chosen.threshold(name)) for name, flag in chosen.decided.items()}
        flagged |= {"unreadable": ~table.read, **twins.flags}
        flagged = {name: flagged[name] for name in chosen.flags}
        _stage(staging, samples, table, chosen, flagged, twins)
        fields = image_quality.fields(
            chosen.metrics.values(), chosen.flags, given.model_dump(mode="json", exclude=_LISTS)
        )
        image_quality.write(dataset, staging, fields)
    return _summary(table, chosen, flagged, twins)


_LISTS = {"metrics", "flags"}


class _Chosen:
    """What was asked for, and what it takes.

    Args:
        given: the parameters
    """

    def __init__(self, given: ScoreImages):
        self.given = given
        self.metrics = {name: one for name, one in scores(ImageMetric).items() if name in (given.metrics or FORMULAS)}
        self.flags = [name for name in (*flags(), *OTHER_FLAGS) if given.flags is None or name in given.flags]
        self.decided = {name: one for name, one in flags().items() if name in self.flags}
        needs = {name for flag in self.decided.values() for name in flag.needs}
        # Duplicates are looked for among images of a size, and the largest leads its group.
        self.values = [name for name in FORMULAS if name in {*self.metrics, *needs, "width", "height"}]

    def threshold(self, flag: str) -> float:
        """The threshold of a flag; NaN where it has none."""
        parameter = flags()[flag].parameter
        return float("nan") if parameter is None else getattr(self.given, parameter)


def _stage(
    staging: Staging,
    samples: Samples,
    table: Table,
    chosen: _Chosen,
    flagged: dict[str, NDArray[np.bool_]],
    twins: Duplicates,
) -> None:
    """Collects one document a sample; what an earlier run wrote of samples that hold no image now is taken away."""
    first = image_quality.next_group(samples, set(table.ids)) if twins.groups.any() else 1
    for low in range(0, len(table.ids), _LOT):
        rows = slice(low, low + _LOT)
        columns = [_plain(table.values[name][rows], metric.whole) for name, metric in chosen.metrics.items()]
        marks = [[name if marked else None for marked in of_all[rows].tolist()] for name, of_all in flagged.items()]
        documents = []
        for row, values in enumerate(zip(*columns, strict=True), start=low):
            names = [mark[row - low] for mark in marks if mark[row - low]]
            found = dict(zip(chosen.metrics, values, strict=True), _cls="DynamicEmbeddedDocument")
            documents.append(
                {"_id": table.ids[row], image_quality.FIELD: {**found, "flags": names, "n_flags": len(names)}}
            )
        if twins.flags:
            for row, document in enumerate(documents, start=low):
                document[image_quality.FIELD] |= _twin(table, twins, row, first)
        staging.add(documents)
    if dataset_of(samples).get_field(image_quality.FIELD) is not None:
        staging.add([{"_id": one, image_quality.FIELD: None} for one in table.skipped])


def _twin(table: Table, twins: Duplicates, row: int, first: int) -> dict[str, Any]:
    """What is written of an image's duplicates."""
    group, leader = int(twins.groups[row]), int(twins.leaders[row])
    return {
        "duplicate_group": first + group - 1 if group else None,
        "duplicate_of": str(table.ids[leader]) if leader != row else None,
    }


def _plain(values: NDArray[np.float64], whole: bool) -> list[float | int | None]:
    """Numbers for the database, None for NaN."""
    kind = int if whole else float
    if not whole and not np.isnan(values).any():
        return values.tolist()
    return [None if value != value else kind(value) for value in values.tolist()]


def _summary(table: Table, chosen: _Chosen, flagged: dict[str, NDArray[np.bool_]], twins: Duplicates) -> ImageSummary:
    return ImageSummary(
        n_samples=len(table.ids),
        flags={name: int(marked.sum()) for name, marked in flagged.items()},
        n_groups=int(twins.groups.max(initial=0)),
        means={name: _mean(table.values[name]) for name in chosen.metrics},
        unreadable=table.unreadable,
        skipped=dict(table.reasons),
        view=image_quality.PROBLEMS,
        duplicates_view=image_quality.DUPLICATES,
    )


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
