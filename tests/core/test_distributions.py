"""Classes, categories and numbers by set: hand-worked, against SciPy, and on any input."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import entropy

from shortlist.core.analysis.distributions import OTHERS, distribution_of, entropy_of, numbers_of, total_variation
from shortlist.core.analysis.report import Distribution
from shortlist.core.analysis.sets import Sets
from shortlist.core.selection.values import Amounts


def amounts(names: str, rows: list[list[float]]) -> Amounts:
    return Amounts(tuple(names), sparse.csr_array(np.array(rows, float).reshape(len(rows), len(names))))


def sets(n: int, selected: list[int], datapool: list[int] | None = None, draws: int = 20) -> Sets:
    return Sets.of(np.arange(n), np.array(selected), np.array(datapool or [], np.int64), draws, seed=0)


# Four samples: two cats, a dog, and a picture of two cats and a dog.
PETS = amounts("dc", [[0, 1], [0, 1], [1, 0], [1, 2]])


def classes(values: Amounts, chosen: Sets, **more) -> Distribution:
    return distribution_of(values, chosen, source="labels", kind="classes", **more)


def test_hand_worked():
    found = classes(PETS, sets(4, [2, 3]))
    given, selected = found.sets["input"], found.sets["selected"]

    assert found.categories == ["c", "d"]
    assert (given.counts, given.total, given.present, given.imbalance) == ([4, 2], 6, 2, 2)
    assert (selected.counts, selected.entropy, selected.effective, selected.imbalance) == ([2, 2], 1, 2, 1)
    assert (given.distance_to_input, given.distance_to_uniform) == (0, pytest.approx(1 / 6))
    assert (selected.distance_to_input, selected.distance_to_uniform) == (pytest.approx(1 / 6), 0)
    assert (found.target, selected.distance_to_target, found.left_out, found.pooled) == (None, None, 0, 0)


@settings(max_examples=60, deadline=None)
@given(arrays(np.float64, (6, 4), elements=st.integers(0, 5).map(float)), st.sets(st.integers(0, 5), min_size=1))
def test_entropies_and_distances_are_those_of_scipy_and_numpy(matrix, chosen):
    found = classes(Amounts(tuple("wxyz"), sparse.csr_array(matrix)), sets(6, sorted(chosen)))
    kept = [place for place in range(4) if matrix[:, place].sum()]
    assert sorted(found.categories) == sorted("wxyz"[place] for place in kept)
    for shares, rows in ((found.sets["input"], range(6)), (found.sets["selected"], sorted(chosen))):
        counts = matrix[list(rows)][:, kept].sum(axis=0)
        if not counts.sum():
            assert (shares.entropy, shares.effective, shares.imbalance, shares.distance_to_input) == (None,) * 4
            continue
        assert sorted(shares.counts) == sorted(counts)
        assert shares.effective == pytest.approx(np.exp(entropy(counts)))
        assert shares.entropy == pytest.approx(entropy(counts, base=len(kept)) if len(kept) > 1 else 1)
        p, q = counts / counts.sum(), matrix[:, kept].sum(axis=0) / matrix.sum()
        assert shares.distance_to_input == pytest.approx(np.abs(p - q).sum() / 2)
        assert shares.distance_to_uniform == pytest.approx(np.abs(p - 1 / len(kept)).sum() / 2)
        assert shares.imbalance == (pytest.approx(counts.max() / counts.min()) if counts.min() else None)


def test_the_most_frequent_of_the_input_come_first_ties_by_name():
    found = classes(amounts("zabq", [[1, 2, 1, 0], [0, 1, 0, 0]]), sets(2, [0]))
    assert found.categories == ["a", "b", "z"]


def test_a_class_that_only_the_datapool_holds_counts():
    found = classes(amounts("ab", [[1, 0], [1, 0], [0, 1]]), sets(3, [0], datapool=[2]))
    assert found.categories == ["a", "b"]
    assert found.sets["datapool"].counts == [0, 1]
    assert found.sets["datapool_and_selected"].counts == [1, 1]
    assert (found.sets["input"].total, found.sets["input"].present) == (2, 1)


def test_a_target_leaves_the_rest_to_all_others_together():
    values = amounts("abc", [[1, 0, 0], [0, 3, 0], [0, 0, 1]])
    found = classes(values, sets(3, [0, 2]), target={"a": 0.5})
    # b and c share the rest as in the input: 3 to 1.
    assert dict(zip(found.categories, found.target, strict=True)) == {"a": 0.5, "b": 0.375, "c": 0.125}
    # Half of what is selected is a, half is others: how these are split is not asked for.
    assert found.sets["selected"].distance_to_target == 0
    assert found.sets["input"].distance_to_target == pytest.approx(0.3)


def test_a_class_that_is_asked_for_and_not_there():
    found = classes(amounts("a", [[1], [1]]), sets(2, [0]), target={"a": 0.5, "unicorn": 0.5})
    assert (found.categories, found.target) == (["a", "unicorn"], [0.5, 0.5])
    selected = found.sets["selected"]
    assert (selected.counts, selected.present, selected.imbalance) == ([1, 0], 1, None)
    assert selected.distance_to_target == 0.5


@pytest.mark.parametrize(("target", "shares"), [("UNIFORM", [0.5, 0.5]), ("INPUT", [4 / 6, 2 / 6])])
def test_a_target_that_follows_from_the_input(target, shares):
    found = classes(PETS, sets(4, [2, 3]), target=target)
    assert found.target == pytest.approx(shares)
    same = {"UNIFORM": "distance_to_uniform", "INPUT": "distance_to_input"}[target]
    assert found.sets["selected"].distance_to_target == getattr(found.sets["selected"], same)


def test_of_very_many_only_the_most_frequent_are_named_and_all_are_measured():
    names = tuple(f"{place:03d}" for place in range(120))
    counts = np.arange(120, 0, -1.0)
    values = Amounts(names, sparse.csr_array(np.stack([counts, np.eye(120)[119]])))
    found = distribution_of(values, sets(2, [0]), source="city", kind="categories", target={"119": 0.1})
    # The target names one of the rarest, so nothing before it can go.
    assert len(found.categories) == 120

    found = distribution_of(values, sets(2, [0]), source="city", kind="categories")
    assert found.categories == [*names[:50], OTHERS]
    assert found.pooled == 70
    selected = found.sets["selected"]
    assert selected.counts[-1] == counts[50:].sum()
    assert selected.present == 120
    assert selected.entropy == pytest.approx(entropy(counts, base=120))
    assert sum(one.mean for one in found.random.shares) == pytest.approx(1)


def test_a_single_one_more_is_named():
    values = Amounts(tuple(f"{place:02d}" for place in range(51)), sparse.csr_array(np.ones((1, 51))))
    found = distribution_of(values, sets(1, [0]), source="city", kind="categories")
    assert (len(found.categories), found.pooled) == (51, 0)


def test_random_selections_of_one_label_each_have_the_shares_that_they_drew():
    # One of two samples is drawn: a or b.
    found = classes(amounts("ab", [[1, 0], [0, 1]]), sets(2, [0], draws=200))
    shares = found.random.shares[0]
    assert set(shares.draws) == {0.0, 1.0}
    assert shares.mean == pytest.approx(0.5, abs=0.15)
    assert (found.random.present.mean, found.random.entropy.mean) == (1, 0)
    assert set(found.random.distance_to_input.draws) == {0.5}


def test_random_selections_without_any_label_have_no_part():
    found = classes(amounts("a", [[1], [0]]), sets(2, [0], draws=40))
    assert 0 < len(found.random.shares[0].draws) < 40
    assert set(found.random.shares[0].draws) == {1.0}


def test_nothing_at_all():
    found = classes(amounts("", [[], []]), sets(2, [0]), target={"a": 1.0}, left_out=2)
    assert (found.categories, found.random, found.left_out) == (["a"], None, 2)
    assert found.sets["selected"].entropy is None
    found = classes(amounts("", [[], []]), sets(2, [0]))
    assert (found.categories, found.sets["input"].counts, found.target) == ([], [], None)


def test_one_class_alone_is_as_even_as_can_be():
    found = classes(amounts("a", [[1], [2]]), sets(2, [0]))
    assert (found.sets["selected"].entropy, found.sets["selected"].effective) == (1, 1)


def test_the_measures_of_parts():
    assert entropy_of(np.zeros(3)) is None
    assert entropy_of(np.array([5.0])) == 0
    assert total_variation(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 1


def test_numbers_by_set():
    values = np.array([0.0, 0.5, 1.0, np.nan])
    found = numbers_of(values, sets(4, [2, 3]), source="score", left_out=1)
    assert (found.edges[0], found.edges[-1], found.left_out) == (0, 1, 1)
    assert (found.sets["input"].count, found.sets["input"].mean, found.sets["input"].median) == (3, 0.5, 0.5)
    assert (found.sets["selected"].count, found.sets["selected"].mean) == (1, 1)
    assert sum(found.sets["input"].histogram) == 3
    # Some draws of two hold one number only.
    assert found.random.count == 1


def test_few_whole_numbers_have_a_bin_each():
    found = numbers_of(np.array([1.0, 3.0, 3.0]), sets(3, [0]), source="objects")
    assert found.edges == [0.5, 1.5, 2.5, 3.5]
    assert found.sets["input"].histogram == [1, 0, 2]


def test_no_numbers():
    found = numbers_of(np.full(2, np.nan), sets(2, [0]), source="score")
    assert (found.sets["input"].mean, found.random, found.sets["input"].count) == (None, None, 0)
