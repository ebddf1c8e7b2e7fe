"""score_uncertainty on classifications: whatever the model stored, against the formulas written as plain loops."""

from __future__ import annotations

import math

import fiftyone as fo
import numpy as np
import pytest

from shortlist import score_uncertainty

LEAST, MARGIN, ENTROPY = (f"uncertainty_{name}" for name in ("least_confidence", "margin", "entropy"))


def expected(probabilities: list[float]) -> dict[str, float]:
    first, second = sorted(probabilities, reverse=True)[:2]
    entropy = -sum(p * math.log(p) for p in probabilities if p > 0) / math.log(len(probabilities))
    return {LEAST: 1 - first, MARGIN: 1 - (first - second), ENTROPY: entropy}


def spread(confidence: float, n_classes: int) -> list[float]:
    return [confidence, *[(1 - confidence) / (n_classes - 1)] * (n_classes - 1)]


def scores_of(dataset: fo.Dataset, path: str = "predictions") -> list[dict[str, float]]:
    columns = {name: dataset.values(f"{path}_{name}") for name in (LEAST, MARGIN, ENTROPY)}
    return [{name: column[row] for name, column in columns.items()} for row in range(len(dataset))]


def made_of(make, *labels: fo.Classification | None, **attributes) -> fo.Dataset:
    samples = [fo.Sample(f"/nowhere/{row}.png", predictions=label) for row, label in enumerate(labels)]
    dataset = make(samples, **attributes)
    if dataset.get_field("predictions") is None:
        dataset.add_sample_field("predictions", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    return dataset


def test_lists_of_probabilities(classified):
    summary = score_uncertainty(classified, "predictions")
    for found, stored in zip(scores_of(classified), classified.values("predictions.probabilities"), strict=True):
        assert found == pytest.approx(expected(stored), abs=1e-6)
    assert (summary.n_samples, summary.n_objects, summary.unscoreable) == (12, 12, {})
    assert summary.origins == {"probabilities": 12}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_arrays_of_probabilities(make, dtype):
    stored = [np.array([0.7, 0.2, 0.1]), np.array([0.4, 0.35, 0.25])]
    dataset = made_of(make, *(fo.Classification(label="a", probabilities=one.astype(dtype)) for one in stored))
    score_uncertainty(dataset, "predictions")
    for found, one in zip(scores_of(dataset), stored, strict=True):
        assert found == pytest.approx(expected(one.tolist()), abs=1e-3 if dtype == "float16" else 1e-6)


def test_logits_go_through_softmax(make):
    dataset = made_of(make, fo.Classification(label="a", confidence=0.1, logits=np.array([3.0, 1.0, 0.5])))
    summary = score_uncertainty(dataset, "predictions")
    total = sum(math.exp(x) for x in (3.0, 1.0, 0.5))
    assert scores_of(dataset)[0] == pytest.approx(expected([math.exp(x) / total for x in (3.0, 1.0, 0.5)]), abs=1e-6)
    assert summary.origins == {"logits": 1}


def test_probabilities_come_before_logits_and_confidence(make):
    label = fo.Classification(label="a", confidence=0.99, probabilities=[0.6, 0.4], logits=np.array([9.0, 0.0]))
    dataset = made_of(make, label)
    score_uncertainty(dataset, "predictions")
    assert scores_of(dataset)[0] == pytest.approx(expected([0.6, 0.4]), abs=1e-6)


def test_another_attribute_can_hold_the_probabilities(make):
    dataset = made_of(make, fo.Classification(label="a", softmax=[0.6, 0.4], confidence=0.9))
    summary = score_uncertainty(dataset, "predictions", probabilities_attribute="softmax")
    assert scores_of(dataset)[0] == pytest.approx(expected([0.6, 0.4]), abs=1e-6)
    assert summary.origins == {"softmax": 1}


@pytest.mark.parametrize(
    ("attributes", "n_classes"),
    [
        ({"classes": {"predictions": ["a", "b", "c", "d", "e"]}, "default_classes": ["a", "b"]}, 5),
        ({"default_classes": ["a", "b", "c", "d"]}, 4),
        ({}, 3),
    ],
    ids=["the field's classes", "the dataset's classes", "the labels that are there"],
)
def test_confidence_alone_is_spread_over_the_classes(make, attributes, n_classes):
    labels = [fo.Classification(label=label, confidence=0.7) for label in ("a", "b")]
    labels += [] if attributes else [fo.Classification(label="c", confidence=0.7)]
    dataset = made_of(make, *labels, **attributes)
    summary = score_uncertainty(dataset, "predictions")
    assert scores_of(dataset)[0] == pytest.approx(expected(spread(0.7, n_classes)), abs=1e-6)
    assert summary.origins == {"confidence": len(labels)}


def test_one_class_is_scored_as_that_class_against_the_rest(make):
    dataset = made_of(make, fo.Classification(label="cat", confidence=0.9), default_classes=["cat"])
    score_uncertainty(dataset, "predictions")
    assert scores_of(dataset)[0] == pytest.approx(expected([0.9, 0.1]), abs=1e-6)


def test_what_cannot_be_scored_is_none_and_counted_with_its_reason(make):
    dataset = made_of(
        make,
        fo.Classification(label="a", confidence=0.8),
        fo.Classification(label="b"),
        fo.Classification(confidence=0.8),
        None,
        None,
    )
    summary = score_uncertainty(dataset, "predictions")
    values = dataset.values(f"predictions_{ENTROPY}")
    assert values[1:] == [None] * 4
    assert values[0] == pytest.approx(expected([0.8, 0.2])[ENTROPY], abs=1e-6)
    assert summary.unscoreable == {
        "no 'predictions'": 2,
        "predictions that lack what a score needs (probabilities, logits or a confidence)": 2,
    }
    assert summary.fields[f"predictions_{ENTROPY}"] == {"scored": 1, "mean": pytest.approx(values[0])}
    assert summary.origins == {"confidence": 1, "nothing": 2}
    assert "not scored" in str(summary)


def test_a_field_without_a_single_label_is_all_none(make):
    dataset = made_of(make, None, None)
    summary = score_uncertainty(dataset, "predictions")
    assert dataset.values(f"predictions_{ENTROPY}") == [None, None]
    assert summary.unscoreable == {"no 'predictions'": 2}


def test_a_classification_s_score_is_its_sample_s_and_not_written_twice(classified):
    summary = score_uncertainty(classified, "predictions", scores=[MARGIN])
    assert list(summary.fields) == [f"predictions_{MARGIN}"]
    classified.add_dynamic_sample_fields()
    scored = [path for path in classified.get_field_schema(flat=True) if "uncertainty" in path]
    assert scored == [f"predictions_{MARGIN}"]


def test_scoring_twice_gives_the_same_and_keeps_one_of_everything(classified, documents):
    score_uncertainty(classified, "predictions")
    first = documents(classified, ["last_modified_at"]), classified.app_config.to_dict(), classified.list_indexes()
    score_uncertainty(classified, "predictions")
    classified.reload()
    assert first == (
        documents(classified, ["last_modified_at"]),
        classified.app_config.to_dict(),
        classified.list_indexes(),
    )


def test_the_field_says_what_it_is(classified):
    score_uncertainty(classified, "predictions", min_confidence=0.0)
    field = classified.get_field(f"predictions_{ENTROPY}")
    assert field.description == (
        "The entropy of the class probabilities, divided by that of the uniform distribution. High: the model is unsure."
    )
    assert field.info["shortlist"] == {
        "verb": "score_uncertainty",
        "range": [0, 1],
        "high_means": "the model is unsure",
        "source": "Settles, Active Learning Literature Survey, 2010, section 3.1",
        "label_field": "predictions",
        "parameters": {"normalize": False, "temperature": None, "probabilities_attribute": "probabilities"},
        "status": "complete",
    }
    assert f"predictions_{ENTROPY}" in classified.list_indexes()


def test_scores_share_one_group_of_the_sidebar(classified):
    score_uncertainty(classified, "predictions")
    groups = {group.name: list(group.paths) for group in classified.app_config.sidebar_groups}
    assert groups["shortlist"] == [f"predictions_{name}" for name in (LEAST, MARGIN, ENTROPY)]
    assert all(f"predictions_{ENTROPY}" not in paths for name, paths in groups.items() if name != "shortlist")
    assert "predictions" in groups["labels"]


def test_samples_in_memory_are_refreshed(classified):
    held = classified.first()
    score_uncertainty(classified, "predictions")
    assert held[f"predictions_{ENTROPY}"] == classified.values(f"predictions_{ENTROPY}")[0]


def test_progress_tells_all_samples_in_the_end(classified):
    told = []
    score_uncertainty(classified, "predictions", progress=lambda *step: told.append(step))
    assert told[-1] == (12, 12, "scoring predictions")


def test_more_samples_than_a_batch(make):
    chance = np.random.default_rng(0)
    stored = chance.dirichlet(np.ones(4), size=2300)
    dataset = make([fo.Sample(f"/nowhere/{row}.png") for row in range(2300)])
    dataset.add_sample_field("predictions", fo.EmbeddedDocumentField, embedded_doc_type=fo.Classification)
    dataset.set_values("predictions", [fo.Classification(label="a", probabilities=row.tolist()) for row in stored])
    told = []
    score_uncertainty(dataset, "predictions", scores=[LEAST], progress=lambda *step: told.append(step[0]))
    assert told == [2000, 2300]
    np.testing.assert_allclose(dataset.values(f"predictions_{LEAST}"), 1 - stored.max(axis=1), atol=1e-6)
