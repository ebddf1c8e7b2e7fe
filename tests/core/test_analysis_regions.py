"""What is uncovered, beside an exhaustive search and on clusters where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from shortlist.core.analysis import regions
from shortlist.core.analysis.regions import uncovered
from shortlist.core.errors import Cancelled

CENTRES = np.array([[0.0, 0.0], [100.0, 0.0], [0.0, 60.0]])


def clusters(size: int = 40, seed: int = 0) -> np.ndarray:
    """Three tight clusters, far apart."""
    noise = np.random.default_rng(seed).normal(size=(3, size, 2)) * 0.5
    return (CENTRES[:, None] + noise).reshape(-1, 2)


def to_nearest(vectors: np.ndarray, chosen: list[int]) -> np.ndarray:
    return cdist(vectors, vectors[chosen]).min(axis=1)


def lots(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).permutation(n)


def exhaustive(vectors: np.ndarray, distance: np.ndarray, count: int) -> list[float]:
    """The gains of the greedy over all items as centres."""
    between, left, gains = cdist(vectors, vectors), distance.copy(), []
    for _ in range(count):
        gain = np.maximum(left[:, None] - between, 0).sum(axis=0)
        gains.append(gain.max() / distance.sum())
        left = np.minimum(left, between[:, gain.argmax()])
    return gains


def test_clusters_without_a_selected_item_are_the_regions():
    vectors = clusters()
    found = uncovered(vectors, to_nearest(vectors, [0, 1, 2]), lots(120), 10)
    # The farther one first; what is left within clusters gains less than a hundredth of that.
    assert [centre // 40 for centre in found.centres] == [1, 2]
    assert found.owner.tolist() == [0] * 40 + [1] * 40 + [2] * 40
    assert found.gains[0] == pytest.approx(100 / 160, abs=0.02)
    assert found.gains[1] == pytest.approx(60 / 160, abs=0.02)


def test_a_centre_is_the_item_that_covers_its_region_best():
    vectors = clusters()
    found = uncovered(vectors, to_nearest(vectors, [0]), lots(120), 1)
    own = vectors[40:80]
    assert found.centres[0] - 40 == cdist(own, own).sum(axis=0).argmin()


def test_with_every_item_a_candidate_gains_are_those_of_an_exhaustive_greedy():
    vectors = np.random.default_rng(3).normal(size=(300, 5))
    distance = to_nearest(vectors, [0, 1])
    found = uncovered(vectors, distance, lots(300), 8)
    np.testing.assert_allclose(found.gains, exhaustive(vectors, distance, 8), rtol=1e-4)


def test_gains_are_what_the_mean_distance_falls_by():
    vectors = np.random.default_rng(4).normal(size=(500, 3))
    distance = to_nearest(vectors, [7])
    found = uncovered(vectors, distance, lots(500), 5)
    before = distance
    for number, (centre, gain) in enumerate(zip(found.centres, found.gains, strict=True), 1):
        after = to_nearest(vectors, [7, *found.centres[:number]])
        assert gain == pytest.approx((before.mean() - after.mean()) / distance.mean(), rel=1e-4)
        assert found.owner[centre] == number
        before = after


def test_an_item_belongs_to_the_nearest_centre_that_is_nearer_than_what_is_there():
    vectors = np.random.default_rng(5).normal(size=(400, 2))
    distance = to_nearest(vectors, [0, 9])
    found = uncovered(vectors, distance, lots(400), 6)
    away = np.column_stack([distance, cdist(vectors, vectors[found.centres])])
    np.testing.assert_array_equal(found.owner, away.argmin(axis=1))


def test_of_many_items_candidates_are_the_worst_and_others_drawn(monkeypatch):
    monkeypatch.setattr(regions, "_MOST", 128)
    monkeypatch.setattr(regions, "_LEAST", 128)
    vectors = np.random.default_rng(6).normal(size=(3000, 3))
    distance = to_nearest(vectors, [0])
    found = uncovered(vectors, distance, lots(3000), 5)
    best = exhaustive(vectors, distance, 5)
    assert 0.95 * best[0] < found.gains[0] < best[0]
    assert found.gains.sum() > 0.95 * sum(best)
    candidates = regions._candidates(distance, lots(3000), 3)
    assert len(candidates) == len(set(candidates.tolist())) == 128
    assert set(np.argsort(-distance)[:32].tolist()) <= set(candidates.tolist())
    assert distance[candidates].mean() > distance.mean()


def test_what_is_covered_has_no_regions():
    vectors = clusters()
    found = uncovered(vectors, np.zeros(120), lots(120), 10)
    assert (len(found.centres), len(found.gains), found.owner.any()) == (0, 0, False)
    assert not len(uncovered(vectors, np.ones(120), lots(120), 0).centres)


def test_regions_move_with_the_items():
    vectors = clusters()
    order = np.random.default_rng(1).permutation(120)
    distance = to_nearest(vectors, [0, 1, 2])
    found = uncovered(vectors, distance, lots(120), 4)
    moved = uncovered(vectors[order] * 8 + 1000, distance[order] * 8, lots(120)[order], 4)
    np.testing.assert_array_equal(order[moved.centres], found.centres)
    np.testing.assert_array_equal(moved.owner, found.owner[order])


def test_progress_rises_to_its_end_and_can_stop_it():
    told, vectors = [], np.random.default_rng(3).normal(size=(3000, 2))

    def progress(done, total, label=""):
        told.append(done / total)
        if stop and done > 1000:
            raise Cancelled()

    stop = False
    uncovered(vectors, to_nearest(vectors, [0]), lots(3000), 3, progress)
    assert told == sorted(told)
    assert told[-1] == 1
    stop = True
    with pytest.raises(Cancelled):
        uncovered(vectors, to_nearest(vectors, [0]), lots(3000), 3, progress)
