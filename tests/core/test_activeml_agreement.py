"""Where both are exact and nothing is drawn, our picks are scikit-activeml's; see also COVERAGE, TYPICLUST and PROBCOVER."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from shortlist.core.scores.uncertainty import ENTROPY, LEAST_CONFIDENCE, MARGIN
from shortlist.core.selection.select import select
from shortlist.core.selection.strategies.diversity import Diversity
from shortlist.core.selection.strategies.weights import Weights
from shortlist.core.selection.strategy import Strategy
from shortlist.core.selection.values import Values

N = 300


def pool(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of four classes, and labels of which most are missing."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 4, N)
    vectors = 1.5 * np.eye(4, 6)[classes] + rng.normal(size=(N, 6))
    labels = np.full(N, np.nan)
    labels[:30] = classes[:30]
    return vectors, labels


def picks(strategy: Strategy, values: np.ndarray, labels: np.ndarray, n: int) -> list[int]:
    found = select([Values("it", strategy, values, np.ones(N, bool))], n, preselected=~np.isnan(labels))
    return found.rows.tolist()


def test_diversity_is_core_set():
    from skactiveml.pool import CoreSet

    vectors, labels = pool()
    theirs = CoreSet(random_state=0).query(vectors, labels, batch_size=60)
    assert picks(Diversity(type="DIVERSITY"), vectors, labels, 60) == theirs.tolist()


@pytest.mark.parametrize(
    ("score", "method"), [(MARGIN, "margin_sampling"), (ENTROPY, "entropy"), (LEAST_CONFIDENCE, "least_confident")]
)
def test_weights_on_a_score_is_uncertainty_sampling(score, method):
    from skactiveml.classifier import SklearnClassifier
    from skactiveml.pool import UncertaintySampling

    vectors, labels = pool()
    model = SklearnClassifier(LogisticRegression(), classes=np.arange(4), random_state=0).fit(vectors, labels)
    query = UncertaintySampling(method, random_state=0)
    theirs = query.query(vectors, labels, model, fit_clf=False, batch_size=40)
    assert picks(Weights(type="WEIGHTS"), score.compute(model.predict_proba(vectors)), labels, 40) == theirs.tolist()
