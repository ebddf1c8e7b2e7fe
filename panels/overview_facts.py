"""What the tab Overview shows of where the work stands, as rows and sentences; knows no App."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.errors import listed
from ..core.next_steps import Step
from ..core.rounds import Round, change
from ..core.standing import Labels, Reviewed, Scored, Selected, Standing
from .numbers import DASH, counted, percent
from .page import plain

SELECTIONS = {
    "name": "Selection",
    "size": "Samples",
    "labels": "Labels",
    "gain": "Beside random",
    "quality": "Model after it",
    "state": "Analysis",
}
REVIEWS = {"name": "Review", "done": "Decided", "state": "State"}
ISSUES = {"of": "Labels", "flagged": "Likely wrong"}
SCORES = {"of": "Scores", "made": "Since (UTC)"}
TESTS = {"of": "Labels", "made": "Made (UTC)"}

#: what people call what a verb writes
_SCORED = {
    "score_uncertainty": "Uncertainty",
    "score_disagreement": "Disagreement",
    "score_predicted_loss": "Predicted loss",
    "score_label_quality": "Label quality",
    "score_images": "Image quality",
}
#: what a button calls a verb
_VERBS = {
    "score_uncertainty": "Score",
    "score_disagreement": "Compare",
    "score_predicted_loss": "Predict",
    "score_label_quality": "Find",
    "score_images": "Measure",
    "select_samples": "Select",
    "start_review": "Review",
    "apply_review": "Apply",
    "export_annotations": "Hand over",
    "analyze_selection": "Analyze",
    "visualize_embeddings": "Compute",
    "back_test": "Back-test",
}
#: what image quality is sorted by
_IMAGES = "image_quality.n_flags"


def there(standing: Standing) -> str:
    """What the dataset holds, as Markdown."""
    parts = [f"**{counted(standing.n_samples, 'sample')}**"]
    if standing.predictions:
        parts.append(f"predictions: {_fields(standing.predictions)}")
    if standing.truths:
        parts.append(f"labels: {_fields(standing.truths)}")
    if standing.embeddings:
        parts.append(f"embeddings: {listed((plain(one.source) for one in standing.embeddings), 4)}")
    return "; ".join(parts)


def _fields(labels: list[Labels]) -> str:
    return listed((f"{plain(one.path)}{_share(one)}" for one in labels), 4)


def _share(labels: Labels) -> str:
    if labels.share is None or labels.share >= 1:
        return ""
    return f" (on about {percent(labels.share)} of the samples)" if labels.share else " (on hardly any sample)"


def selection_rows(standing: Standing) -> list[dict[str, str]]:
    """The selections, the newest first."""
    analyses = {one.name: one for one in standing.analyses}
    rounds = {one.run_key: one for one in standing.rounds}
    rows = []
    for one in reversed(standing.selections):
        analysis = analyses.get(one.run_key)
        brought = rounds.get(one.run_key, Round(one.run_key, one.n_samples, gain=one.gain))
        state = "not yet" if analysis is None else "done" if analysis.is_current else "outdated"
        rows.append(
            {
                "name": _described(one),
                "size": f"{one.n_samples:,}",
                "labels": DASH if brought.n_labeled is None else f"{brought.n_labeled:,}",
                "gain": _gain(brought.gain),
                "quality": _qualities(brought),
                "state": state,
            }
        )
    return rows


def _described(selected: Selected) -> str:
    """A selection's name, and how it was made."""
    datapool = f", on top of {listed(selected.datapool, 3)}" if selected.datapool else ""
    made = "" if selected.created is None else f", {_time(selected.created)}"
    return f"{selected.run_key}: {listed(selected.strategies, 3)}{datapool}{made}"


def _qualities(one: Round) -> str:
    """How good the model was after a round."""
    return ", ".join(f"{quality.name} {quality.value:.3f}" for quality in one.qualities) or DASH


def rounds_sentence(standing: Standing) -> str:
    """What the rounds brought so far, as Markdown; empty where little is known."""
    parts = []
    before = next((one for one in standing.rounds if one.run_key is None), None)
    if before is not None:
        parts.append(f"before the first: {_qualities(before)}")
    if (ends := change(standing.rounds)) is not None:
        first, last = ends
        parts.append(
            f"{plain(first.name)} went from {first.value:.3f} ({plain(first.source)}) to {last.value:.3f} "
            f"({plain(last.source)})"
        )
    labeled = [one for one in standing.rounds if one.n_labeled is not None]
    if labeled:
        has, of = sum(one.n_labeled or 0 for one in labeled), sum(one.n_samples for one in labeled)
        parts.append(f"{has:,} of {of:,} selected samples have {plain(str(labeled[-1].label_field))}")
    said = "; ".join(parts)
    return f"{said[:1].upper()}{said[1:]}." if said else ""


def review_rows(standing: Standing) -> list[dict[str, str]]:
    """The reviews, the newest first."""
    return [
        {
            "name": f"{one.run_key}{f' of {one.label_field}' if one.label_field else ''}, {_time(one.created)}",
            "done": f"{one.n_items - one.n_open:,} of {one.n_items:,}",
            "state": _state(one),
        }
        for one in reversed(standing.reviews)
    ]


def _state(one: Reviewed) -> str:
    """What a review waits for."""
    parts = ["open"] if one.n_open else []
    parts += [f"{one.n_disputed:,} disputed"] if one.n_disputed else []
    if one.applied is not None:
        parts.append("applied, more was decided since" if one.has_changes else "applied")
    elif one.has_changes:
        parts.append("not applied")
    return ", ".join(parts) or "done"


def _gain(gain: float | None) -> str:
    """How much nearer the candidates are than to random selections."""
    if gain is None:
        return DASH
    return f"{percent(abs(gain))} {'nearer' if gain >= 0 else 'farther'}"


def issue_rows(standing: Standing) -> list[dict[str, str]]:
    """The suspected label errors, a row a label field."""
    return [
        {
            "of": f"{one.label_field}, beside {one.predictions_field}{_kinds(one.kinds)}",
            "flagged": f"{one.n_flagged:,} of {one.n_samples:,}",
        }
        for one in standing.issues
    ]


def _kinds(kinds: Mapping[str, int]) -> str:
    found = listed(f"{count:,} {kind.replace('_', ' ')}" for kind, count in _most(kinds))
    return f": {found}" if found else ""


def _most(kinds: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(kinds.items(), key=lambda one: -one[1])


def score_rows(standing: Standing) -> list[dict[str, str]]:
    """What has been scored, a row a verb and label field."""
    return [
        {
            "of": f"{_SCORED.get(one.verb, one.verb)} of {listed(one.label_fields, 4) or 'images'}: {listed(_short(one), 5)}"
            f"{'' if one.is_complete else ' (interrupted)'}",
            "made": _time(one.since),
        }
        for one in standing.scored
    ]


def _short(scored: Scored) -> list[str]:
    """The names of the fields without what all of them begin with."""
    starts = [f"{path}_{word}" for path in scored.label_fields for word in ("uncertainty_", "")]
    found = [next((path.removeprefix(one) for one in starts if path.startswith(one)), path) for path in scored.fields]
    return [name.replace("_", " ") for name in found]


def test_rows(standing: Standing) -> list[dict[str, str]]:
    """The back-tests, the newest first."""
    return [
        {"of": f"{one.label_field}{f': {one.outcome}' if one.outcome else ''}", "made": _time(one.created)}
        for one in reversed(standing.back_tests)
    ]


def _time(when: str | None) -> str:
    """A time to the minute."""
    return DASH if when is None else when[:16].replace("T", " ")


def verb_label(verb: str) -> str:
    """What a button calls a verb."""
    return _VERBS.get(verb, verb.replace("_", " ").capitalize())


def form_of(step: Step) -> dict[str, Any]:
    """What the form of a step's operator begins with.

    The form of a selection begins with a preset, of which only the datapool may be another than it would take itself.
    """
    if step.preset is None:
        return dict(step.params)
    form: dict[str, Any] = {"start": step.preset, "run_key": step.params["run_key"]}
    if (datapool := step.params["config"].get("preselected")) is not None:
        form[f"config_{step.preset}"] = {"preselected": datapool}
    return form


def sorted_by(scored: Scored) -> tuple[str, bool] | None:
    """The field to sort samples by, and whether the greatest come first; None where there is none."""
    if scored.verb == "score_images":
        return _IMAGES, True
    numbers = [path for path in scored.fields if not path.startswith("frames.")]
    return (numbers[0], scored.verb != "score_label_quality") if numbers else None
