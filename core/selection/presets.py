"""What people want and the config that does it: one table for the App's form and for the docs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..schema import CATEGORY, EMBEDDINGS, PREDICTIONS, TAG

Json = dict[str, Any]


@dataclass(frozen=True)
class Has:
    """What a dataset has that a preset can use; None for nothing of the kind.

    Args:
        embeddings: an EMBEDDINGS input
        predictions: a label field with predictions
        labeled: a tag, a saved view or a selection of what is labelled already
        group: a field that groups samples, such as their video
        date: a field with dates
        number: a field with numbers
        tag: a tag
    """

    embeddings: Json | None = None
    predictions: str | None = None
    labeled: str | None = None
    group: str | None = None
    date: str | None = None
    number: str | None = None
    tag: str | None = None


@dataclass(frozen=True)
class Preset:
    """One row of the table "I want to ...".

    Args:
        name: of the preset
        want: what the person wants, the words after "I want to"
        use: what to use for it, in Markdown
        config: the config for what a dataset has, without a number of samples
        needs: which parts of ``Has`` must be there
        hint: what to know or do first
    """

    name: str
    want: str
    use: str
    config: Callable[[Has], Json]
    needs: tuple[str, ...] = ()
    hint: str = ""

    def lacking(self, has: Has) -> list[str]:
        """What a dataset lacks for the preset, one sentence each."""
        return [_LACKING[need] for need in self.needs if getattr(has, need) is None]


_LACKING = {
    "embeddings": EMBEDDINGS.lacking,
    "predictions": PREDICTIONS.lacking,
    "group": CATEGORY.lacking,
    "date": "This dataset has no field with dates.",
    "number": "This dataset has no numeric field.",
    "tag": TAG.lacking + " Tag the samples to look for first.",
}


def _entry(source: Json | None, kind: str, **parameters: Any) -> Json:
    return {"input": dict(source or {}), "strategy": {"type": kind, **parameters}}


def _score(has: Has, name: str) -> Json:
    return {"type": "SCORES", "task": has.predictions, "score": name}


def _distribution(has: Has) -> Json:
    return {"type": "PREDICTIONS", "task": has.predictions, "name": "CLASS_DISTRIBUTION"}


def _next_batch(has: Has, **more: Any) -> Json:
    entry = _entry(has.embeddings, "COVERAGE", weight=_score(has, "uncertainty_margin"), **more)
    return {"strategies": [entry], **_datapool(has)}


def _datapool(has: Has) -> Json:
    return {"preselected": [has.labeled]} if has.labeled else {}


def _balanced(source: Json, has: Has, **parameters: Any) -> Json:
    """Balance, and among what balances equally well the samples that cover the pool."""
    balance = _entry(source, "BALANCE", distribution="UNIFORM", **parameters)
    return {
        "strategies": [balance, *([_entry(has.embeddings, "COVERAGE")] if has.embeddings else [])],
        **_datapool(has),
    }


PRESETS = (
    Preset(
        "first_batch",
        "label a first batch, nothing is labelled yet",
        "`COVERAGE` on `EMBEDDINGS`",
        lambda has: {"strategies": [_entry(has.embeddings, "COVERAGE")]},
        ("embeddings",),
    ),
    Preset(
        "next_batch",
        "label the next batch, with predictions stored",
        "`COVERAGE` on `EMBEDDINGS` with `weight` = the `uncertainty_margin`, `preselected` = what is labelled",
        _next_batch,
        ("embeddings", "predictions"),
        "The predictions should be those of a model that was trained on what is labelled.",
    ),
    Preset(
        "long_tail",
        "label the next batch, and some classes are rare",
        "the same, with `class_weight` = the `CLASS_DISTRIBUTION` of the predictions",
        lambda has: _next_batch(has, class_weight=_distribution(has)),
        ("embeddings", "predictions"),
        "The predictions should be those of a model that was trained on what is labelled.",
    ),
    Preset(
        "detector_errors",
        "find the images where a detector errs most, counted in images",
        'score with `aggregation="sum"`, then `TOP` (4 times) on `uncertainty_entropy` + `COVERAGE` on `EMBEDDINGS`',
        lambda has: {
            "strategies": [
                _entry(_score(has, "uncertainty_entropy"), "TOP", times=4.0),
                _entry(has.embeddings, "COVERAGE"),
            ],
            **_datapool(has),
        },
        ("embeddings", "predictions"),
        'Run `score_uncertainty` with the aggregation "sum" first: an image with many unsure objects then has a high score.',
    ),
    Preset(
        "edge_cases",
        "find edge cases and outliers",
        "`DIVERSITY` on `EMBEDDINGS`",
        lambda has: {"strategies": [_entry(has.embeddings, "DIVERSITY")], **_datapool(has)},
        ("embeddings",),
    ),
    Preset(
        "balanced_classes",
        "have as many of every class",
        "`BALANCE` with the distribution `UNIFORM` on the `CLASS_DISTRIBUTION` of `PREDICTIONS`, with `COVERAGE`",
        lambda has: _balanced(_distribution(has), has),
        ("predictions",),
    ),
    Preset(
        "balanced_groups",
        "have as many of every video, scene or day",
        "`BALANCE` with the distribution `UNIFORM` and a strength of 1e9 on `METADATA`, with `COVERAGE`",
        lambda has: _balanced({"type": "METADATA", "key": has.group}, has, strength=1e9),
        ("group",),
    ),
    Preset(
        "few_per_group",
        "have at most so many of every video, scene or day",
        "the constraint `MAX_PER_GROUP`, beside any strategy",
        lambda has: {
            "strategies": [_entry(has.embeddings, "COVERAGE")],
            "constraints": [{"type": "MAX_PER_GROUP", "key": has.group, "maximum": 5}],
            **_datapool(has),
        },
        ("embeddings", "group"),
    ),
    Preset(
        "similar",
        "find more like some samples that I tagged",
        "`SIMILARITY` on `EMBEDDINGS` with the `tag_name`, `preselected` = the same tag",
        lambda has: {
            "strategies": [_entry({**(has.embeddings or {}), "tag_name": has.tag}, "SIMILARITY")],
            "preselected": [has.tag],
        },
        ("embeddings", "tag"),
    ),
    Preset(
        "threshold",
        "leave out what is too small, too old, too sure",
        "`THRESHOLD` on `METADATA` or `SCORES`, beside any other strategy",
        lambda has: {
            "strategies": [
                _entry({"type": "METADATA", "key": has.number}, "THRESHOLD"),
                *([_entry(has.embeddings, "COVERAGE")] if has.embeddings else []),
            ]
        },
        ("number",),
    ),
    Preset(
        "newest",
        "prefer the newest",
        "`WEIGHTS` on `METADATA` with a date field",
        lambda has: {"strategies": [_entry({"type": "METADATA", "key": has.date}, "WEIGHTS")]},
        ("date",),
    ),
    Preset(
        "chance",
        "compare with chance",
        "`WEIGHTS` on `RANDOM`",
        lambda has: {"strategies": [_entry({"type": "RANDOM"}, "WEIGHTS")]},
    ),
)


def presets() -> Mapping[str, Preset]:
    """Every preset by name."""
    return {preset.name: preset for preset in PRESETS}


def table() -> Iterator[str]:
    """The table of the docs, line by line."""
    yield "| I want to | use |"
    yield "| --- | --- |"
    for preset in PRESETS:
        yield f"| {preset.want} | {preset.use} |"
