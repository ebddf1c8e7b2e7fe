"""The verb score_disagreement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from ..core.errors import listed, must_be
from ..core.progress import Progress
from ..core.schema import foreign, parse
from ..core.scores import scores
from ..core.scores.disagreement import Disagreement
from ..core.verbs import ScoreDisagreement
from ..dataset.committee import Committee, committee
from ..dataset.committee_fields import disagreement_fields
from ..dataset.committee_masks import have_probabilities
from ..dataset.committee_passes import refuse_no_passes
from ..dataset.labels import label_path
from ..dataset.reservation import reserved
from ..dataset.results import refuse_foreign, refuse_undeclared
from ..dataset.samples import Samples, as_object_ids, dataset_of, generated_kind, ids_of, origin_of, uncollected
from ..dataset.scores import FrameScores, ScoreWriter, commit
from .comparing import Compared, compared
from .summary import DisagreementSummary
from .terminal import Bar


def score_disagreement(
    samples: Samples, label_fields: Sequence[str], *, progress: Progress | None = None, **parameters: Any
) -> DisagreementSummary:
    """Scores how far several predictions of the same samples differ, and writes the scores as fields.

    Args:
        samples: a dataset or a view; of a view of patches, clips or frames the samples behind it are compared
        label_fields: two or more fields of one type (Classification, Detections or Segmentation), with ``frames.`` before
            the names of fields of frames; or the one field whose labels hold stochastic passes
        progress: told the samples done; a bar in the terminal by default
        **parameters: ``scores``, ``name``, ``passes_attribute``, ``iou``, ``min_confidence``, ``aggregation``, ...; see the
            reference

    Returns:
        what was written

    Raises:
        ShortlistError: bad input; nothing was written
    """
    given = parse(ScoreDisagreement, {"label_fields": label_fields, **parameters})
    origin, of_frames = origin_of(samples)
    paths = [label_path(path, of_frames) for path in given.label_fields]
    with Bar.unless(progress) as told:
        made = _score(origin, given.model_copy(update={"label_fields": paths}), told)
    if generated_kind(samples) is not None:
        # The view holds copies of what was compared.
        samples.reload()
    return made


def _score(samples: Samples, given: ScoreDisagreement, progress: Progress) -> DisagreementSummary:
    """Streams the members through the formulas into the staging area, and merges the scores when complete."""
    dataset = dataset_of(samples)
    members = committee(samples, given.label_fields, given.passes_attribute, given.probabilities_attribute)
    if members.passes:
        refuse_no_passes(samples, members.fields[0], members.passes)
    chosen = _applicable(samples, given, members)
    names, on_objects = [score.name for score in chosen], members.has_objects
    fields = disagreement_fields(members, chosen, given.name, _recorded(given, members))
    refuse_foreign(dataset, [one.path for one in fields])
    refuse_undeclared(dataset, [one.path for one in fields if one.part])
    paths = [f"{given.name}_{name}" for name in names]
    tally, total = _Tally(given, members), samples.count("frames") if members.of_frames else len(samples)
    with ExitStack() as stack:
        stack.enter_context(reserved(dataset, f"scores {given.name}"))
        stack.enter_context(uncollected())
        inside = members.fields if on_objects else ()
        writers = [stack.enter_context(ScoreWriter(dataset, paths, inside, members.of_frames))]
        of_samples = FrameScores(names, given.frame_aggregation)
        for batch in compared(samples, given, members, chosen, tally.problems):
            writers[0].add(batch.ids, [batch.values[name] for name in names], batch.of_objects)
            if members.of_frames:
                of_samples.add(batch.owners, batch.values)
            tally.add(batch)
            progress(tally.documents, total, f"comparing {', '.join(given.label_fields)}")
        if members.of_frames:
            writers.append(stack.enter_context(ScoreWriter(dataset, paths)))
            for owners, columns in of_samples.batches(as_object_ids(ids_of(samples))):
                writers[1].add(owners, columns)
        commit(dataset, fields, writers)
    return tally.summary(len(of_samples) if members.of_frames else tally.documents)


def _applicable(samples: Samples, given: ScoreDisagreement, members: Committee) -> list[Disagreement]:
    """The scores asked for, or all that apply."""
    fitting = [score for score in scores(Disagreement).values() if members.task in score.tasks]
    if given.scores is None:
        if members.task == "segmentation" and not (members.passes or have_probabilities(samples, members)):
            return [score for score in fitting if score.reads != "probabilities"]
        return fitting
    for name in given.scores:
        if name not in [score.name for score in fitting]:
            what = "stochastic passes" if members.passes else f"{members.fields[0].kind.__name__} fields"
            raise must_be("scores", f"scores of {what} ({', '.join(score.name for score in fitting)})", name)
    return [score for score in fitting if score.name in given.scores]


def _recorded(given: ScoreDisagreement, members: Committee) -> dict[str, Any]:
    """The parameters that matter for what was compared."""
    held, kinds = given.model_dump(mode="json"), {members.fields[0].task, *(["frames"] if members.of_frames else [])}
    left_out = {"scores", "name", *foreign(ScoreDisagreement, kinds, held)}
    return {name: value for name, value in held.items() if value is not None and name not in left_out}


class _Tally:
    """Counts what was compared."""

    def __init__(self, given: ScoreDisagreement, members: Committee) -> None:
        self.given, self.committee = given, members
        self.documents = self.objects = 0
        self.unscoreable: Counter[str] = Counter()
        self.members: Counter[int] = Counter()
        self.problems: Counter[str] = Counter()
        self.scored: Counter[str] = Counter()
        self.sums: dict[str, float] = {}

    def add(self, batch: Compared) -> None:
        """Counts a batch in."""
        self.documents += len(batch.ids)
        self.objects += sum(len(one.ids) for one in batch.of_objects)
        self.members.update(batch.members.tolist())
        for name, values in batch.values.items():
            known = ~np.isnan(values)
            self.scored[name] += int(known.sum())
            self.sums[name] = self.sums.get(name, 0.0) + float(values[known].sum())
            self.unscoreable[name] += int((~known & (batch.members >= self._least)).sum())

    @property
    def _least(self) -> int:
        """How many labels a sample must have to be compared: passes are inside one."""
        return 1 if self.committee.passes else 2

    def summary(self, n_samples: int) -> DisagreementSummary:
        """What was counted, for people."""
        names = ", ".join(repr(path) for path in self.given.label_fields)
        few = sum(count for there, count in self.members.items() if there < self._least)
        reasons = {
            f"no {names}" if self.given.passes_attribute else f"fewer than two of {names}": few,
            **self._lacking(),
        }
        return DisagreementSummary(
            label_fields=list(self.given.label_fields),
            passes_attribute=self.given.passes_attribute,
            n_samples=n_samples,
            n_frames=self.documents if self.committee.of_frames else None,
            n_objects=self.objects,
            fields={
                f"{self.given.name}_{name}": {
                    "scored": count,
                    "mean": self.sums[name] / count if count else float("nan"),
                }
                for name, count in self.scored.items()
            },
            unscoreable={reason: count for reason, count in reasons.items() if count},
            members=dict(sorted(self.members.items(), reverse=True)),
            problems=dict(self.problems),
        )

    def _lacking(self) -> dict[str, int]:
        """How many samples have labels, but not what scores need, by what that is and which scores."""
        together: dict[tuple[str, int], list[str]] = {}
        for name, count in self.unscoreable.items():
            passes, reads = self.given.passes_attribute, scores(Disagreement)[name].reads
            need = f"no passes in {passes!r} that can be read" if passes else _NEEDS[self.committee.task, reads]
            together.setdefault((need, count), []).append(name)
        return {
            f"{need}{'' if len(names) == len(self.unscoreable) else f' ({listed(names)})'}": count
            for (need, count), names in together.items()
        }


#: what samples lack that have labels and cannot be scored, by the task and by what a score reads
_NEEDS = {
    ("classification", "votes"): "fewer than two labels that name a class",
    ("classification", "probabilities"): "fewer than two labels with probabilities, logits or a confidence",
    ("detection", "matches"): "nothing to compare",
    ("segmentation", "masks"): "fewer than two masks that can be read and show a class",
    ("segmentation", "probabilities"): "fewer than two masks with probabilities that can be read",
}
