"""Writes docs/report.md and docs/report.schema.json from the models of the report; a test compares them with what they say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from shortlist.core.analysis.report import VERSION, RandomName, Report, SetName
from shortlist.core.schema import Schema, choices_of, first_sentence, models_of, without_none

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, SCHEMA = DOCS / "report.md", DOCS / "report.schema.json"

# What LightlyOne's documentation says of its report (report, embedding analysis, selection results dashboard).
_LIGHTLY = {
    "embedding diversity of input, selected, random, datapool, and datapool with selected: mean, min, max, histogram": (
        "`embeddings[].diversity`, also the standard deviation, median and 95th percentile; of random selections the mean and "
        "95 % interval over several draws"
    ),
    "embedding coverage distance: mean, max, histogram": "`embeddings[].coverage`, likewise",
    "both of object crops": "`embeddings[]` with `level` `objects`",
    "two-dimensional scatter plots": "`embeddings[].scatter`",
    "dashboard: diversity": "`embeddings[].diversity.sets.selected.mean`, beside `.random.random.mean`",
    "dashboard: coverage": "1 / (1 + `embeddings[].coverage.sets.selected.mean`)",
    "dashboard: balance": "`distributions[].sets.selected.entropy`",
    "differences between what was and was not selected, by metadata, classes and scores": (
        "`distributions[]` and `numbers[]`: counts, measures of imbalance, histograms, by set"
    ),
    "numbers of available and selected images": "`sizes`",
    "numbers of corrupt and duplicate images": "not here: `score_images` flags them",
}
# What has a meaning of its own beside them.
_BEYOND = "`near_duplicates`, `regions`, the intervals of random selections, `analyzed.config` and `parameters`"
_INTRO = f"""# The report

Made from the code by `make docs`; do not edit.

`analyze_selection` with an `export_dir` writes two files. `report.pdf` is for people: the verdict on its first page, then what
stands behind it. `report.json` holds every number of it, with the keys below; `shortlist.load_analysis` gives the same document
from the dataset. [report.schema.json](report.schema.json) is its JSON Schema.

`version` is that of the keys, {VERSION} here: a key that is renamed, removed or given another meaning raises its first number,
a key that is added the second. Numbers are finite; what cannot be measured is null. Ids are those of samples.

Sets are {", ".join(f"`{name}`" for name in get_args(SetName))}; `input` is what could be selected, what was selected included.
A set that there is not has no key. {" and ".join(f"`{name}`" for name in get_args(RandomName))} are random selections
of the same size, drawn `random_draws` times.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def schema() -> str:
    """The JSON Schema of the report, as text that only changes with the models."""
    made = Report.model_json_schema(mode="serialization")
    return (
        json.dumps({**made, "title": f"Shortlist report {VERSION}"}, indent=2, sort_keys=True, ensure_ascii=False)
        + "\n"
    )


def _lines() -> Iterator[str]:
    yield _INTRO
    yield "## For users of LightlyOne"
    yield ""
    yield "| LightlyOne's report | this one |"
    yield "| --- | --- |"
    yield from (f"| {theirs} | {ours} |" for theirs, ours in _LIGHTLY.items())
    yield ""
    yield f"Only here: {_BEYOND}."
    for model in _models(Report):
        yield ""
        yield f"## {_title(model)}"
        yield ""
        yield first_sentence(model)
        yield ""
        yield "| key | value | meaning |"
        yield "| --- | --- | --- |"
        for name, field in model.model_fields.items():
            yield f"| `{name}` | {_kind(field.annotation)} | {field.description} |"


def _models(model: type[Schema], seen: dict[type[Schema], None] | None = None) -> list[type[Schema]]:
    """The model and those in it, in the order in which a reader meets them."""
    seen = {} if seen is None else seen
    if model not in seen:
        seen[model] = None
        for field in model.model_fields.values():
            for inner in _inside(field.annotation):
                _models(inner, seen)
    return list(seen)


def _inside(annotation: Any) -> list[type[Schema]]:
    """The models in a type, in lists and objects too."""
    found = models_of(annotation)
    return found or [model for part in get_args(annotation) for model in _inside(part)]


def _title(model: type[Schema]) -> str:
    """The model's name in words: ``Near duplicates``."""
    return " ".join(re.findall("[A-Z][a-z]+", model.__name__)).capitalize()


def _kind(annotation: Any) -> str:
    """The type of a key's value in words."""
    kind = without_none(annotation)
    null = " or null" if kind is not annotation else ""
    if (choices := choices_of(kind)) and get_origin(kind) is Literal:
        return (f"one of {', '.join(f'`{one}`' for one in choices)}" if len(choices) > 1 else f"`{choices[0]}`") + null
    if models := models_of(kind):
        title = _title(models[0])
        return f"[{title}](#{title.lower().replace(' ', '-')}){null}"
    if get_origin(kind) is list:
        return f"list of {_kind(get_args(kind)[0])}{null}"
    if get_origin(kind) is dict:
        of, value = get_args(kind)
        keys = "set" if choices_of(of) else "name"
        return f"{'object' if value is Any else f'{_kind(value)} by {keys}'}{null}"
    return {int: "integer", float: "number", str: "text", bool: "truth value"}[kind] + null


def write() -> None:
    """Writes both files."""
    PAGE.write_text(page(), encoding="utf-8")
    SCHEMA.write_text(schema(), encoding="utf-8")


if __name__ == "__main__":
    write()
