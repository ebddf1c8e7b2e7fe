"""BADGE beside gradients written down, beside scikit-activeml, and its potential beside plain k-means++ seeding."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ttest_ind
from sklearn.metrics import pairwise_distances

from shortlist.core.selection.engine.greedy import greedy
from shortlist.core.selection.engine.run import Term
from shortlist.core.selection.strategies.badge import Badge
from shortlist.core.selection.strategy import Pool

from .common import Timing, aim, embeddings, has, least, peak_allocated, table, timed

COLUMNS = ("n x (K x d)", "k", "CPU s", "wall s", "aim", "met", "peer", "peer CPU s", "ratio")
DIMENSIONS, PICKS = 512, 1000
# The rows of the materialised version that are timed: all gradients would take 10 or 100 GB.
ROWS_WRITTEN_DOWN = {100: 1000, 1000: 200}
AIMED_FROM = 50_000


def run(size: int | None = None) -> None:
    """Runs the bench at 50 000 rows, or at one size."""
    n = size or AIMED_FROM
    lines, shares = [], []
    for n_classes in (100, 1000):
        vectors, probabilities = _pool(n, DIMENSIONS, n_classes)
        k = min(PICKS, n // 2)
        ours = least([timed(partial(_drawn, vectors, probabilities, k))[1] for _ in range(2)])
        theirs = _written_down(vectors, probabilities, k)
        verdict = aim(ours.cpu, high=1, unit=" s") if n >= AIMED_FROM and n_classes == 100 else ("-", "-")
        shape = f"{n:,} x ({n_classes} x {DIMENSIONS})"
        lines.append(_line(shape, k, ours, verdict, "materialised (est)", theirs))
        inputs = vectors.nbytes + probabilities.nbytes
        share = 1 + peak_allocated(partial(_drawn, vectors, probabilities, k)) / inputs
        shares.append([shape, f"{share:.2f}", *aim(share, high=3)])
    if has("skactiveml"):
        lines.append(_beside_scikit_activeml())
    table("badge: float32", COLUMNS, lines)
    table("badge: memory with the inputs / inputs", ("n x (K x d)", "share", "aim", "met"), shares)
    _potentials()


def _line(shape: str, k: int, ours: Timing, verdict: tuple[str, str], peer: str, theirs: Timing) -> list[Any]:
    ratio = f"{theirs.cpu / ours.cpu:,.0f}"
    return [shape, k, f"{ours.cpu:.3f}", f"{ours.wall:.3f}", *verdict, peer, f"{theirs.cpu:,.1f}", ratio]


def _pool(n: int, d: int, n_classes: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors, and probabilities of all degrees of sureness."""
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((n, n_classes), dtype=np.float32) * 4 * rng.random((n, 1), dtype=np.float32)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=1, keepdims=True)
    return embeddings(n, d, seed), logits


def _drawn(vectors: NDArray, probabilities: NDArray, k: int, seed: int = 0) -> NDArray[np.int64]:
    everyone = np.arange(len(vectors))
    pool = Pool(everyone, n=k, seed=seed, beside={"probabilities": probabilities})
    return greedy([Term(Badge(type="BADGE").gains(vectors, pool))], everyone, k).rows


def _gradients(vectors: NDArray, probabilities: NDArray) -> NDArray:
    outer = probabilities - np.eye(probabilities.shape[1], dtype=probabilities.dtype)[probabilities.argmax(axis=1)]
    return (outer[:, :, None] * vectors[:, None]).reshape(len(vectors), -1)


def _written_down(vectors: NDArray, probabilities: NDArray, k: int, steps: int = 3) -> Timing:
    """The authors' shape: all gradients, and distances to the last pick at each step; timed on some rows and steps."""
    n_rows = min(len(vectors), ROWS_WRITTEN_DOWN[probabilities.shape[1]])
    found = _gradients(vectors[:n_rows], probabilities[:n_rows])

    def work() -> None:
        near = np.full(n_rows, np.inf)
        row = 0
        for _ in range(steps):
            near = np.minimum(near, pairwise_distances(found, found[row : row + 1]).ravel() ** 2)
            row = int(near.argmax())

    return timed(work)[1].times(k / steps * len(vectors) / n_rows)


def _beside_scikit_activeml(n: int = 2000, d: int = 64, n_classes: int = 10, k: int = 100) -> list[Any]:
    """A small pool: theirs writes gradients down."""
    from skactiveml.classifier import SklearnClassifier
    from skactiveml.pool import Badge as Theirs
    from sklearn.linear_model import LogisticRegression

    vectors = embeddings(n, d).astype(np.float64)
    truth = np.argmax(vectors @ np.random.default_rng(1).normal(size=(d, n_classes)), axis=1)
    model = SklearnClassifier(LogisticRegression(max_iter=200), classes=list(range(n_classes)))
    model.fit(vectors[:200], truth[:200])
    unknown = np.full(n, np.nan)
    strategy = Theirs(random_state=0)
    theirs = timed(lambda: strategy.query(vectors, unknown, clf=model, fit_clf=False, batch_size=k))[1]
    probabilities = model.predict_proba(vectors)
    ours = least([timed(partial(_drawn, vectors, probabilities, k))[1] for _ in range(3)])
    return _line(f"{n:,} x ({n_classes} x {d})", k, ours, ("-", "-"), "scikit-activeml", theirs)


def _potentials(n: int = 2000, k: int = 40, n_seeds: int = 40) -> None:
    """The squared distances left over, beside k-means++ seeding as it is written in the paper."""
    vectors, probabilities = _pool(n, 8, 5)
    found = _gradients(vectors.astype(np.float64), probabilities.astype(np.float64))
    ours = [_potential(found, _drawn(vectors, probabilities, k, seed)) for seed in range(n_seeds)]
    plain = [_potential(found, _plain(found, k, 10_000 + seed)) for seed in range(n_seeds)]
    p_value = float(ttest_ind(ours, plain, equal_var=False).pvalue)
    rows = [[n_seeds, f"{np.mean(ours):.4g}", f"{np.mean(plain):.4g}", f"{p_value:.2f}", *aim(p_value, low=0.01)]]
    table("badge: k-means++ potential", ("seeds", "ours", "plain", "p of a t-test", "aim", "met"), rows)


def _plain(found: NDArray, k: int, seed: int) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    picks = [int((found**2).sum(axis=1).argmax())]
    near = ((found - found[picks[0]]) ** 2).sum(axis=1)
    while len(picks) < k:
        picks.append(int(rng.choice(len(found), p=near / near.sum())))
        near = np.minimum(near, ((found - found[picks[-1]]) ** 2).sum(axis=1))
    return np.array(picks)


def _potential(found: NDArray, picks: NDArray[np.int64]) -> float:
    return float(pairwise_distances(found, found[picks], metric="sqeuclidean").min(axis=1).sum())
