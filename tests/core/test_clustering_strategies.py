"""KMEANS, TYPICLUST and CLUSTER_MARGIN: one pick from each cluster."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from shortlist.core.errors import ShortlistError
from shortlist.core.schema import parse
from shortlist.core.selection.engine.greedy import greedy
from shortlist.core.selection.engine.run import Term
from shortlist.core.selection.inputs import Scores
from shortlist.core.selection.parts import clusters as module
from shortlist.core.selection.select import select
from shortlist.core.selection.strategies.cluster_margin import ClusterMargin
from shortlist.core.selection.strategies.kmeans import KMeans
from shortlist.core.selection.strategies.typiclust import TypiClust, typical, typicality
from shortlist.core.selection.strategies.weights import Weights
from shortlist.core.selection.strategy import Pool, Strategy
from shortlist.core.selection.values import Values

SCORE = Scores(type="SCORES", field="unsure")
PLAIN = (KMeans(type="KMEANS"), TypiClust(type="TYPICLUST"))
EVERY = (*PLAIN, KMeans(type="KMEANS", weight=SCORE), ClusterMargin(type="CLUSTER_MARGIN", weight=SCORE))

every_plain = pytest.mark.parametrize("strategy", PLAIN, ids=lambda one: one.type)
every_one = pytest.mark.parametrize("strategy", EVERY, ids=["KMEANS", "TYPICLUST", "KMEANS weighted", "CLUSTER_MARGIN"])


def entry(strategy: Strategy, vectors: np.ndarray, weights: np.ndarray | None = None) -> Values:
    weighs = getattr(strategy, "weight", None) is not None
    own = {"weight": np.ones(len(vectors)) if weights is None else weights} if weighs else {}
    return Values(strategy.type, strategy, vectors, np.ones(len(vectors), bool), own)


def blobs(sizes: list[int], spread: float = 0.3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Well separated groups of so many rows, and which group each row is of."""
    rng = np.random.default_rng(seed)
    owner = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    centres = 20 * np.eye(len(sizes))
    return (centres[owner] + spread * rng.normal(size=(len(owner), len(sizes)))).astype(np.float32), owner


# All of them ----------------------------------------------------------------------------------------------------------


@every_one
def test_every_group_has_one_pick(strategy):
    vectors, owner = blobs([40, 30, 20, 10])
    assert sorted(owner[select([entry(strategy, vectors)], 4).rows]) == [0, 1, 2, 3]


@every_plain
def test_the_largest_group_is_first(strategy):
    vectors, owner = blobs([40, 30, 20, 10])
    assert owner[select([entry(strategy, vectors)], 4).rows].tolist() == [0, 1, 2, 3]


@every_plain
def test_a_group_of_which_the_datapool_holds_one_has_a_pick_already(strategy):
    vectors, owner = blobs([40, 30, 20, 10])
    datapool = np.zeros(100, bool)
    datapool[np.flatnonzero(owner == 0)[0]] = True
    picks = select([entry(strategy, vectors)], 3, preselected=datapool).rows
    assert owner[picks].tolist() == [1, 2, 3]


@every_one
@pytest.mark.parametrize("products", [5_000_000, 1000])
def test_picks_do_not_depend_on_the_order_of_the_rows(monkeypatch, strategy, products):
    monkeypatch.setattr(module, "_PRODUCTS", products)
    vectors, _ = blobs([200, 60, 60, 30], spread=3.0)
    weights, order = np.random.default_rng(5).random(350), np.random.default_rng(6).permutation(350)
    picks = select([entry(strategy, vectors, weights)], 30, seed=4).rows
    again = select([entry(strategy, vectors[order], weights[order])], 30, seed=4).rows
    np.testing.assert_array_equal(order[again], picks)


@every_one
def test_the_whole_pool_can_be_picked(strategy):
    vectors, _ = blobs([5, 4, 3])
    assert sorted(select([entry(strategy, vectors)], 12).rows) == list(range(12))
    assert len(set(select([entry(strategy, vectors)], 11, preselected=np.arange(12) == 4).rows)) == 11


@every_one
def test_it_mixes_with_a_score(strategy):
    vectors, owner = blobs([40, 40, 40, 40])
    score = np.random.default_rng(0).random(160)
    wanted = Values("score", Weights(type="WEIGHTS"), score, np.ones(160, bool))
    alone = select([entry(strategy, vectors)], 8).rows
    mixed = select([entry(strategy, vectors), wanted], 8).rows
    assert len(set(owner[mixed])) == 4
    assert score[mixed].mean() > score[alone].mean()


@every_one
def test_words_name_the_input(strategy):
    assert "`clip`" in strategy.words("`clip`")
    assert ("`unsure`" in strategy.words("`clip`")) == (getattr(strategy, "weight", None) is not None)


# KMEANS ---------------------------------------------------------------------------------------------------------------


def test_kmeans_picks_what_is_nearest_to_the_centres():
    vectors, owner = blobs([40, 30, 20])
    for row in select([entry(KMeans(type="KMEANS"), vectors)], 3).rows:
        members = np.flatnonzero(owner == owner[row])
        distance = np.linalg.norm(vectors[members] - vectors[members].mean(axis=0), axis=1)
        assert row == members[distance.argmin()]


def test_weighted_kmeans_picks_at_the_weighted_centres_of_the_highest_weights():
    # Two pairs of heavy rows and many light ones; in each pair one row weighs nearly all.
    vectors = np.concatenate([[[0, 0], [1, 0], [10, 0], [11, 0]], np.full((50, 2), 5.0)]).astype(np.float32)
    weights = np.concatenate([[9, 1.5, 1.2, 8], np.full(50, 0.01)])
    strategy = KMeans(type="KMEANS", weight=SCORE, candidates_per_pick=2)
    selection = select([entry(strategy, vectors, weights)], 2)
    assert selection.rows.tolist() == [0, 3]
    assert select([entry(strategy, vectors, 1e-7 * weights)], 2).rows.tolist() == [0, 3]


def test_weighted_kmeans_refuses_negative_weights():
    with pytest.raises(ShortlistError, match="weight of KMEANS must be >= 0"):
        select([entry(EVERY[2], blobs([5, 5])[0], -np.ones(10))], 2)


# TYPICLUST ------------------------------------------------------------------------------------------------------------


def test_typicality_is_one_over_the_mean_distance_to_the_nearest():
    vectors = np.random.default_rng(0).normal(size=(60, 5))
    nearest = np.sort(cdist(vectors, vectors), axis=1)[:, 1:8]
    np.testing.assert_allclose(typicality(vectors, 7, lambda *_: None), 1 / nearest.mean(axis=1), rtol=1e-4)
    assert typicality(vectors[:1], 7, lambda *_: None).tolist() == [1]


@pytest.mark.parametrize("labeled", [[], [3, 50]])
def test_given_the_clusters_typiclust_picks_what_scikit_activeml_picks(labeled):
    from skactiveml.pool import TypiClust as Theirs

    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(200, 6)).astype(np.float32)
    clusters = np.repeat(np.arange(8), [50, 40, 30, 25, 20, 15, 12, 8])

    class Given:
        def __init__(self, n_clusters: int):
            self.n_clusters = n_clusters

        def fit_predict(self, _) -> np.ndarray:
            return clusters

    labels = np.full(200, np.nan)
    labels[labeled] = 0
    n = 8 - len(set(clusters[labeled]))
    theirs = Theirs(cluster_algo=Given, k=5, random_state=0).query(vectors, labels, batch_size=n)
    free = np.setdiff1d(np.arange(200), labeled)
    gains = typical(vectors, clusters, 5, Pool(free, np.array(labeled, np.int64), n))
    assert greedy([Term(gains)], free, n).rows.tolist() == theirs.tolist()


def test_outliers_in_clusters_of_their_own_wait_for_the_second_round():
    vectors, owner = blobs([60, 50, 2, 1])
    gains = typical(vectors, owner, 5, Pool(np.arange(113), n=6))
    assert owner[greedy([Term(gains)], np.arange(113), 6).rows].tolist() == [0, 1, 0, 1, 2, 3]
    # Where all clusters are small, none is an outlier.
    vectors, owner = blobs([4, 3, 3, 2])
    gains = typical(vectors, owner, 5, Pool(np.arange(12), n=4))
    assert owner[greedy([Term(gains)], np.arange(12), 4).rows].tolist() == [0, 1, 2, 3]


def test_no_more_clusters_than_the_maximum():
    vectors, owner = blobs([40, 30, 20, 10])
    picks = select([entry(TypiClust(type="TYPICLUST", max_clusters=4), vectors)], 8).rows
    assert owner[picks].tolist() == [0, 1, 2, 3, 0, 1, 2, 3]


# CLUSTER_MARGIN -------------------------------------------------------------------------------------------------------


def test_cluster_margin_takes_the_highest_of_each_cluster_the_smallest_cluster_first():
    vectors, owner = blobs([40, 30, 20, 10])
    weights = np.random.default_rng(0).random(100)
    strategy = ClusterMargin(type="CLUSTER_MARGIN", weight=SCORE, candidates_per_pick=25)
    picks = select([entry(strategy, vectors, weights)], 4).rows
    highest = [int(np.where(owner == group, weights, -1).argmax()) for group in (3, 2, 1, 0)]
    assert picks.tolist() == highest
    # Only the order and the ratio of gaps between weights count.
    np.testing.assert_array_equal(select([entry(strategy, vectors, 5 * weights - 3)], 4).rows, picks)


def test_cluster_margin_looks_at_the_highest_weights_only_and_at_others_last():
    vectors, owner = blobs([40, 30, 20, 10])
    weights = np.where(owner == 0, 1.0, 0.0) + 0.1 * np.random.default_rng(0).random(100)
    strategy = ClusterMargin(type="CLUSTER_MARGIN", weight=SCORE, candidates_per_pick=10)
    picks = select([entry(strategy, vectors, weights)], 4).rows
    assert set(owner[picks]) == {0}
    few = ClusterMargin(type="CLUSTER_MARGIN", weight=SCORE, candidates_per_pick=1)
    only = select([entry(few, vectors, weights)], 5, candidates=weights > np.sort(weights)[-7]).rows
    assert sorted(only) == np.sort(np.argsort(-weights)[:5]).tolist()


def test_cluster_margin_must_be_given_a_weight():
    with pytest.raises(ShortlistError, match="weight must be given"):
        parse(ClusterMargin, {"type": "CLUSTER_MARGIN"})
