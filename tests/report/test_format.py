"""The keys of report.json: what the schema file says, and that they do not change without their version."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from shortlist.core.analysis.report import VERSION, Report

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text(encoding="utf-8"))
#: of each version of the keys, what they are; one that was released is never changed
KEYS = {"1.0": "9e3505a5d002574c"}


def bare(schema: Any) -> Any:
    """A schema less the sentences, which may be said better at any time."""
    if isinstance(schema, dict):
        # Under "properties" the names are keys of the report.
        return {
            name: {key: bare(inner) for key, inner in value.items()} if name in ("properties", "$defs") else bare(value)
            for name, value in schema.items()
            if name not in ("description", "title")
        }
    return [bare(one) for one in schema] if isinstance(schema, list) else schema


def digest(schema: Any) -> str:
    return hashlib.sha256(json.dumps(bare(schema), sort_keys=True).encode()).hexdigest()[:16]


def test_keys_do_not_change_without_their_version():
    found = digest(Report.model_json_schema(mode="serialization"))
    assert found == KEYS.get(VERSION), f"the keys changed: raise VERSION and add its digest {found} here"


def test_a_changed_key_changes_the_digest_and_a_better_sentence_does_not():
    schema = Report.model_json_schema(mode="serialization")
    text = json.dumps(schema)

    assert digest(json.loads(text.replace('"n_pairs"', '"pairs"'))) != digest(schema)
    assert digest(json.loads(text.replace("What was analyzed.", "What it is about."))) == digest(schema)


def test_the_schema_is_one_and_names_its_version():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["title"] == f"Shortlist report {VERSION}"


def test_a_report_fits_the_schema(report):
    jsonschema.validate(json.loads(report.model_dump_json()), SCHEMA)


@pytest.mark.parametrize("parts", [{"selected": 0}, {"embeddings": 0, "classes": None, "scores": ()}])
def test_a_report_with_missing_parts_fits_the_schema(report_of, parts):
    jsonschema.validate(json.loads(report_of(**parts).model_dump_json()), SCHEMA)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("sizes", "selected"), "many"),
        (("analyzed", "kind"), "field"),
        (("embeddings", 0, "near_duplicates", "pairs"), 3),
        (("version",), None),
    ],
)
def test_what_is_no_report_does_not_fit_the_schema(report, path, value):
    document = json.loads(report.model_dump_json())
    place = document
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


def test_a_report_is_read_as_it_was_written(report):
    assert Report.model_validate_json(report.model_dump_json()) == report
