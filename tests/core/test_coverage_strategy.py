"""COVERAGE against greedy herding over the dense kernel of all rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from shortlist.core.selection.select import select
from shortlist.core.selection.strategies import coverage as module
from shortlist.core.selection.strategies.coverage import Coverage
from shortlist.core.selection.values import Values


def entry(vectors: np.ndarray, width: float = 1.0, strength: float = 1.0) -> Values:
    strategy = Coverage(type="COVERAGE", kernel_width=width, strength=strength)
    return Values("COVERAGE", strategy, vectors, np.ones(len(vectors), bool))


def clusters(n: int, d: int, n_clusters: int = 12, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(n_clusters, d))
    return (centres[rng.integers(0, n_clusters, n)] + 0.5 * rng.normal(size=(n, d))).astype(np.float32)


def dense_kernel(vectors: np.ndarray, width: float = 1.0) -> np.ndarray:
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    unit = vectors / np.where(lengths > 0, lengths, 1)
    return np.exp(-cdist(unit, unit, "sqeuclidean") / width**2)


def herding(kernel: np.ndarray, n: int, datapool: list[int], rows: np.ndarray) -> tuple[list[int], list[float]]:
    """Greedy picks of ``rows`` and their gains, every gain computed at every step."""
    covered = kernel[rows][:, datapool].max(axis=1, initial=0)
    picks, gains = [], []
    for _ in range(n):
        gain = np.maximum(kernel[rows][:, rows] - covered[:, None], 0).mean(axis=0)
        gain[np.isin(rows, picks)] = -1
        picks.append(int(rows[gain.argmax()]))
        gains.append(float(gain.max()))
        covered = np.maximum(covered, kernel[rows, picks[-1]])
    return picks, gains


def objective(kernel: np.ndarray, picks: list[int]) -> float:
    return float(kernel[:, picks].max(axis=1).mean())


@pytest.mark.parametrize("width", [0.3, 1.0])
@pytest.mark.parametrize("datapool", [[], [0, 17, 300]])
@pytest.mark.parametrize(("n", "d"), [(400, 2), (600, 16)])
def test_on_a_small_pool_it_is_dense_greedy_herding(n, d, datapool, width):
    vectors = clusters(n, d)
    free = np.setdiff1d(np.arange(n), datapool)
    expected, gains = herding(dense_kernel(vectors, width), 25, datapool, free)
    selection = select([entry(vectors, width)], 25, preselected=np.isin(np.arange(n), datapool))
    assert selection.rows.tolist() == expected
    np.testing.assert_allclose(selection.gains[:, 0], gains, rtol=1e-4, atol=1e-7)


def test_only_the_candidates_are_covered():
    vectors = clusters(500, 4)
    candidates = np.arange(500) % 3 > 0
    expected, _ = herding(dense_kernel(vectors), 15, [], np.flatnonzero(candidates))
    assert select([entry(vectors)], 15, candidates=candidates).rows.tolist() == expected


def test_sampled_rows_and_a_cut_graph_reach_nearly_the_dense_objective(monkeypatch):
    vectors = clusters(6000, 32, 60)
    monkeypatch.setattr(module, "_MIN_ROWS", 100)
    monkeypatch.setattr(module, "_ROWS_A_PICK", 20)
    monkeypatch.setattr(module, "_EDGES", 1000)
    monkeypatch.setattr(module, "_MIN_NEIGHBORS", 1)
    seen = []
    graph = module.neighbor_graph
    monkeypatch.setattr(module, "neighbor_graph", lambda *args, **more: seen.append(args) or graph(*args, **more))
    picks = select([entry(vectors)], 200).rows.tolist()
    (queries, points, n_neighbors), *_ = seen
    assert (len(queries), len(points)) == (4000, 6000)
    assert n_neighbors < 100

    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    kernel = np.exp(2 * (unit @ unit.T) - 2)
    chance = np.random.default_rng(0).choice(6000, 200, replace=False)
    assert kernel[picks].max(axis=0).mean() >= 0.99 * kernel[lazy_herding(kernel, 200)].max(axis=0).mean()
    assert kernel[picks].max(axis=0).mean() > kernel[chance].max(axis=0).mean()


def lazy_herding(kernel: np.ndarray, n: int) -> list[int]:
    """The same as ``herding``: gains only fall, so one that is exact and still the greatest is the greatest."""
    covered, picks, bounds = np.zeros(len(kernel)), [], kernel.sum(axis=1, dtype=np.float64)
    for _ in range(n):
        exact = np.zeros(len(kernel), bool)
        while not exact[best := int(bounds.argmax())]:
            bounds[best], exact[best] = np.maximum(kernel[best] - covered, 0).sum(), True
        picks.append(best)
        covered, bounds[best] = np.maximum(covered, kernel[best]), -1
    return picks


def test_the_lazy_reference_is_the_plain_one():
    kernel = dense_kernel(clusters(300, 4))
    assert lazy_herding(kernel, 30) == herding(kernel, 30, [], np.arange(300))[0]


@pytest.mark.parametrize("datapool", [[], [0, 17, 300]])
@pytest.mark.parametrize("edges", [20_000_000, 3000])
def test_gains_fall(monkeypatch, datapool, edges):
    monkeypatch.setattr(module, "_EDGES", edges)
    selection = select([entry(clusters(500, 8))], 500 - len(datapool), preselected=np.isin(np.arange(500), datapool))
    gains = selection.gains[:, 0]
    assert (np.diff(gains) <= 1e-9).all()
    assert gains[0] > 10 * gains[-1] >= 0


def test_the_gains_of_all_picks_add_up_to_the_objective():
    vectors = clusters(300, 8)
    selection = select([entry(vectors)], 40)
    assert selection.gains.sum() == pytest.approx(objective(dense_kernel(vectors), selection.rows.tolist()), rel=1e-4)


def test_what_the_datapool_covers_is_covered():
    # Two groups of directions; the larger one is in the datapool already.
    vectors = np.repeat([[1.0, 0.0], [0.0, 1.0]], [30, 5], axis=0)
    assert select([entry(vectors, 0.2)], 1).rows.tolist() == [0]
    selection = select([entry(vectors, 0.2)], 1, preselected=np.arange(35) == 0)
    assert selection.rows.tolist() == [30]
    np.testing.assert_allclose(selection.gains, [[5 / 34]], rtol=1e-5)


def test_lengths_of_vectors_do_not_count():
    vectors = clusters(300, 4)
    lengths = np.random.default_rng(1).uniform(0.1, 10, (300, 1)).astype(np.float32)
    np.testing.assert_array_equal(select([entry(vectors * lengths)], 20).rows, select([entry(vectors)], 20).rows)


def test_zero_vectors_are_alike_and_like_nothing_else():
    vectors = clusters(60, 4)
    vectors[[3, 40]] = 0
    expected, gains = herding(dense_kernel(vectors), 60, [], np.arange(60))
    selection = select([entry(vectors)], 60)
    np.testing.assert_allclose(selection.gains[:, 0], gains, atol=1e-6)
    assert selection.rows[:30].tolist() == expected[:30]
    assert np.isfinite(selection.gains).all()


def test_only_zero_vectors():
    selection = select([entry(np.zeros((5, 3)))], 5)
    assert selection.rows.tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(selection.gains[:, 0], [1, 0, 0, 0, 0])


def test_a_negative_strength_picks_what_covers_least():
    vectors = np.repeat([[1.0, 0.0], [0.0, 1.0]], [30, 1], axis=0)
    assert select([entry(vectors, 0.2, -1.0)], 1).rows.tolist() == [30]


def test_the_picks_are_those_of_scikit_activeml():
    from skactiveml.pool import MaxHerding

    vectors = clusters(300, 8).astype(np.float64)
    labels = np.full(300, np.nan)
    labels[[5, 77]] = 0
    theirs = MaxHerding(metric_dict={"gamma": 1.0}, random_state=0).query(vectors, labels, batch_size=30)
    assert select([entry(vectors)], 30, preselected=~np.isnan(labels)).rows.tolist() == theirs.tolist()
