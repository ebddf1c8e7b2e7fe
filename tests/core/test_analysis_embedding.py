"""A whole analysis of an embedding space, on sets where the answer is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from shortlist.core.analysis.embedding import analyze_embeddings
from shortlist.core.analysis.report import EmbeddingAnalysis
from shortlist.core.analysis.sets import Sets
from shortlist.core.errors import Cancelled


def ids_of(n: int) -> np.ndarray:
    return np.array([f"{row:024x}" for row in range(n)], "S24")


def analyze(vectors, selected, datapool=(), *, input=None, draws=3, ids=None, **more):
    vectors = np.asarray(vectors)
    rows = np.arange(len(vectors)) if input is None else np.asarray(input, int)
    sets = Sets.of(rows, np.asarray(selected, int), np.asarray(datapool, int), draws, 0)
    return analyze_embeddings(vectors, sets, ids=ids_of(len(vectors)) if ids is None else ids, **more)


def two_clusters() -> np.ndarray:
    """Thirty items about (0, 0) and twenty about (50, 0)."""
    noise = np.random.default_rng(0).normal(size=(50, 2)) * 0.3
    return noise + np.repeat([[0.0, 0.0], [50.0, 0.0]], [30, 20], axis=0)


def test_a_cluster_without_a_selected_item_is_the_uncovered_region():
    found = analyze(two_clusters(), [0, 1, 2])
    (region,) = found.analysis.regions
    assert region.n_items == 20
    assert int(region.sample_id, 16) >= 30
    assert region.mean_distance == pytest.approx(50, abs=0.5)
    assert region.max_distance == pytest.approx(found.distance.max())
    assert region.gain > 0.9
    np.testing.assert_array_equal(found.region, np.repeat([0, 1], [30, 20]))


def test_a_datapool_in_a_cluster_covers_it():
    found = analyze(two_clusters(), [0, 1, 2], [49])
    assert max(region.max_distance for region in found.analysis.regions) < 2
    assert set(found.nearest[30:49].tolist()) == {49}
    assert np.isnan(found.distance[49])
    assert found.nearest[49] == -1


def test_every_row_of_the_input_knows_the_nearest_that_is_there():
    vectors = np.random.default_rng(1).normal(size=(80, 4))
    found = analyze(vectors, [3, 9], [70], input=range(60))
    away = cdist(vectors[:60], vectors[[3, 9, 70]])
    np.testing.assert_allclose(found.distance[:60], away.min(axis=1), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(found.nearest[:60], np.array([3, 9, 70])[away.argmin(axis=1)])
    assert np.isnan(found.distance[60:]).all()
    assert (found.nearest[60:] == -1).all()


def test_groups_of_near_duplicates_are_numbered_by_size_and_then_by_id():
    spread = np.arange(40.0)[:, None] * 100
    vectors = np.concatenate([spread, spread[[5, 5, 7, 3]] + 0.01, spread[[20]] + 0.01])
    ids = ids_of(45)
    found = analyze(vectors, [3, 5, 7, 9, 40, 41, 42, 43], ids=ids)
    duplicates = found.analysis.near_duplicates
    assert (duplicates.n_pairs, duplicates.n_items, duplicates.n_groups) == (5, 7, 3)
    names = ids.astype(str)
    assert duplicates.groups == [names[[5, 40, 41]].tolist(), names[[3, 43]].tolist(), names[[7, 42]].tolist()]
    assert found.duplicate_group[[5, 40, 41, 3, 43, 7, 42, 9, 20, 44]].tolist() == [1, 1, 1, 2, 2, 3, 3, 0, 0, 0]
    assert duplicates.threshold == pytest.approx(found.analysis.typical_distance / 10)


def test_only_a_hundred_groups_are_listed():
    vectors = np.repeat(np.random.default_rng(0).normal(size=(130, 5)) * 100, 2, axis=0)
    duplicates = analyze(vectors, range(260)).analysis.near_duplicates
    assert (duplicates.n_groups, duplicates.n_pairs, len(duplicates.groups)) == (130, 130, 100)


def test_a_group_of_objects_names_each_sample_once():
    ids = np.repeat(ids_of(20), 2)
    vectors = np.repeat(np.random.default_rng(0).normal(size=(20, 5)), 2, axis=0)
    found = analyze(vectors, range(10), ids=ids, level="objects").analysis
    assert found.level == "objects"
    assert found.near_duplicates.groups == [[one] for one in ids_of(5).astype(str)]


def test_rows_without_a_value_are_in_no_set_and_may_hold_anything():
    vectors = np.random.default_rng(1).normal(size=(50, 3))
    vectors[40:] = np.nan
    found = analyze(vectors, [1, 2], [5], input=range(40), left_out=10, source="embedding")
    whole = analyze(vectors[:40], [1, 2], [5], left_out=10, source="embedding")
    assert found.analysis.sizes == {"input": 39, "selected": 2, "datapool": 1, "datapool_and_selected": 3}
    assert (found.analysis.source, found.analysis.left_out, found.analysis.dimensions) == ("embedding", 10, 3)
    assert found.analysis.coverage.sets == whole.analysis.coverage.sets
    assert np.isnan(found.distance[40:]).all()


CASES = {
    "one selected": (np.random.default_rng(0).normal(size=(30, 4)), [4], []),
    "everything selected": (np.random.default_rng(0).normal(size=(30, 4)), range(30), []),
    "one item": (np.ones((1, 3)), [0], []),
    "one dimension": (np.random.default_rng(0).normal(size=(30, 1)), [4, 5], [6]),
    "all alike": (np.ones((30, 3)), [1, 2, 3], [4]),
    "nothing selected": (np.random.default_rng(0).normal(size=(30, 4)), [], []),
    "a datapool alone": (np.random.default_rng(0).normal(size=(30, 4)), [], [1, 2]),
    "nothing": (np.zeros((0, 4)), [], []),
    "half precision": (np.random.default_rng(0).normal(size=(30, 4)).astype(np.float16), [4, 5], []),
}


@pytest.mark.parametrize("case", CASES)
def test_every_case_gives_a_document(case):
    vectors, selected, datapool = CASES[case]
    found = analyze(vectors, selected, datapool)
    text = json.dumps(found.analysis.model_dump(), allow_nan=False)
    assert EmbeddingAnalysis.model_validate_json(text) == found.analysis
    assert found.distance.shape == found.nearest.shape == found.region.shape == (len(vectors),)
    assert found.analysis.measured_on == found.analysis.sizes["input"]


def test_where_all_are_alike_all_selected_are_duplicates_and_nothing_is_uncovered():
    found = analyze(np.ones((30, 3)), [1, 2, 3, 4])
    duplicates = found.analysis.near_duplicates
    assert (duplicates.threshold, duplicates.n_pairs, duplicates.n_groups) == (0, 6, 1)
    assert found.analysis.regions == []
    assert found.nearest[[1, 2, 3, 4]].tolist() == [1, 2, 3, 4]


def test_everything_selected_leaves_nothing_uncovered():
    found = analyze(np.random.default_rng(0).normal(size=(30, 4)), range(30))
    assert found.analysis.coverage.sets["selected"].max == 0
    assert found.analysis.regions == []
    assert found.nearest.tolist() == list(range(30))


def test_no_regions_are_named_where_none_are_wanted():
    found = analyze(two_clusters(), [0], regions=0)
    assert found.analysis.regions == []
    assert not found.region.any()


def test_the_order_of_the_rows_changes_nothing():
    vectors, ids = two_clusters().round(2), ids_of(50)
    vectors[3] = vectors[4]
    order = np.random.default_rng(5).permutation(50)
    place = np.argsort(order)
    found = analyze(vectors, [3, 4, 5], [7, 8], draws=0)
    moved = analyze(vectors[order], place[[3, 4, 5]], place[[7, 8]], draws=0, ids=ids[order])
    assert moved.analysis.near_duplicates == found.analysis.near_duplicates
    assert [region.sample_id for region in moved.analysis.regions] == [
        region.sample_id for region in found.analysis.regions
    ]
    assert moved.analysis.scatter.ids == found.analysis.scatter.ids
    np.testing.assert_allclose(moved.distance, found.distance[order], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(moved.region, found.region[order])
    np.testing.assert_array_equal(moved.duplicate_group, found.duplicate_group[order])
    assert moved.analysis.coverage.sets["selected"].mean == pytest.approx(
        found.analysis.coverage.sets["selected"].mean, rel=1e-5
    )


def test_vectors_far_off_the_origin_are_analyzed_as_if_they_were_not():
    vectors = np.random.default_rng(1).integers(-99, 99, (60, 3)).astype(np.float64)
    here, there = (analyze(vectors + offset, range(5), range(5, 9)).analysis for offset in (0, 2.0**30))
    assert here.coverage.sets["selected"].mean == pytest.approx(there.coverage.sets["selected"].mean, rel=1e-6)
    assert here.diversity.random["random"].mean.draws == pytest.approx(there.diversity.random["random"].mean.draws)
    assert here.typical_distance == there.typical_distance


def test_progress_rises_to_the_whole_and_can_stop_it():
    told: list[tuple[int, int, str]] = []

    def progress(done, total, label=""):
        told.append((done, total, label))
        if stop and label == "looking for what is uncovered":
            raise Cancelled()

    stop = False
    vectors = np.random.default_rng(0).normal(size=(3000, 4))
    analyze(vectors, range(100), range(100, 150), progress=progress)
    assert told[-1][:2] == (1000, 1000)
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert {total for _, total, _ in told} == {1000}
    assert {"measuring diversity", "measuring coverage", "looking for near duplicates"} <= {said for _, _, said in told}
    stop = True
    with pytest.raises(Cancelled):
        analyze(vectors, range(100), progress=progress)
