"""Why a row was not picked, against selections that are run through by hand or by definition."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sparse
from scipy.spatial.distance import cdist

from shortlist.core.errors import Cancelled, ShortlistError
from shortlist.core.selection import explain as module
from shortlist.core.selection.constraints.max_per_group import MaxPerGroup
from shortlist.core.selection.constraints.minimum_distance import MinimumDistance
from shortlist.core.selection.constraints.per_class import PerClass
from shortlist.core.selection.engine.greedy import greedy
from shortlist.core.selection.explain import why_not
from shortlist.core.selection.reasons import Reason
from shortlist.core.selection.select import Rule, prepare, select
from shortlist.core.selection.strategies.coverage import Coverage
from shortlist.core.selection.strategies.diversity import Diversity
from shortlist.core.selection.strategies.threshold import Threshold
from shortlist.core.selection.strategies.weights import Weights
from shortlist.core.selection.values import Amounts, Values


def diversity(vectors: np.ndarray, strength: float = 1.0, present: np.ndarray | None = None) -> Values:
    there = np.ones(len(vectors), bool) if present is None else present
    return Values("DIVERSITY of clip", Diversity(type="DIVERSITY", strength=strength), vectors, there)


def weights(values, strength: float = 1.0) -> Values:
    values = np.asarray(values, float)
    return Values("WEIGHTS of score", Weights(type="WEIGHTS", strength=strength), values, np.ones(len(values), bool))


def groups(of: list[str] | np.ndarray) -> Amounts:
    names, found = np.unique(of, return_inverse=True)
    return Amounts(tuple(names.tolist()), sparse.csr_array(np.eye(len(names))[found]))


def asked(entries, n, rows=None, **given) -> list[Reason]:
    selection = select(entries, n, **given)
    everyone = np.arange(len(entries[0].present)) if rows is None else rows
    return why_not(prepare(entries, n, **given), selection, everyone)


def test_by_one_number_the_last_pick_is_what_came_closest():
    reasons = asked([weights([5, 1, 4, 3, 2])], 2)
    assert [reason.outcome for reason in reasons] == ["picked", "outbid", "picked", "outbid", "outbid"]
    assert [reason.rank for reason in reasons] == [1, None, 2, None, None]
    assert [reason.row for reason in reasons] == [0, 1, 2, 3, 4]
    third = reasons[3]
    assert (third.closest, third.winner, third.against) == (2, 2, 0)
    assert (third.values.tolist(), third.winner_values.tolist(), third.next_values.tolist()) == ([3], [4], [3])
    assert [reasons[row].ahead for row in (3, 4, 1)] == [0, 1, 2]
    assert third.sentence() == (
        "It came closest as number 2, where WEIGHTS of score gave it 3 against 4 for the pick. It would be next."
    )
    assert reasons[1].sentence().endswith("As the next pick 2 others would come before it.")
    assert reasons[2].sentence() == "It was picked, as number 2."


def test_with_a_negative_strength_the_gain_is_told_as_it_is():
    reason = asked([weights([5, 1, 4, 3, 2], -1.0)], 2)[3]
    assert (reason.values.tolist(), reason.gains.tolist(), reason.closest) == ([-3], [3], 2)
    assert "gave it 3 against 2 for the pick" in reason.sentence()


def test_of_equals_the_first_is_picked_and_the_sentence_says_so():
    reasons = asked([weights([1, 1, 1])], 1)
    assert [reason.outcome for reason in reasons] == ["picked", "outbid", "outbid"]
    assert [reason.ahead for reason in reasons[1:]] == [0, 1]
    assert "worth as much as the pick; of equals the first is picked" in reasons[1].sentence()


def test_numbers_that_differ_little_are_told_with_more_digits():
    reason = asked([weights([1.00001, 1.0])], 1)[1]
    assert "gave it 1 against 1.00001 for the pick" in reason.sentence()


def test_by_distance_the_place_where_it_came_closest_is_found():
    vectors = np.array([[0.0], [10.0], [4.9], [5.2], [-6.0]])
    # From 4.9, next to the mean: then -6 (10.9 away), 10 (5.1), 0 (4.9).
    reasons = asked([diversity(vectors)], 4)
    assert [reasons[row].rank for row in (2, 4, 1, 0)] == [1, 2, 3, 4]
    reason = reasons[3]
    assert (reason.outcome, reason.closest, reason.winner) == ("outbid", 4, 0)
    np.testing.assert_allclose(reason.gains, [0.3], atol=1e-5)
    np.testing.assert_allclose(reason.winner_gains, [4.9], atol=1e-5)
    assert (reason.neighbor, reason.distance) == (2, pytest.approx(0.3, abs=1e-5))
    assert "The nearest that is picked or in the datapool is 0.3 away." in reason.sentence()


def test_a_first_pick_that_is_free_is_told_only_where_there_is_no_other():
    vectors = np.array([[0.0], [10.0], [4.9], [5.2]])
    reason = asked([diversity(vectors)], 1)[3]
    assert reason.closest == 1
    assert np.isnan(reason.gains).all()
    assert "It came closest as number 1" in reason.sentence()
    assert asked([diversity(vectors)], 2)[3].closest == 2


def by_definition(vectors, scores, terms, picks):
    """What every row is worth by strategy at every rank, (ranks, n, 2), all distances measured."""
    start = terms[0].gains.restart().upper
    found = []
    for rank in range(len(picks) + 1):
        distance = cdist(vectors, vectors[picks[:rank]]).min(axis=1) if rank else np.sqrt(start)
        found.append(np.stack([terms[0].scale.scaled(distance), terms[1].scale.scaled(scores)], axis=1))
    return np.array(found) * [term.strength for term in terms]


@pytest.mark.parametrize("strength", [1.0, -0.5])
@pytest.mark.parametrize("block", [3, 256])
def test_in_a_mixture_everything_is_as_measured_by_definition(monkeypatch, strength, block):
    monkeypatch.setattr(module, "_PICKS", block)
    rng = np.random.default_rng(0)
    vectors, scores = rng.normal(size=(80, 3)), rng.random(80)
    entries = [diversity(vectors), weights(scores, strength)]
    selection = select(entries, 20)
    worth = by_definition(vectors, scores, prepare(entries, 20).terms, selection.rows)
    reasons = why_not(prepare(entries, 20), selection, np.arange(80))
    unpicked = [reason for reason in reasons if reason.outcome == "outbid"]
    assert len(unpicked) == 60
    standing = np.array([worth[20, reason.row].sum() for reason in unpicked])
    for reason, own in zip(unpicked, standing, strict=True):
        total = worth.sum(axis=2)
        short = total[np.arange(1, 20), selection.rows[1:]] - total[1:20, reason.row]
        assert reason.closest == short.argmin() + 2
        at = reason.closest - 1
        assert reason.winner == selection.rows[at]
        np.testing.assert_allclose(reason.values, worth[at, reason.row], atol=1e-4)
        np.testing.assert_allclose(reason.winner_values, worth[at, reason.winner], atol=1e-4)
        np.testing.assert_allclose(reason.winner_values, selection.values[at], atol=1e-4)
        np.testing.assert_allclose(reason.winner_gains, selection.gains[at], atol=1e-4)
        assert reason.against == (reason.winner_values - reason.values).argmax()
        np.testing.assert_allclose(reason.next_values, worth[20, reason.row], atol=1e-4)
        assert reason.ahead == (standing > own).sum()
        distances = cdist(vectors[[reason.row]], vectors[selection.rows])[0]
        assert reason.neighbor == selection.rows[distances.argmin()]
        assert reason.distance == pytest.approx(distances.min(), abs=1e-5)


def test_a_sentence_of_a_mixture_names_what_cost_most():
    reason = Reason(
        3, "outbid", ["A", "B"], closest=5, winner=1, values=np.array([0.5, -0.25]), winner_values=np.array([0.75, 0.75]),
        gains=np.zeros(2), winner_gains=np.zeros(2), against=1,
    )  # fmt: skip
    assert (
        reason.sentence()
        == "It came closest as number 5, worth 0.25 against 1.5 for the pick; B cost it most (-0.25 against 0.75)."
    )


def test_a_moving_gain_with_negative_strength_is_followed():
    vectors = np.random.default_rng(1).normal(size=(40, 2))
    entries = [diversity(vectors, -1.0)]
    selection = select(entries, 6)
    reasons = why_not(prepare(entries, 6), selection, np.arange(40))
    left = [reason for reason in reasons if reason.outcome == "outbid"]
    nearest = cdist(vectors, vectors[selection.rows]).min(axis=1)
    order = sorted(left, key=lambda reason: nearest[reason.row])
    assert [reason.ahead for reason in order] == list(range(34))


def test_what_a_full_group_refuses_is_told_with_when_it_would_have_been_picked():
    # Scores fall with the row; a holds rows 0, 1, 2 and 5.
    rule = Rule(MaxPerGroup(type="MAX_PER_GROUP", key="video", maximum=2), groups(list("aaabba")), np.ones(6, bool))
    reasons = asked([weights([6, 5, 4, 3, 2, 1])], 3, rules=[rule])
    third, last = reasons[2], reasons[5]
    assert (third.outcome, third.why, third.since, third.missed) == ("refused", "at most 2 per video", 3, 3)
    assert third.sentence() == (
        "From number 3 on it was passed over: at most 2 per video. Otherwise it would have been number 3. "
        "It came closest as number 2, where WEIGHTS of score gave it 4 against 5 for the pick."
    )
    assert (last.outcome, last.since, last.missed, last.ahead) == ("refused", 3, None, None)
    assert reasons[4].outcome == "outbid"
    assert reasons[4].ahead == 0


def test_a_rule_that_stands_from_the_start_is_told_so():
    rule = Rule(MaxPerGroup(type="MAX_PER_GROUP", key="video", maximum=1), groups(list("aabb")), np.ones(4, bool))
    datapool = np.array([True, False, False, False])
    reasons = asked([weights([1, 9, 3, 2])], 1, rules=[rule], preselected=datapool)
    assert (
        reasons[1].sentence()
        == "It was passed over from the start: at most 1 per video. Otherwise it would have been number 1."
    )
    assert reasons[0].sentence() == "It could not be picked: it is in the datapool."
    assert reasons[1].closest is None


def test_what_was_full_only_after_the_last_pick_was_outbid():
    rule = Rule(MaxPerGroup(type="MAX_PER_GROUP", key="video", maximum=1), groups(list("aabb")), np.ones(4, bool))
    assert asked([weights([9, 1, 3, 2])], 1, rules=[rule])[1].outcome == "outbid"


def test_where_picks_ran_out_all_others_were_refused():
    rule = Rule(MaxPerGroup(type="MAX_PER_GROUP", key="video", maximum=1), groups(list("aabb")), np.ones(4, bool))
    reasons = asked([weights([9, 1, 3, 2])], 4, rules=[rule])
    assert [(reason.outcome, reason.since) for reason in reasons] == [
        ("picked", None), ("refused", 2), ("picked", None), ("refused", 3),
    ]  # fmt: skip


def test_a_minimum_distance_is_a_rule_of_its_own():
    vectors = np.array([[0.0], [10.0], [10.5], [20.0], [5.0]])
    everyone = np.ones(5, bool)
    rule = Rule(MinimumDistance(type="MINIMUM_DISTANCE", distance=1.0), vectors, everyone)
    reasons = asked([weights([1, 5, 4, 3, 2])], 3, rules=[rule], rows=[2, 0])
    assert [reason.row for reason in reasons] == [2, 0]
    assert (reasons[0].outcome, reasons[0].since, reasons[0].missed) == ("refused", 2, 2)
    assert reasons[0].why == "at least 1 from every pick"
    assert reasons[1].outcome == "outbid"


def test_picks_that_were_held_back_for_a_minimum_are_told():
    # Two b must be among three: after one a, only b may be picked, though a are worth more.
    least = PerClass(type="PER_CLASS", input={"type": "METADATA", "key": "kind"}, minimum={"b": 2})
    rule = Rule(least, groups(list("aaabb")), np.ones(5, bool))
    reasons = asked([weights([9, 8, 7, 2, 1])], 3, rules=[rule])
    assert [reason.rank for reason in reasons] == [1, None, None, 2, 3]
    assert (reasons[1].outcome, reasons[1].since, reasons[1].missed) == ("refused", 2, 2)
    assert (reasons[2].since, reasons[2].missed) == (2, 2)


def test_what_was_not_eligible_says_why():
    vectors = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])
    entries = [
        diversity(vectors, present=np.array([True, True, True, True, False])),
        Values(
            "THRESHOLD of score",
            Threshold(type="THRESHOLD", threshold=1.0),
            np.array([5, 0, 5, 5, 5.0]),
            np.ones(5, bool),
        ),
    ]
    rule = Rule(
        MinimumDistance(type="MINIMUM_DISTANCE", distance=0.1), vectors, np.array([True, True, False, True, True])
    )
    reasons = asked(entries, 1, candidates=np.array([False, True, True, True, True]), rules=[rule])
    assert [reason.why for reason in reasons] == [
        "not among the candidates",
        "beyond the THRESHOLD of score",
        "without a value for at least 0.1 apart in embeddings",
        "",
        "without a value for DIVERSITY of clip",
    ]
    assert reasons[1].sentence() == "It could not be picked: it is beyond the THRESHOLD of score."
    assert reasons[3].outcome == "picked"


def test_without_picks_there_is_nothing_to_lose_against():
    reasons = asked([weights([3, 2])], 0)
    assert [(reason.outcome, reason.closest, reason.ahead) for reason in reasons] == [
        ("outbid", None, 0),
        ("outbid", None, 1),
    ]
    assert reasons[0].sentence() == "It would be next."


def test_the_next_in_line_is_what_a_longer_run_picks():
    vectors = np.random.default_rng(2).normal(size=(900, 8)).astype(np.float32)
    entries = [Values("COVERAGE", Coverage(type="COVERAGE"), vectors, np.ones(900, bool)), diversity(vectors, 0.3)]
    mixture = prepare(entries, 50)
    picks = greedy(mixture.terms, mixture.eligible, 53).rows
    reasons = why_not(prepare(entries, 50), picks[:50], picks[50:])
    assert reasons[0].ahead == 0
    assert reasons[0].row == picks[50]


def test_a_large_pool_is_not_ranked_to_its_end(monkeypatch):
    monkeypatch.setattr(module, "_STANDINGS", 10)
    reason = asked([weights(np.arange(20.0))], 2)[0]
    assert reason.ahead is None
    assert reason.next_values.tolist() == [0]


def test_progress_is_told_and_cancels():
    told = []
    entries = [weights(np.arange(20.0))]
    selection = select(entries, 5)
    why_not(
        prepare(entries, 5),
        selection.rows,
        [0],
        progress=lambda done, total, label="": told.append((done, total, label)),
    )
    assert (5, 5, "explaining") in told

    def cancel(done, total, label=""):
        raise Cancelled

    with pytest.raises(Cancelled):
        why_not(prepare(entries, 5), selection.rows, [0], progress=cancel)


def test_picks_of_other_values_are_refused():
    entries = [weights([3, 2, 1])]
    with pytest.raises(ShortlistError, match=r"as number 1, where a sample asked about is worth more \(3 against 1\)"):
        why_not(prepare(entries, 1), np.array([2]), [0])
    with pytest.raises(ShortlistError, match="picks must be different rows that may be picked"):
        why_not(prepare(entries, 2), np.array([0, 0]), [1])
    with pytest.raises(ShortlistError, match=r"rows must be among the 3 of the pool\. Got 3 instead"):
        why_not(prepare(entries, 1), np.array([0]), [3])
