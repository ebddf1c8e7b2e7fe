"""Writes docs/reference.md from the models and registries; a test compares it with what they say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from shortlist.core import verbs
from shortlist.core.quality.methods import CLASS_SCORES
from shortlist.core.schema import (
    Schema,
    bounds_of,
    choices_of,
    described,
    first_sentence,
    models_of,
    role_of,
    tag_of,
    without_none,
)
from shortlist.core.scores import Uncertainty, scores
from shortlist.core.scores.disagreement import Disagreement
from shortlist.core.scores.image_flags import OTHER_FLAGS, flags
from shortlist.core.scores.image_quality import ImageMetric
from shortlist.core.scores.predicted_loss import PREDICTED_LOSS
from shortlist.core.selection.config import Entry, SelectionConfig
from shortlist.core.selection.constraint import constraints
from shortlist.core.selection.inputs import inputs
from shortlist.core.selection.strategy import strategies

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference.md"
_VERBS: dict[str, type[Schema]] = {
    "score_uncertainty": verbs.ScoreUncertainty,
    "score_disagreement": verbs.ScoreDisagreement,
    "score_predicted_loss": verbs.ScorePredictedLoss,
    "score_images": verbs.ScoreImages,
    "score_label_quality": verbs.ScoreLabelQuality,
    "select_samples": verbs.SelectSamples,
    "explain_selection": verbs.ExplainSelection,
    "analyze_selection": verbs.AnalyzeSelection,
    "back_test": verbs.BackTest,
    "manage_selections": verbs.ManageSelections,
    "start_review": verbs.StartReview,
    "review_progress": verbs.ReviewProgress,
    "apply_review": verbs.ApplyReview,
    "undo_review": verbs.UndoReview,
    "manage_reviews": verbs.ManageReviews,
    "export_annotations": verbs.ExportAnnotations,
    "merge_annotations": verbs.MergeAnnotations,
    "visualize_embeddings": verbs.VisualizeEmbeddings,
}
# What each task compares, for the table.
_COMPARED = {"classification": "classifications, passes", "detection": "detections", "segmentation": "segmentations"}


def page() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Reference"
    yield ""
    yield "Made from the code by `make docs`; do not edit. Every parameter has this name, type and default in the App's"
    yield "forms, in Python, on the command line and in JSON."
    yield ""
    yield "## Operators"
    for name, model in _VERBS.items():
        yield from _section(f"`@shortlist/curation/{name}`", model)
    yield "## The selection config"
    yield from _section("`config`", SelectionConfig)
    yield from _section("`strategies[]`", Entry)
    yield "## Inputs"
    for tag, model in inputs().items():
        yield from _section(f"`{tag}`", model, f"Gives {' or '.join(model.gives)}.")
    yield "## Strategies"
    for tag, model in strategies().items():
        gain = f" Its gain: {model.gain_means}." if model.gain_means else ""
        takes = " and ".join([model.takes, *model.beside.values()])
        yield from _section(f"`{tag}`", model, f"Takes {takes}.{gain} Source: {model.source}.")
    yield "## Constraints"
    for tag, rule in constraints().items():
        yield from _section(f"`{tag}`", rule, f"Takes {rule.takes}.")
    yield "## Scores"
    yield ""
    yield "| score | of | range | high means | definition | source |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for score in scores(Uncertainty).values():
        of = "each prediction, then the sample" if score.level == "object" else "the sample's objects"
        span = f"{score.low:g} to {score.high:g}" if score.high != float("inf") else f"{score.low:g} and above"
        yield f"| `{score.name}` | {of} | {span} | {score.high_means} | {score.description} | {score.source} |"
    one = PREDICTED_LOSS
    yield f"| `{one.name}` | the sample | {one.low:g} and above | {one.high_means} | {one.description} | {one.source} |"
    yield ""
    yield "### Disagreement"
    yield ""
    yield "| score | of | range | high means | definition | source |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for score in scores(Disagreement).values():
        span = f"{score.low:g} to {score.high:g}" if score.high != float("inf") else f"{score.low:g} and above"
        of = " and ".join(_COMPARED[task] for task in score.tasks)
        yield f"| `{score.name}` | {of} | {span} | {score.high_means} | {score.description} | {score.source} |"
    yield from _quality_lines()
    yield from _image_lines()


def _quality_lines() -> Iterator[str]:
    """How the quality of class labels is scored."""
    yield ""
    yield "### Label quality"
    yield ""
    yield "Of classes, and of each class of multi-label fields against the rest. All in 0 to 1, low: likely wrong."
    yield ""
    yield "| method | definition | source |"
    yield "| --- | --- | --- |"
    for score in CLASS_SCORES.values():
        yield f"| `{score.name}` | {score.description} | {score.source} |"


def _image_lines() -> Iterator[str]:
    """What is measured of images, and what is flagged."""
    yield ""
    yield "### Image metrics"
    yield ""
    yield "Fields inside `image_quality`. The *working image* is grey, its longer side 160 pixels; the *colour image* has 80;"
    yield "the *row image* is grey and halved until it is at most 400 pixels high. Smaller images are taken as they are."
    yield ""
    yield "| metric | range | high means | definition | source |"
    yield "| --- | --- | --- | --- | --- |"
    for metric in scores(ImageMetric).values():
        span = f"{metric.low:g} to {metric.high:g}" if metric.high != float("inf") else f"{metric.low:g} and above"
        yield f"| `{metric.name}` | {span} | {metric.high_means} | {metric.description} | {metric.source} |"
    yield ""
    yield "### Image flags"
    yield ""
    yield "| flag | means | threshold |"
    yield "| --- | --- | --- |"
    for flag in flags().values():
        yield f"| `{flag.name}` | {flag.description} | {f'`{flag.parameter}`' if flag.parameter else ''} |"
    for name, sentence in OTHER_FLAGS.items():
        yield f"| `{name}` | {sentence} | |"


def _section(title: str, model: type[Schema], more: str = "") -> Iterator[str]:
    yield ""
    yield f"### {title}"
    yield ""
    yield f"{first_sentence(model)} {more}".rstrip()
    yield ""
    yield "| parameter | type | default | meaning |"
    yield "| --- | --- | --- | --- |"
    for name, field in described(model):
        yield f"| `{name}` | {_kind(field)} | {_default(field)} | {field.description} |"
    yield ""


def _kind(field: FieldInfo) -> str:
    """The type in words."""
    kind = without_none(field.annotation)
    models = models_of(get_args(kind)[0] if get_origin(kind) is list else kind)
    if models:
        word = " or ".join(f"`{tag_of(model)}`" if "type" in model.model_fields else "object" for model in models)
        return f"list of {word}s" if get_origin(kind) is list else word
    choices = choices_of(field.annotation)
    if choices:
        word = ", ".join(f"`{choice}`" for choice in choices)
        return f"list of {word}" if get_origin(kind) is list else f"one of {word}"
    if get_origin(kind) is dict:
        return "object of names"
    role = role_of(field)
    if get_origin(kind) is list and role is not None:
        return f"list of names ({role.name.replace('_', ' ')})"
    if kind is not str and not isinstance(kind, type):
        return "number, text or truth value"
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    bounds = ", ".join(f"{signs[key]} {value:g}" for key, value in bounds_of(field).items())
    word = {int: "integer", float: "number", bool: "truth value", str: "text"}[kind]
    if role is not None:
        word = f"name ({role.name.replace('_', ' ')})"
    return f"{word} {bounds}".rstrip()


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is PydanticUndefined:
        return f"`{field.get_default(call_default_factory=True)}`"
    if isinstance(field.default, Schema):
        return f"`{json.dumps(field.default.model_dump(exclude_none=True))}`"
    return "" if field.default is None else f"`{field.default}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
