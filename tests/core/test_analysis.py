"""The comparison of a selection with random ones, on pools where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from shortlist.core.analysis.coverage import Comparison, compare_with_random
from shortlist.core.errors import Cancelled

# Two clusters of five coincident points, 10 apart.
CLUSTERS = np.repeat([[0.0, 0.0], [6.0, 8.0]], 5, axis=0)


def rows(*chosen: int) -> np.ndarray:
    return np.array(chosen, dtype=np.int64)


def test_one_of_each_cluster_covers_everything():
    result = compare_with_random(CLUSTERS, rows(0, 9))
    assert result.selected == 0
    assert np.isnan(result.before)
    # Two random picks fall into one cluster (mean distance 5) or into both (0).
    assert set(result.random.tolist()) <= {0.0, 5.0}
    assert result.gain == 1


def test_one_cluster_twice_leaves_the_other_uncovered():
    result = compare_with_random(CLUSTERS, rows(0, 1))
    assert result.selected == 5
    assert result.gain == 1 - 5 / result.random_mean


def test_one_pick_of_two_clusters_is_as_good_as_chance():
    result = compare_with_random(CLUSTERS, rows(3))
    np.testing.assert_array_equal(result.random, np.full(10, 5.0))
    assert result.gain == 0


def test_everything_selected_is_at_distance_zero_like_every_random_draw():
    vectors = np.random.default_rng(0).normal(size=(20, 3))
    result = compare_with_random(vectors, np.arange(20))
    assert result.selected == 0
    np.testing.assert_array_equal(result.random, np.zeros(10))
    assert result.gain == 0


def test_a_datapool_covers_from_the_start():
    result = compare_with_random(CLUSTERS, rows(9), preselected=rows(0))
    assert result.before == 5
    assert result.selected == 0
    assert set(result.random.tolist()) <= {0.0, 5.0}


def test_only_the_pool_is_covered_and_drawn_from():
    vectors = np.array([[0.0], [1.0], [100.0], [-100.0]])
    result = compare_with_random(vectors, rows(0), pool=rows(0, 1), draws=30)
    assert result.selected == 0.5
    np.testing.assert_array_equal(result.random, np.full(30, 0.5))


def test_a_selection_larger_than_the_pool_is_compared_with_all_of_it():
    vectors = np.array([[0.0], [1.0], [5.0]])
    result = compare_with_random(vectors, rows(0, 1, 2), pool=rows(0, 1))
    np.testing.assert_array_equal(result.random, np.zeros(10))


def test_the_selected_distance_is_the_mean_over_the_pool():
    vectors = np.random.default_rng(1).normal(size=(200, 4))
    chosen = rows(3, 50, 120)
    expected = np.sqrt(((vectors[:, None] - vectors[chosen]) ** 2).sum(axis=2)).min(axis=1).mean()
    assert compare_with_random(vectors, chosen).selected == pytest.approx(expected, rel=1e-5)


def test_the_same_seed_draws_the_same_and_another_draws_others():
    vectors = np.random.default_rng(1).normal(size=(200, 4))
    first, again, other = (compare_with_random(vectors, rows(1, 2), seed=seed).random for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_progress_counts_the_draws_and_can_stop():
    told = []

    def progress(done, total, label=""):
        told.append((done, total))
        if done == 3:
            raise Cancelled()

    with pytest.raises(Cancelled):
        compare_with_random(CLUSTERS, rows(0), draws=7, progress=progress)
    assert told == [(1, 7), (2, 7), (3, 7)]


def test_a_draw_over_many_rows_can_be_stopped_before_it_is_done():
    told = []

    def progress(done, total, label=""):
        told.append(done)
        raise Cancelled()

    with pytest.raises(Cancelled):
        compare_with_random(np.zeros((4000, 2)), rows(0), draws=7, progress=progress)
    assert told == [0]


def test_what_is_covered_may_be_a_part_of_what_is_drawn_from():
    """Draws from the part alone would all be among what they cover."""
    vectors = np.random.default_rng(0).normal(size=(2000, 4))
    chosen, part = (np.random.default_rng(seed).choice(2000, 300, replace=False) for seed in (1, 2))
    result = compare_with_random(vectors, chosen, covered=part)
    assert result.gain == pytest.approx(0, abs=0.04)
    of_part = compare_with_random(vectors, chosen, pool=part)
    assert of_part.random_mean == 0
    everything = compare_with_random(vectors, chosen)
    assert result.random_mean == pytest.approx(everything.random_mean, rel=0.04)


def test_the_numbers_of_a_comparison():
    result = Comparison(np.nan, 1.0, np.arange(1.0, 42.0) / 10)
    assert result.random_mean == pytest.approx(2.1)
    assert result.interval == pytest.approx((0.2, 4.0))
    assert result.gain == pytest.approx(1 - 1 / 2.1)


@pytest.mark.parametrize(
    ("comparison", "sentence"),
    [
        (
            Comparison(np.nan, 1.0, np.full(3, 2.0)),
            "candidates are 50.0% nearer to this selection than to random ones (mean distance 1; random 2, 3 draws "
            "from 2 to 2)",
        ),
        (
            Comparison(np.nan, 3.0, np.full(3, 2.0)),
            "candidates are 50.0% farther from this selection than from random ones (mean distance 3; random 2, 3 draws "
            "from 2 to 2)",
        ),
        (
            Comparison(4.0, 1.0, np.full(3, 2.0)),
            "candidates are 50.0% nearer to this selection than to random ones (mean distance 1; random 2, 3 draws "
            "from 2 to 2); it adds 1.5 times the coverage that random adds to the datapool",
        ),
    ],
)
def test_the_comparison_in_words(comparison, sentence):
    assert comparison.sentence() == sentence
