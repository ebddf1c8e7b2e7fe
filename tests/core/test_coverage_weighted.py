"""COVERAGE with weights: against weighted herding over the dense kernel, its width, and the rows that stand for a pool."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from shortlist.core.errors import ShortlistError
from shortlist.core.schema import parse
from shortlist.core.selection.inputs import Predictions, Scores
from shortlist.core.selection.parts.covering import stand_ins
from shortlist.core.selection.select import select
from shortlist.core.selection.strategies import coverage as module
from shortlist.core.selection.strategies.coverage import Coverage
from shortlist.core.selection.strategy import Pool
from shortlist.core.selection.values import Amounts, Values
from shortlist.core.vectors import nearest, unit

SCORE = Scores(type="SCORES", field="unsure")
CLASSES = Predictions(type="PREDICTIONS", task="model")


def entry(vectors: np.ndarray) -> Values:
    return Values("COVERAGE", Coverage(type="COVERAGE"), vectors, np.ones(len(vectors), bool))


def clusters(n: int, d: int, n_clusters: int = 12, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(n_clusters, d))
    return (centres[rng.integers(0, n_clusters, n)] + 0.5 * rng.normal(size=(n, d))).astype(np.float32)


def dense_kernel(vectors: np.ndarray, width: float = 1.0) -> np.ndarray:
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    unit = vectors / np.where(lengths > 0, lengths, 1)
    return np.exp(-cdist(unit, unit, "sqeuclidean") / width**2)


def weighted(vectors: np.ndarray, weights: np.ndarray, **parameters) -> Values:
    strategy = Coverage(type="COVERAGE", weight=SCORE, **parameters)
    return Values("COVERAGE", strategy, vectors, np.ones(len(vectors), bool), {"weight": weights})


def weighted_herding(kernel: np.ndarray, weights: np.ndarray, n: int, datapool: list[int]) -> tuple[list, list]:
    """Greedy picks and their gains; what is in the datapool need not be covered."""
    weights = np.where(np.isin(np.arange(len(kernel)), datapool), 0, weights)
    covered = kernel[:, datapool].max(axis=1, initial=0)
    picks, gains = [], []
    for _ in range(n):
        gain = weights @ np.maximum(kernel - covered[:, None], 0) / weights.sum()
        gain[[*datapool, *picks]] = -1
        picks.append(int(gain.argmax()))
        gains.append(float(gain.max()))
        covered = np.maximum(covered, kernel[:, picks[-1]])
    return picks, gains


@pytest.mark.parametrize("datapool", [[], [0, 17, 300]])
@pytest.mark.parametrize("unit", [1, 1e-6, 3e8])
def test_weighted_it_is_dense_weighted_herding_in_whatever_unit(datapool, unit):
    vectors, weights = clusters(400, 8), np.random.default_rng(2).random(400) ** 4
    expected, gains = weighted_herding(dense_kernel(vectors, 0.6), weights, 25, datapool)
    selection = select(
        [weighted(vectors, unit * weights, kernel_width=0.6)], 25, preselected=np.isin(np.arange(400), datapool)
    )
    assert selection.rows.tolist() == expected
    np.testing.assert_allclose(selection.gains[:, 0], gains, rtol=1e-4)


def test_what_weighs_nothing_is_covered_last():
    vectors = np.repeat(np.eye(3), [30, 20, 5], axis=0)
    weights = np.repeat([0.0, 1.0, 1.0], [30, 20, 5])
    picks = select([weighted(vectors, weights, kernel_width=0.2)], 3).rows
    assert vectors[picks].argmax(axis=1).tolist() == [1, 2, 0]


@pytest.mark.parametrize("weights", [np.zeros(200), np.full(200, 7.0)])
def test_weights_that_tell_nothing_apart_change_nothing(weights):
    vectors = clusters(200, 4)
    np.testing.assert_array_equal(select([weighted(vectors, weights)], 20).rows, select([entry(vectors)], 20).rows)


def test_negative_weights_are_refused():
    with pytest.raises(ShortlistError, match=r"weight of COVERAGE must be >= 0 for every sample. Got -0.5 instead"):
        select([weighted(clusters(5, 2), np.array([1, 1, -0.5, 1, 1]))], 2)


def test_the_weights_of_what_may_not_be_picked_do_not_matter():
    vectors, weights = clusters(200, 4), np.random.default_rng(0).random(200)
    candidates = np.arange(200) > 50
    expected = select([weighted(vectors, weights)], 10, candidates=candidates)
    weights[:50] = -1e9
    np.testing.assert_array_equal(select([weighted(vectors, weights)], 10, candidates=candidates).rows, expected.rows)


def test_the_width_shrinks_with_the_datapool_and_only_with_a_weight():
    angles = np.deg2rad([0, 90, 40, 41, 60, 180, 200])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    every = Pool(np.arange(2, 7), preselected=np.array([0, 1, 5]))
    plain, heavy = Coverage(type="COVERAGE"), Coverage(type="COVERAGE", weight=SCORE)
    assert plain._width(unit(vectors), every) == 1
    assert heavy._width(unit(vectors), every) == 1  # no two nearer than sqrt(2)
    assert heavy._width(unit(vectors), Pool(np.arange(7))) == 1
    assert heavy._width(unit(vectors), Pool(np.arange(5), preselected=np.array([5, 6]))) == pytest.approx(
        2 * np.sin(np.deg2rad(10)), rel=1e-5
    )
    fixed = Coverage(type="COVERAGE", weight=SCORE, kernel_width=0.3)
    assert fixed._width(unit(vectors), every) == 0.3


def test_copies_and_a_near_copy_in_the_datapool_do_not_make_the_width_tiny():
    vectors = unit(clusters(100, 16))
    vectors[1], vectors[2] = vectors[0], vectors[3] + np.float32(1e-3)
    spread = nearest(vectors[4:30], vectors[4:30], own=np.arange(26))[0]
    width = Coverage(type="COVERAGE", weight=SCORE)._width(vectors, Pool(np.arange(30, 100), np.arange(30)))
    assert width > 0.5 * np.quantile(spread, 0.25)
    same = np.repeat(vectors[:1], 10, axis=0)
    assert Coverage(type="COVERAGE", weight=SCORE)._width(same, Pool(np.arange(5), np.arange(5, 10))) == 1


def test_a_class_weighs_less_the_more_of_it_the_datapool_holds():
    # 3 of class a in the datapool, none of b: factors 1/2 and 1.
    matrix = sparse.csr_array(np.array([[1, 0], [1, 0], [1, 0], [1, 0], [0, 2], [1, 3], [0, 0]], float))
    strategy = Coverage(type="COVERAGE", class_weight=CLASSES)
    pool = Pool(np.arange(3, 7), np.arange(3), beside={"class_weight": Amounts(("a", "b"), matrix)})
    expected = np.array([0.5, 1, 0.25 * 0.5 + 0.75 * 1, 0.5])
    np.testing.assert_allclose(strategy._weights(pool), expected / expected.mean())


def test_the_class_weight_multiplies_the_weight():
    matrix = sparse.csr_array(np.repeat(np.eye(2), [8, 2], axis=0))
    own = {"class_weight": Amounts(("a", "b"), matrix), "weight": np.arange(10.0)}
    strategy = Coverage(type="COVERAGE", class_weight=CLASSES, weight=SCORE)
    weights = strategy._weights(Pool(np.arange(3, 10), np.arange(3), beside=own))
    expected = np.array([3, 4, 5, 6, 7, 16, 18.0])
    np.testing.assert_allclose(weights, expected / expected.mean())


def test_with_an_empty_datapool_the_class_weight_changes_nothing():
    vectors, matrix = clusters(100, 4), np.random.default_rng(0).random((100, 3))
    own = {"class_weight": Amounts(("a", "b", "c"), sparse.csr_array(matrix))}
    one = Values("it", Coverage(type="COVERAGE", class_weight=CLASSES), vectors, np.ones(100, bool), own)
    np.testing.assert_array_equal(select([one], 10).rows, select([entry(vectors)], 10).rows)


def test_the_class_weight_must_be_a_distribution():
    written = {"type": "COVERAGE", "class_weight": {"type": "PREDICTIONS", "task": "p", "name": "CATEGORY_COUNT"}}
    with pytest.raises(ShortlistError, match=r"class_weight must name CLASS_DISTRIBUTION. Got CATEGORY_COUNT instead"):
        parse(Coverage, written)


def test_in_words():
    assert Coverage(type="COVERAGE").words("`clip`") == "covers `clip`"
    assert Coverage(type="COVERAGE", weight=SCORE).words("`clip`") == "covers `clip`, weighted by `unsure`"
    both = Coverage(type="COVERAGE", weight=SCORE, class_weight=CLASSES).words("`clip`")
    assert both == "covers `clip`, weighted by `unsure` and by how rare in the datapool the classes of `model` are"


@given(
    arrays(float, st.integers(20, 60), elements=st.floats(0, 1e6, width=32)).filter(np.any),
    st.integers(1, 15),
    st.integers(0, 99),
)
def test_rows_that_stand_for_a_pool_weigh_what_it_weighs(weights, n_rows, seed):
    rows, drawn = stand_ins(weights, len(weights), n_rows, seed)
    assert 0 < len(rows) <= n_rows
    assert (np.diff(rows) > 0).all()
    assert (weights[rows] > 0).all()
    # Each drawn row stands for as much; those heavier than that are drawn for certain, as they are.
    assert drawn.sum() == pytest.approx(weights.sum(), rel=1e-6)
    assert (drawn >= weights[rows] * (1 - 1e-9)).all()


def test_every_row_is_stood_for_as_much_as_it_weighs_on_average():
    weights = np.array([0.1, 0, 1, 2, 30, 0.5, 5, 5, 3, 1])
    mean = np.zeros(10)
    for seed in range(4000):
        rows, drawn = stand_ins(weights, 10, 4, seed)
        mean[rows] += drawn / 4000
    np.testing.assert_allclose(mean, weights, atol=0.25)


def test_rows_are_drawn_by_weight_where_not_all_are_looked_at(monkeypatch):
    monkeypatch.setattr(module, "_MIN_ROWS", 100)
    monkeypatch.setattr(module, "_ROWS_A_PICK", 20)
    monkeypatch.setattr(module, "_EDGES", 1000)
    vectors = clusters(2000, 16, 40)
    weights = np.random.default_rng(3).random(2000) ** 6
    kernel = dense_kernel(vectors)
    picks = select([weighted(vectors, weights)], 20).rows
    best, _ = weighted_herding(kernel, weights, 20, [])

    def reached(rows) -> float:
        return float(weights @ kernel[:, rows].max(axis=1))

    assert reached(picks) >= 0.97 * reached(best)
