"""preview: what a config would find, told by counting, is what select_samples finds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
import pytest

from shortlist import ShortlistError, preview, score_uncertainty, select_samples

HOUR = {"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "WEIGHTS"}}
DIVERSITY = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}


def config(*strategies: dict, n: int | None = 2, **more) -> dict:
    return {**({} if n is None else {"n_samples": n}), "strategies": list(strategies or [HOUR]), **more}


def weights(**source) -> dict:
    return {"input": source, "strategy": {"type": "WEIGHTS"}}


def threshold(value: float, operation: str = "BIGGER", **source) -> dict:
    return {"input": source, "strategy": {"type": "THRESHOLD", "threshold": value, "operation": operation}}


@pytest.fixture(scope="module")
def dataset(make_lasting):
    """Twelve samples with gaps in every field."""
    start = datetime(2024, 3, 1, 12)

    def box(label: str) -> fo.Detection:
        return fo.Detection(label=label, bounding_box=[0.1, 0.1, 0.2, 0.2])

    labels = [[box("cat")] * (row % 4) + [box("dog")] * (row == 5) for row in range(12)]
    made = make_lasting()
    made.add_samples(
        [
            fo.Sample(
                f"/nowhere/{row}.png",
                hour=row,
                tags=["even"] if row % 2 == 0 else [],
                score=[None, float("nan")][row] if row < 2 else row / 2,
                flag=[True, False, None][row % 3],
                moment=None if row == 4 else start + timedelta(minutes=row),
                weather=None if row == 3 else ["sun", "rain"][row > 8],
                seen=["a", "b"][: row % 3],
                clip=None if row == 7 else np.eye(12)[row],
                objects=None if row == 6 else fo.Detections(detections=labels[row]),
            )
            for row in range(12)
        ],
        progress=False,
    )
    made.save_view("late", made.skip(8))
    return made


SOON = datetime(2024, 3, 1, 12, 6, tzinfo=UTC).timestamp()
OBJECTS = {"type": "PREDICTIONS", "task": "objects", "name": "CATEGORY_COUNT"}
METADATA = {"type": "METADATA"}


@pytest.mark.parametrize(
    "given",
    [
        config(DIVERSITY),
        config(weights(**METADATA, key="score")),
        config(weights(**METADATA, key="score", default_value=1)),
        config(weights(type="SCORES", field="score")),
        config(weights(**OBJECTS)),
        config({"input": {"type": "PREDICTIONS", "task": "objects"}, "strategy": {"type": "BALANCE"}}),
        config({"input": {**METADATA, "key": "weather", "cross": ["flag"]}, "strategy": {"type": "BALANCE"}}),
        config(HOUR, preselected="even"),
        config(HOUR, preselected="late"),
        config(HOUR, preselected=["late", "even"]),
        config(
            HOUR,
            {"input": {**METADATA, "key": "weather"}, "strategy": {"type": "BALANCE"}},
            preselected=["late", "even"],
        ),
        config(HOUR, candidates="even", preselected="late"),
        config(HOUR, threshold(3, **METADATA, key="score")),
        config(HOUR, threshold(3, "SMALLER", **METADATA, key="score")),
        config(HOUR, threshold(3, "SMALLER_EQUAL", **METADATA, key="score", default_value=1.0)),
        config(HOUR, threshold(3, "SMALLER_EQUAL", **METADATA, key="score", default_value=9.0)),
        config(HOUR, threshold(0.5, "BIGGER_EQUAL", **METADATA, key="flag")),
        config(HOUR, threshold(0, "BIGGER_EQUAL", **METADATA, key="flag")),
        config(HOUR, threshold(SOON, "SMALLER", **METADATA, key="moment")),
        config(HOUR, threshold(SOON, "BIGGER_EQUAL", **METADATA, key="moment")),
        config(HOUR, threshold(2, "BIGGER_EQUAL", **OBJECTS)),
        config(HOUR, threshold(1, "BIGGER_EQUAL", **OBJECTS, categories=["dog"]), n=1),
        config(HOUR, {**DIVERSITY, "strength": 0}),
        config(HOUR, {"input": {**METADATA, "key": "score"}, "strategy": {"type": "TOP", "times": 2.0}}),
        config(HOUR, DIVERSITY, threshold(3, **METADATA, key="score"), candidates="even"),
        config(HOUR, constraints=[{"type": "MINIMUM_DISTANCE", "distance": 0.1}]),
        config(HOUR, constraints=[{"type": "MAX_PER_GROUP", "key": "weather", "maximum": 4}], n=5),
        config(HOUR, constraints=[{"type": "MAX_PER_GROUP", "key": "weather", "maximum": 1}], n=5),
        config(HOUR, constraints=[{"type": "MAX_PER_GROUP", "key": "weather", "maximum": 2}], n=5, preselected="late"),
    ],
    ids=lambda given: ", ".join(
        f"{one['strategy']['type']} {one['input'].get('key', '')}" for one in given["strategies"]
    ),
)
def test_counts_are_those_of_the_selection(dataset, given):
    told = preview(dataset, given)
    result = select_samples(dataset, given, "round_1")
    dataset.delete_run("round_1")
    assert told.exact
    assert told.n_eligible == result.eligible
    assert told.n_samples == result.n_samples
    assert told.n_candidates == result.eligible + sum(result.left_out.values())


def test_nothing_is_written(dataset, snapshot):
    before = snapshot(dataset)
    told = preview(dataset, config(DIVERSITY, constraints=[{"type": "MAX_PER_GROUP", "key": "weather", "maximum": 1}]))
    assert snapshot(dataset) == before
    assert told.words.startswith("Picks 2 samples: ")
    assert told.headline == "11 of 12 candidates are eligible"


def test_a_budget_says_about_how_many(dataset):
    """Eighteen cats and a dog on eleven samples, and one without the label, which costs nothing."""
    told = preview(dataset, config(n=None, constraints=[{"type": "BUDGET", "input": OBJECTS, "maximum": 8}]))
    assert told.n_samples == int(8 / (17 / 12))
    assert told.n_eligible == 12


def test_what_the_pool_cannot_give(dataset):
    quota = {
        "type": "PER_CLASS",
        "input": {"type": "PREDICTIONS", "task": "objects"},
        "minimum": {"dog": 3},
    }
    assert preview(dataset, config(constraints=[quota])).notes == [
        "at least 3 dog in objects asks for 3 of 'dog', and there are 1"
    ]
    balance = {
        "input": {"type": "METADATA", "key": "weather"},
        "strategy": {"type": "BALANCE", "target": {"rain": 1.0}},
    }
    (note,) = preview(dataset, config(balance, n=6)).notes
    assert "'rain'" in note
    assert note in select_samples(dataset, config(balance, n=6), "round_2").notes


def test_more_than_there_is(dataset):
    assert preview(dataset, config(threshold(8, **METADATA, key="hour"), n=5)).notes == [
        "5 samples are asked for, and 3 are eligible"
    ]


def test_room_that_rules_leave(dataset):
    told = preview(dataset, config(constraints=[{"type": "MAX_PER_GROUP", "key": "weather", "maximum": 1}], n=9))
    assert told.notes == ["the rules leave room for about 3 of the 9 samples asked for"]


def test_scores_that_are_computed_first(classified):
    given = config(weights(type="SCORES", task="predictions", score="uncertainty_margin"))
    told = preview(classified, given)
    assert (told.n_eligible, told.exact) == (12, False)
    assert told.notes == ["predictions_uncertainty_margin is computed first"]
    score_uncertainty(classified, "predictions")
    assert preview(classified, given).exact
    assert preview(classified, given).notes == []


def test_what_counting_cannot_tell_is_a_most(classified):
    vectors = np.stack(classified.limit(8).values("clip"))
    fob.compute_similarity(classified.limit(8), embeddings=vectors, brain_key="sim", progress=False)
    by_run = {"input": {"type": "EMBEDDINGS", "brain_key": "sim"}, "strategy": {"type": "DIVERSITY"}}
    told = preview(classified, config(by_run))
    assert (told.n_eligible, told.exact) == (12, False)
    assert told.headline == "at most 12 of 12 candidates are eligible"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            config(weights(**METADATA, key="hours")),
            r"^strategies\[0\]: input\.key must be a field of .* Did you mean 'hour'\?",
        ),
        (config(weights(**METADATA, key="weather")), r"^strategies\[0\]: input\.key must be a field with one number"),
        (
            config(weights(type="PREDICTIONS", task="objcts", name="CATEGORY_COUNT")),
            r"^strategies\[0\]: input\.task must be",
        ),
        (
            config(preselected="evn"),
            r"^preselected must be a tag, a saved view or a selection .* Did you mean 'even'\?",
        ),
        (config(constraints=[{"type": "MAX_PER_GROUP", "key": "clip", "maximum": 1}]), r"^constraints\[0\]: "),
        ({"n_samples": 2}, r"^config\.strategies must be given"),
    ],
)
def test_bad_input_is_said_as_the_verb_says_it(dataset, given, sentence):
    with pytest.raises(ShortlistError, match=sentence):
        preview(dataset, given)
