"""The command line: every verb on a dataset, its options drawn from the verb's model.

shortlist score DATASET --label-field predictions
shortlist disagreement DATASET --label-fields model_a model_b
shortlist images DATASET --flags dark blurry exact_duplicate
shortlist predict-loss DATASET --label-field predictions --ground-truth ground_truth
shortlist label-quality DATASET --label-field ground_truth --predictions-field predictions
shortlist select DATASET --run-key round_1 --config config.json
shortlist selections DATASET [--action load|delete --run-key round_1]
shortlist analyze DATASET --run-key round_1 --export-dir report
shortlist compare DATASET --run-keys round_1 round_2
shortlist back-test DATASET --label-field ground_truth
shortlist start-review DATASET --run-key review_1 --label-field ground_truth --reviewers ana ben
shortlist reviews DATASET [--action load|delete --run-key review_1]
shortlist review-progress DATASET --run-key review_1
shortlist apply-review DATASET --run-key review_1
shortlist undo-review DATASET --run-key review_1
shortlist export-annotations DATASET --source round_1 --run-key batch_1 --label-field ground_truth --export-dir batch_1
shortlist merge-annotations DATASET --run-key batch_1 --path batch_1/labels.json
shortlist visualize DATASET --embeddings clip
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

import fiftyone as fo

from . import api
from .core.errors import ShortlistError, did_you_mean, must_be
from .core.schema import Schema, choices_of, described, first_sentence, from_json, models_of, without_none
from .core.verbs import (
    AnalyzeSelection,
    ApplyReview,
    BackTest,
    CompareSelections,
    ExportAnnotations,
    ManageReviews,
    ManageSelections,
    MergeAnnotations,
    ReviewProgress,
    ScoreDisagreement,
    ScoreImages,
    ScoreLabelQuality,
    ScorePredictedLoss,
    ScoreUncertainty,
    SelectSamples,
    StartReview,
    UndoReview,
    VisualizeEmbeddings,
)

_COMMANDS: dict[str, tuple[type[Schema], Callable[..., Any]]] = {
    "score": (ScoreUncertainty, api.score_uncertainty),
    "disagreement": (ScoreDisagreement, api.score_disagreement),
    "images": (ScoreImages, api.score_images),
    "predict-loss": (ScorePredictedLoss, api.score_predicted_loss),
    "label-quality": (ScoreLabelQuality, api.score_label_quality),
    "select": (SelectSamples, api.select_samples),
    "selections": (ManageSelections, api.manage_selections),
    "analyze": (AnalyzeSelection, api.analyze_selection),
    "compare": (CompareSelections, api.compare_selections),
    "back-test": (BackTest, api.back_test),
    "start-review": (StartReview, api.start_review),
    "reviews": (ManageReviews, api.manage_reviews),
    "review-progress": (ReviewProgress, api.review_progress),
    "apply-review": (ApplyReview, api.apply_review),
    "undo-review": (UndoReview, api.undo_review),
    "export-annotations": (ExportAnnotations, api.export_annotations),
    "merge-annotations": (MergeAnnotations, api.merge_annotations),
    "visualize": (VisualizeEmbeddings, api.visualize_embeddings),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status: 0 done, 2 bad input, which changed nothing."""
    given = vars(_parser().parse_args(arguments))
    model, verb = _COMMANDS[given.pop("command")]
    try:
        samples = _samples(given.pop("dataset"), given.pop("view"))
        parameters = {name: _value(model, name, text) for name, text in given.items() if text is not None}
        print(verb(samples, **parameters))
    except ShortlistError as error:
        print(f"shortlist: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("shortlist: stopped", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="shortlist", description="Which images to label, fix and review next.")
    commands = parser.add_subparsers(dest="command", required=True)
    for command, (model, _) in _COMMANDS.items():
        sub = commands.add_parser(command, help=first_sentence(model), description=first_sentence(model))
        sub.add_argument("dataset", help="The name of the dataset.")
        sub.add_argument("--view", help="Work on this saved view or tag of the dataset only.")
        for name, field in described(model):
            text = (field.description or "").replace("%", "%%")
            if models_of(field.annotation) or get_origin(without_none(field.annotation)) is dict:
                text += " A JSON file, or JSON itself."
            kind = without_none(field.annotation)
            many: dict[str, Any] = {"nargs": "+"} if get_origin(kind) is list else {}
            if kind is bool:
                # The flag alone says yes.
                many = {"nargs": "?", "const": "true"}
            choices = choices_of(field.annotation) or None
            flag = f"--{name.replace('_', '-')}"
            sub.add_argument(flag, dest=name, required=field.is_required(), help=text, choices=choices, **many)
    return parser


def _samples(name: str, view: str | None) -> Any:
    """The dataset, or a part of it by name."""
    from .dataset.sets import resolved

    if not fo.dataset_exists(name):
        raise must_be("dataset", "the name of a dataset", name, did_you_mean(name, fo.list_datasets()))
    dataset = fo.load_dataset(name)
    return dataset if view is None else resolved(dataset, view, "view")


def _value(model: type[Schema], name: str, text: Any) -> Any:
    """A parameter as the model takes it; what is no number stays text, for the model to refuse."""
    kind = without_none(model.model_fields[name].annotation)
    if models_of(kind) or get_origin(kind) is dict:
        is_json = text.lstrip().startswith(("{", "["))
        return from_json(text if is_json else _content(text, name), name)
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    if get_origin(kind) is list:
        return [_number(get_args(kind)[0], one) for one in text]
    return _number(kind, text)


def _number(kind: Any, text: Any) -> Any:
    """A text as a number of a kind, where it is one."""
    if kind not in (int, float):
        return text
    try:
        return kind(text)
    except ValueError:
        return text


def _content(path: str, name: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise must_be(name, "JSON or a file that holds it", path, str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
