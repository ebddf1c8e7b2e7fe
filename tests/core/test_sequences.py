"""Sequences of consecutive frames: how videos are cut, how values are put together, and how picks are taken apart."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.core.errors import ShortlistError
from shortlist.core.schema import parse
from shortlist.core.selection.config import SelectionConfig
from shortlist.core.selection.constraints.budget import Budget
from shortlist.core.selection.select import Rule, select
from shortlist.core.selection.sequences import Sequences, entry_of, expanded, ranks, rule_of, sequences
from shortlist.core.selection.strategies.weights import Weights
from shortlist.core.selection.values import Amounts, ObjectVectors, Values

ALL = np.ones(7, bool)
NONE = np.zeros(7, bool)


def cut(videos, order, length, candidates=None, preselected=None) -> Sequences:
    n = len(videos)
    return sequences(
        np.array(videos),
        np.array(order),
        length,
        np.ones(n, bool) if candidates is None else np.array(candidates, bool),
        np.zeros(n, bool) if preselected is None else np.array(preselected, bool),
    )


def parts(found: Sequences) -> list[list[int]]:
    return [found.members[a:b].tolist() for a, b in zip(found.offsets, found.offsets[1:], strict=False)]


class TestCutting:
    def test_a_video_is_cut_from_its_start_in_its_order(self):
        found = cut([0] * 7, [6, 5, 4, 3, 2, 1, 0], 3)
        assert parts(found) == [[3, 2, 1], [6, 5, 4]]
        assert found.left_over == 1
        assert found.candidates.all()

    def test_no_sequence_goes_over_two_videos(self):
        assert parts(cut([0, 1, 0, 1, 0, 1, 1], range(7), 2)) == [[0, 2], [1, 3], [5, 6]]
        assert cut([0, 1, 0, 1, 0, 1, 1], range(7), 2).left_over == 1

    def test_no_sequence_has_a_gap(self):
        found = cut([0] * 7, range(7), 2, candidates=[1, 1, 1, 0, 1, 1, 1])
        assert parts(found) == [[0, 1], [4, 5]]
        assert found.left_over == 2

    def test_the_datapool_is_cut_apart_and_kept_whole(self):
        found = cut([0] * 7, range(7), 2, candidates=[1, 1, 0, 0, 0, 1, 1], preselected=[0, 0, 1, 1, 1, 0, 0])
        assert parts(found) == [[0, 1], [2, 3], [4], [5, 6]]
        assert found.preselected.tolist() == [False, True, True, False]
        assert found.candidates.tolist() == [True, False, False, True]
        assert found.left_over == 0

    def test_rows_of_no_video_are_in_no_sequence(self):
        found = cut([-1, 0, 0], range(3), 1)
        assert (parts(found), found.left_over) == ([[1], [2]], 1)

    def test_nothing_to_cut(self):
        found = cut([-1, -1], [0, 0], 2)
        assert (len(found), found.left_over) == (0, 2)
        assert len(cut([0, 0], [0, 1], 3)) == 0

    @given(
        st.lists(st.tuples(st.integers(-1, 2), st.integers(0, 9), st.integers(0, 2)), min_size=1, max_size=40),
        st.integers(1, 4),
    )
    @settings(deadline=None)
    def test_every_candidate_is_in_one_sequence_or_left_over(self, rows, length):
        videos, order, kind = (np.array(column) for column in zip(*rows, strict=True))
        candidates, preselected = kind == 1, kind == 2
        found = sequences(videos, order, length, candidates, preselected)
        assert len(set(found.members.tolist())) == len(found.members)
        assert found.left_over == candidates.sum() - candidates[found.members].sum()
        every = np.lexsort((np.arange(len(videos)), order))
        firsts = []
        for place, part in enumerate(parts(found)):
            firsts.append(min(part))
            assert len(set(videos[part])) == 1
            assert len(set(kind[part])) == 1
            assert found.candidates[place] != found.preselected[place]
            assert len(part) == length if found.candidates[place] else len(part) <= length
            # What is between the first and the last of a sequence, in the order of its video, is the sequence.
            own = [row for row in every if videos[row] == videos[part[0]]]
            start = own.index(part[0])
            assert own[start : start + len(part)] == part
        assert firsts == sorted(firsts)


def entry(values, present=None, kind="WEIGHTS", beside=None) -> Values:
    strategy = Weights(type="WEIGHTS")
    n = len(values)
    return Values(
        kind, strategy, values, np.ones(n, bool) if present is None else np.array(present, bool), beside or {}
    )


class TestValues:
    FOUND = cut([0] * 4 + [-1], range(5), 2)

    def test_numbers_are_averaged_and_costs_added_up(self):
        numbers = np.array([1.0, 3.0, 5.0, 9.0, 100.0])
        assert entry_of(self.FOUND, entry(numbers)).values.tolist() == [2, 7]
        budget = Budget.model_validate({"type": "BUDGET", "input": {"type": "METADATA", "key": "a"}, "maximum": 1.0})
        numbers[1] = np.nan
        assert rule_of(self.FOUND, Rule(budget, numbers, np.ones(5, bool))).values.tolist() == [1, 14]

    def test_vectors_are_averaged(self):
        vectors = np.arange(10, dtype=np.float32).reshape(5, 2)
        found = entry_of(self.FOUND, entry(vectors)).values
        assert found.dtype == np.float32
        assert found.tolist() == [[1, 2], [5, 6]]

    def test_amounts_are_added_up(self):
        amounts = Amounts(("a", "b"), sparse.csr_array([[1, 0], [1, 0.5], [0, 0], [0, 2], [9, 9]]))
        found = entry_of(self.FOUND, entry(amounts)).values
        assert found.names == ("a", "b")
        assert found.matrix.toarray().tolist() == [[2, 0.5], [0, 2]]

    def test_objects_are_put_together(self):
        vectors = ObjectVectors(np.arange(6.0)[:, None], np.array([0, 2, 2, 3, 5, 6]))
        found = entry_of(self.FOUND, entry(vectors)).values
        assert found.vectors.ravel().tolist() == [0, 1, 2, 3, 4]
        assert found.offsets.tolist() == [0, 2, 5]

    def test_a_value_is_there_where_all_rows_have_one(self):
        assert entry_of(self.FOUND, entry(np.ones(5), [1, 1, 1, 0, 1])).present.tolist() == [True, False]

    def test_what_is_beside_comes_along(self):
        query = np.ones((3, 2))
        found = entry_of(self.FOUND, entry(np.ones(5), beside={"weight": np.arange(5.0), "query": query}))
        assert found.beside["weight"].tolist() == [0.5, 2.5]
        assert found.beside["query"] is query

    def test_a_limit_on_the_sum_stays_one_on_the_sum_of_the_rows(self):
        strategy = Weights(type="WEIGHTS", stopping_condition_max_sum=20.0)
        found = entry_of(self.FOUND, Values("a", strategy, np.array([4.0, 6.0, 1.0, 2.0, 0.0]), np.ones(5, bool)))
        picked = expanded(self.FOUND, select([found], 2))
        # 10 + 3 <= 20, though the means are 5 and 1.5.
        assert picked.rows.tolist() == [0, 1, 2, 3]
        strict = strategy.model_copy(update={"stopping_condition_max_sum": 12.0})
        found = entry_of(self.FOUND, Values("a", strict, np.array([4.0, 6.0, 1.0, 2.0, 0.0]), np.ones(5, bool)))
        assert expanded(self.FOUND, select([found], 2)).rows.tolist() == [0, 1]

    def test_probabilities_of_one_label_are_not_those_of_a_sequence(self):
        config = {
            "n_samples": 1,
            "strategies": [
                {
                    "input": {"type": "PREDICTIONS", "task": "p", "name": "PASSES", "further_tasks": ["q"]},
                    "strategy": {"type": "BATCHBALD"},
                }
            ],
        }
        strategy = parse(SelectionConfig, config).strategies[0].strategy
        values = Values("BATCHBALD of p", strategy, np.full((5, 2, 2), 0.5), np.ones(5, bool))
        with pytest.raises(ShortlistError, match=r"^BATCHBALD of p is about single samples"):
            entry_of(self.FOUND, values)


class TestTakingApart:
    def test_ranks_go_on_and_reasons_are_shared(self):
        found = cut([0] * 5 + [1] * 2, range(7), 2)
        selection = select([entry_of(found, entry(np.array([1.0, 1, 4, 4, 9, 6, 7])))], 2)
        whole = expanded(found, selection)
        assert whole.rows.tolist() == [5, 6, 2, 3]
        assert whole.gains.ravel().tolist() == [6.5, 6.5, 4, 4]
        assert whole.deciding.tolist() == [0, 0, 0, 0]
        assert whole.eligible == 6
        assert whole.left_out == {"in no whole sequence of 2": 1}

    def test_the_nearest_is_a_row_again(self):
        found = cut([0] * 4, range(4), 2)
        vectors = np.array([[0.0], [0], [5], [5]], np.float32)
        diverse = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}
        strategy = parse(SelectionConfig, {"n_samples": 1, "strategies": [diverse]}).strategies[0].strategy
        whole = expanded(found, select([entry_of(found, Values("d", strategy, vectors, np.ones(4, bool)))], 2))
        assert sorted(whole.neighbors.tolist()) == [-1, -1, *[whole.rows[0]] * 2]
        assert whole.distances[2:].tolist() == [5, 5]

    def test_nothing_picked(self):
        found = cut([0] * 4, range(4), 2)
        whole = expanded(found, select([entry_of(found, entry(np.ones(4)))], 0))
        assert whole.rows.tolist() == []
        assert whole.gains.shape == (0, 1)

    def test_length_one_is_a_selection_of_rows(self):
        values = np.random.default_rng(0).random(20)
        found = cut([0] * 20, range(20), 1)
        whole = expanded(found, select([entry_of(found, entry(values))], 7))
        np.testing.assert_array_equal(whole.rows, select([entry(values)], 7).rows)


def test_ranks_are_dense():
    assert ranks([3.5, None, 1.0, 3.5, 2.0]).tolist() == [2, -1, 0, 2, 1]
    assert ranks([]).tolist() == []
