"""What to do next on a dataset: a table of small rules, the most useful first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .errors import listed
from .review import steps as review
from .selection.presets import Has, presets
from .standing import Labels, Scored, Standing
from .step import Step, free

# Types of labels of which several models can be compared, and which a model's errors can be learned from.
_COMPARED = ("Classification", "Detections", "Segmentation")
_LEARNED = ("Classification", "Detections")
# How many fields of predictions to score are offered at once.
_MOST = 2


def next_steps(standing: Standing) -> list[Step]:
    """What to do next, the most useful first; empty for a dataset without samples."""
    if not standing.n_samples:
        return []
    return [step for rule in RULES for step in rule(standing)]


# By which parameters a verb is asked to do again what it did.
_ASKED = {
    "score_uncertainty": ("label_field",),
    "score_disagreement": ("label_fields", "passes_attribute"),
    "score_label_quality": ("label_field", "predictions_field"),
    "score_predicted_loss": ("label_field", "ground_truth", "labeled", "embeddings"),
    "score_images": (),
}


def _finish(standing: Standing) -> Iterator[Step]:
    for scored in standing.scored:
        if not scored.is_complete and scored.verb in _ASKED:
            yield Step(
                f"Finish {_words(scored.verb)}",
                f"A run was interrupted before {listed(scored.fields, 3)} was complete; running it again mends it.",
                scored.verb,
                again(scored),
            )


def again(scored: Scored) -> dict[str, Any]:
    """The parameters by which a verb scores once more what it has scored."""
    given = {"label_field": next(iter(scored.label_fields), None), **scored.parameters}
    if scored.verb == "score_disagreement":
        given["label_fields"] = list(scored.label_fields)
    return {name: given[name] for name in _ASKED[scored.verb] if given.get(name) is not None}


def _words(verb: str) -> str:
    """A verb as people say it."""
    return verb.replace("score_", "scoring ").replace("_", " ")


def _score(standing: Standing) -> Iterator[Step]:
    lacking = [one for one in standing.predictions if not standing.has_scored("score_uncertainty", one.path)]
    for one in lacking[:_MOST]:
        yield Step(
            f"Score the uncertainty of {one.path}",
            "Where the model is unsure is where a label teaches it most, and selections can weigh samples by it.",
            "score_uncertainty",
            {"label_field": one.path},
        )


def _embed(standing: Standing) -> Iterator[Step]:
    if not standing.embeddings:
        yield Step(
            "Compute embeddings",
            "Coverage, diversity and near duplicates are measured between vectors of the images, and there are none yet.",
            "visualize_embeddings",
        )


def _check_labels(standing: Standing) -> Iterator[Step]:
    for truth in standing.truths:
        done = {issues.label_field for issues in standing.issues}
        match = _of_kind(standing.predictions, truth.kind)
        if match is not None and truth.path not in done:
            yield Step(
                f"Find wrong labels in {truth.path}",
                f"{match.path} predicts the same kind of labels: where it disagrees for good reason, the label is suspect.",
                "score_label_quality",
                {"label_field": truth.path, "predictions_field": match.path},
            )


def _select(standing: Standing) -> Iterator[Step]:
    if standing.selections or not (standing.embeddings or standing.predictions):
        return
    preset = _preset(standing)
    why = {
        "next_batch": "Embeddings and predictions are there: pick what covers the pool, most where the model is unsure.",
        "first_batch": "Embeddings are there: a first batch that covers the pool beats a random one.",
        "balanced_classes": "Predictions are there: pick as many of every predicted class.",
    }[preset]
    label = "Select the next batch" if standing.labeled or preset == "next_batch" else "Select a first batch"
    yield Step(
        label,
        why,
        "select_samples",
        {"run_key": "round_1", "config": _config(standing, preset, [standing.labeled] if standing.labeled else [])},
        preset,
    )


def _preset(standing: Standing) -> str:
    """The preset that fits what there is."""
    if not standing.embeddings:
        return "balanced_classes"
    return "next_batch" if standing.predictions else "first_batch"


def _config(standing: Standing, preset: str, there: Sequence[str]) -> dict[str, Any]:
    """The config of a preset for what there is, without a number of samples.

    Args:
        standing: what there is
        preset: its name
        there: what counts as there already
    """
    has = Has(
        embeddings=standing.embeddings[0].input if standing.embeddings else None,
        predictions=standing.predictions[0].path if standing.predictions else None,
    )
    return presets()[preset].config(has) | ({"preselected": list(there)} if there else {})


def _analyze(standing: Standing) -> Iterator[Step]:
    known = {analysis.name: analysis for analysis in standing.analyses}
    newest = next((one for one in reversed(standing.selections) if one.run_key not in known), None)
    if newest is not None:
        yield Step(
            f"Analyze {newest.run_key}",
            "Before paying for labels: see how well it covers and balances the pool beside random selections of its size.",
            "analyze_selection",
            {"run_key": newest.run_key},
        )
    for analysis in known.values():
        if not analysis.is_current:
            yield Step(
                f"Analyze {analysis.name} again",
                "Its samples have changed since it was analyzed.",
                "analyze_selection",
                {"run_key": analysis.name},
            )


def _next_round(standing: Standing) -> Iterator[Step]:
    if not standing.selections or not standing.embeddings:
        return
    last = standing.selections[-1]
    leaves, has_labels = _uncovered(standing, last.run_key), _is_labeled(standing, last.run_key)
    if not leaves and not has_labels:
        return
    labels = f"{last.run_key} has its labels" if has_labels else ""
    # Every round of the chain counts as there, and what was labelled before the first.
    labeled = [standing.labeled] if standing.labeled is not None else []
    there, preset = list(dict.fromkeys([*labeled, *last.datapool, last.run_key])), _preset(standing)
    yield Step(
        f"Select the next round on top of {listed(there, 4)}",
        f"{'. '.join(part for part in (labels, leaves) if part)}.",
        "select_samples",
        {
            "run_key": free("round", (one.run_key for one in standing.selections)),
            "config": _config(standing, preset, there),
        },
        preset,
    )


def _uncovered(standing: Standing, run_key: str) -> str:
    """What a selection leaves uncovered, as far as an analysis says."""
    analysis = next((one for one in standing.analyses if one.name == run_key and one.is_current), None)
    if analysis is None or not analysis.n_regions:
        return ""
    best = analysis.gain
    gain = f"; the sample at the worst one's centre alone would cut the mean distance by {best:.1%}" if best else ""
    return f"{run_key} leaves {analysis.n_regions} regions of the pool uncovered{gain}"


def _is_labeled(standing: Standing, run_key: str) -> bool:
    """Whether all labels of a round are known to have arrived."""
    one = next((one for one in standing.rounds if one.run_key == run_key), None)
    return one is not None and one.n_labeled is not None and not one.lacks_labels


def _label(standing: Standing) -> Iterator[Step]:
    last = next((one for one in reversed(standing.rounds) if one.run_key is not None), None)
    if last is None or not last.lacks_labels:
        return
    have = "None" if not last.n_labeled else f"{last.n_labeled:,}"
    yield Step(
        f"Label {last.run_key}",
        f"{have} of its {last.n_samples:,} samples have {last.label_field}: hand them to annotators, with predictions to "
        f"begin with.",
        "export_annotations",
        {
            "run_key": f"{last.run_key}_labels",
            "source": last.run_key,
            "label_field": last.label_field,
            **({"prelabels": match.path} if (match := _prelabels(standing, last.label_field)) else {}),
        },
    )


def _prelabels(standing: Standing, label_field: str | None) -> Labels | None:
    """The predictions that annotators can begin with."""
    kind = next((labels.kind for labels in standing.labels if labels.path == label_field), "")
    return _of_kind(standing.predictions, kind)


def _compare(standing: Standing) -> Iterator[Step]:
    if len(standing.selections) > 1:
        names = [one.run_key for one in standing.selections[-2:]]
        yield Step(
            f"Compare {' with '.join(names)}",
            "See what they share, and which of them covers, varies and balances better.",
            "compare_selections",
            {"run_keys": names},
            tab="compare",
        )


def _back_test(standing: Standing) -> Iterator[Step]:
    tested = {one.label_field for one in standing.back_tests}
    vectors = next((one for one in standing.embeddings if one.is_field), None)
    for truth in standing.truths:
        if truth.kind in _LEARNED and vectors is not None and truth.share != 0 and truth.path not in tested:
            yield Step(
                f"Back-test strategies on {truth.path}",
                "On the samples that are labelled already, see which strategy would have paid, and what more labels would "
                "bring.",
                "back_test",
                {"label_field": truth.path, "embeddings": vectors.source},
            )


def _disagree(standing: Standing) -> Iterator[Step]:
    for kind in _COMPARED:
        names = [one.path for one in standing.predictions if one.kind == kind]
        if len(names) > 1 and not standing.has_scored("score_disagreement", *names):
            yield Step(
                f"Compare the predictions {listed(names, 4)}",
                "Where several models disagree at least one is wrong, however sure each of them is.",
                "score_disagreement",
                {"label_fields": names},
            )


def _predict_loss(standing: Standing) -> Iterator[Step]:
    for truth in standing.truths:
        match = _of_kind(standing.predictions, truth.kind)
        if match is None or truth.kind not in _LEARNED or not 0 < (truth.share or 0) < 1:
            continue
        if not standing.has_scored("score_predicted_loss", match.path):
            vectors = next((one for one in standing.embeddings if one.is_field), None)
            yield Step(
                f"Predict where {match.path} is wrong",
                f"About {_percent(truth.share)} of the samples have {truth.path}, from which can be learned how wrong to "
                f"expect the model on the others.",
                "score_predicted_loss",
                {
                    "label_field": match.path,
                    "ground_truth": truth.path,
                    **({"embeddings": vectors.source} if vectors else {}),
                },
            )


def _percent(share: float | None) -> str:
    """A share that was estimated from a few samples."""
    return f"{max(round(100 * (share or 0)), 1)} %"


def _look_at_images(standing: Standing) -> Iterator[Step]:
    if standing.media == "image" and not standing.has_scored("score_images"):
        yield Step(
            "Measure the images",
            "Nobody has looked for dark, blurry, broken or duplicate images yet, which are not worth a label.",
            "score_images",
        )


def _predict(standing: Standing) -> Iterator[Step]:
    if not standing.predictions:
        yield Step(
            "Add predictions of a model",
            "Uncertainty and label errors are read off predictions. Store them as labels with confidences, logits or "
            "probabilities: dataset.apply_model(model, label_field='predictions') does.",
        )


def _map(standing: Standing) -> Iterator[Step]:
    if standing.embeddings and not any(one.visualization for one in standing.embeddings):
        first = standing.embeddings[0]
        yield Step(
            "See the dataset as a map",
            "A picture of the embeddings shows what belongs together, and where a selection lies in it.",
            "visualize_embeddings",
            {"embeddings": first.source} if first.is_field else {},
        )


def _of_kind(labels: list[Labels], kind: str) -> Labels | None:
    """The first of some label fields that holds labels of a type."""
    return next((one for one in labels if one.kind == kind), None)


#: what gives steps, in order of their usefulness
RULES: tuple[Callable[[Standing], Iterator[Step]], ...] = (
    _finish,
    review.go_on,
    review.apply,
    review.score_again,
    _score,
    _embed,
    _check_labels,
    review.start,
    _select,
    _analyze,
    _label,
    _next_round,
    _compare,
    _predict,
    _back_test,
    _disagree,
    _predict_loss,
    _look_at_images,
    _map,
)
