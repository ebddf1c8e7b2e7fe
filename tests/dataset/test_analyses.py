"""The names, columns and points of analyses."""

from __future__ import annotations

from datetime import UTC, datetime

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
import pytest

from shortlist import score_label_quality, score_uncertainty
from shortlist.dataset.analyses import fingerprint_of
from shortlist.dataset.analysis_names import Names, names_for
from shortlist.dataset.columns import read_columns, written_scores
from shortlist.dataset.rows import Rows
from shortlist.dataset.samples import ids_of
from shortlist.dataset.visualization_points import points_of, visualizations


def rows_of(samples) -> Rows:
    return Rows(np.unique(ids_of(samples)), [samples])


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("round_1", "round_1"),
        ("Été 1.2", "Ete_1_2"),
        ("2024", "set_2024"),
        ("批", "set"),
        ("  ", "set"),
        ("__x__", "x"),
        ("a--b", "a_b"),
        ("\N{CAT} é\n", "e"),
        ("x" * 3000, "x" * 64),
    ],
)
def test_names_are_identifiers(untouched, name, slug):
    names = names_for(untouched, name)
    assert names == Names(f"{slug}_analysis", f"{slug}_uncovered", f"{slug}_near_duplicates")
    assert names == Names.of(names.key)
    assert names.key.isidentifier()


def test_a_fingerprint_is_that_of_the_set():
    ids = np.array([b"a" * 24, b"b" * 24])
    assert fingerprint_of(ids) == fingerprint_of(ids[[1, 0, 1]])
    assert fingerprint_of(ids) != fingerprint_of(ids[:1])
    assert len(fingerprint_of(ids[:0])) == 64


def test_columns_are_read_in_one_go(classified):
    classified.add_sample_field("mixed", fo.EmbeddedDocumentField, embedded_doc_type=fo.DynamicEmbeddedDocument)
    classified.add_sample_field("mixed.inside", fo.FloatField)
    classified.set_values("mixed.inside", [None, 2.5, *[None] * 10])
    classified.set_values("seen", [datetime(1970, 1, 2, tzinfo=UTC), *[None] * 11])
    rows = rows_of(classified)
    found = read_columns(["hour", "checked", "mixed.inside", "seen"], rows)
    assert found.shape == (4, 12)
    np.testing.assert_array_equal(found[0], np.arange(12))
    np.testing.assert_array_equal(found[1], [row % 3 == 0 for row in range(12)])
    assert (found[2][1], np.isnan(found[2]).sum()) == (2.5, 11)
    assert found[3][0] == 86400
    assert read_columns([], rows).shape == (0, 12)


def test_scores_are_known_by_their_marks(classified):
    assert written_scores(classified) == ([], [])
    classified.set_values("ground_truth", [fo.Classification(label="abc"[row % 3]) for row in range(12)])
    classified.set_values("my_issue", ["none"] * 12)
    score_uncertainty(classified, "predictions", scores=["uncertainty_margin"])
    score_label_quality(classified, "ground_truth", predictions_field="predictions")
    numbers, issues = written_scores(classified)
    assert numbers == ["predictions_uncertainty_margin", "ground_truth_quality"]
    assert issues == ["ground_truth_issue"]
    # One that was not finished is none.
    field = classified.get_field("predictions_uncertainty_margin")
    field.info = {"shortlist": {**field.info["shortlist"], "status": "writing"}}
    field.save()
    assert written_scores(classified)[0] == ["ground_truth_quality"]


def test_the_points_of_a_visualization(classified):
    view = classified[:3]
    points = np.array([[0.0, 1.0], [2.0, np.nan], [4.0, 5.0]])
    fob.compute_visualization(view, points=points, brain_key="some", progress=False, verbose=False)
    found = points_of("some", rows_of(classified))
    assert (found.brain_key, found.method) == ("some", "manual")
    np.testing.assert_array_equal(found.positions[[0, 2]], points[[0, 2]])
    assert np.isnan(found.positions[[1, *range(3, 12)]]).all()
    assert points_of("some", rows_of(classified[5:])) is None
    assert (visualizations(classified), visualizations(classified, "clip")) == (["some"], [])
