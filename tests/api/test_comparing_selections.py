"""Selections side by side: what they share, in which space they are measured, and what they were made on top of."""

from __future__ import annotations

from itertools import combinations

import fiftyone as fo
import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from shortlist import ShortlistError, compare_selections, select_samples
from shortlist.core.analysis.comparison import SelectionComparison

TOP = {"input": {"type": "METADATA", "key": "place"}, "strategy": {"type": "WEIGHTS"}}
LOW = {"input": {"type": "METADATA", "key": "back"}, "strategy": {"type": "WEIGHTS"}}
COVERAGE = {"input": {"type": "EMBEDDINGS", "field": "clip"}, "strategy": {"type": "COVERAGE"}}
SIZE = 40


def vectors() -> np.ndarray:
    return np.random.default_rng(5).normal(size=(SIZE, 3)).astype(np.float32)


@pytest.fixture
def placed(make):
    """Forty samples in order, with vectors, labels on all of them, and labels on the first ten."""
    samples = [
        fo.Sample(
            f"/nowhere/{row:02d}.png",
            place=row,
            back=-row,
            clip=vector,
            tags=["even"] if row % 2 == 0 else [],
            kind=fo.Classification(label="ab"[row % 2]),
            truth=fo.Classification(label="abc"[row % 3]) if row < 10 else None,
        )
        for row, vector in enumerate(vectors())
    ]
    return make(samples)


def select(dataset, key: str, n: int, strategy=TOP, **more):
    return select_samples(dataset, {"n_samples": n, "strategies": [strategy], **more}, key)


def places(view) -> list[int]:
    return view.values("place")


def test_two_selections_by_hand(placed):
    select(placed, "top", 10)
    select(placed.match(fo.ViewField("place") < 36), "lower", 10)
    found = compare_selections(placed, ["top", "lower"], random_draws=4).comparison

    # 39..30 and 35..26: six in common, 30 to 35; either could hold what is below 36, where the first has six.
    (overlap,) = found.overlaps
    assert (overlap.count, overlap.both_could) == (6, 36)
    assert overlap.jaccard == pytest.approx(6 / 14)
    assert overlap.share_of_smaller == 0.6
    assert overlap.expected == pytest.approx(6 * 10 / 36)
    low, high = stats.hypergeom(36, 6, 10).interval(0.95)
    assert (overlap.low, overlap.high, overlap.verdict) == (low, high, "more")
    assert overlap.rank_agreement == 1
    assert [(one.name, one.kind, one.size, one.input, one.alone) for one in found.members] == [
        ("top", "selection", 10, 40, 4),
        ("lower", "selection", 10, 36, 4),
    ]
    assert found.members[0].strategies == ["WEIGHTS of place"]
    assert found.input == 40


def test_what_they_share_and_what_each_alone_has(placed):
    select(placed, "top", 10)
    select(placed, "some", 25, strategy=LOW)
    placed.save_view("middle", placed.skip(12).limit(20))
    result = compare_selections(placed, ["top", "some", "middle", "even"], random_draws=2)

    held = {
        "top": set(range(30, 40)),
        "some": set(range(25)),
        "middle": set(range(12, 32)),
        "even": set(range(0, 40, 2)),
    }
    assert [member.kind for member in result.comparison.members] == ["selection", "selection", "view", "tag"]
    for name, own in held.items():
        others = set().union(*(other for key, other in held.items() if key != name))
        assert set(places(result.only(name))) == own - others
        assert result.comparison.members[list(held).index(name)].alone == len(own - others)
    for one, other in combinations(held, 2):
        assert set(places(result.shared(one, other))) == held[one] & held[other]
        assert result.comparison.overlap(other, one).count == len(held[one] & held[other])
    assert places(result.shared()) == []
    # In order of rank, as the selection itself.
    assert places(result.only("top")) == [39, 37, 35, 33]
    assert places(result.shared("top", "even")) == [38, 36, 34, 32, 30]


def test_opposite_orders(placed):
    select(placed, "up", 12, strategy=LOW)
    select(placed.limit(12), "down", 12)
    (overlap,) = compare_selections(placed, ["up", "down"], random_draws=2).comparison.overlaps
    assert (overlap.count, overlap.rank_agreement) == (12, -1)


def test_only_selections_have_ranks(placed):
    select(placed, "up", 12)
    (overlap,) = compare_selections(placed, ["up", "even"], random_draws=2).comparison.overlaps
    assert overlap.count == 6
    assert overlap.rank_agreement is None


def test_coverage_and_diversity_are_those_of_scipy(placed):
    select(placed, "top", 10)
    select(placed, "cover", 10, strategy=COVERAGE)
    result = compare_selections(placed, ["top", "cover"], random_draws=3)
    space = result.comparison.space

    every = vectors()
    for name in ("top", "cover"):
        chosen = every[places(placed.load_saved_view(name))]
        assert space.coverage.members[name].mean == pytest.approx(cdist(every, chosen).min(axis=1).mean(), rel=1e-5)
        apart = cdist(chosen, chosen) + np.diag(np.full(10, np.inf))
        assert space.diversity.members[name].mean == pytest.approx(apart.min(axis=1).mean(), rel=1e-5)
        assert len(space.coverage.random[name].mean.draws) == 3
    assert (space.source, space.input, space.left_out) == ("clip", 40, 0)
    assert "nearest one, in clip" in str(result)


def test_what_all_were_made_on_top_of_counts_as_there(placed):
    for key, strategy in (("top", TOP), ("cover", COVERAGE)):
        select(placed, key, 5, strategy=strategy, preselected="even")
    found = compare_selections(placed, ["top", "cover"], random_draws=2).comparison

    assert (found.datapool, found.input) == ("even", 20)
    every, there = vectors(), list(range(0, 40, 2))
    odd = every[1::2]
    for name in ("top", "cover"):
        chosen = every[[*places(placed.load_saved_view(name)), *there]]
        expected = cdist(odd, chosen).min(axis=1).mean()
        assert found.space.coverage.members[name].mean == pytest.approx(expected, rel=1e-5)
    assert any("counts as there already" in note for note in found.notes)


def test_a_round_on_top_of_the_other_shares_nothing_and_it_is_no_wonder(placed):
    select(placed, "round_1", 5)
    select(placed, "round_2", 5, preselected="round_1")
    result = compare_selections(placed, ["round_1", "round_2"], random_draws=2)
    (overlap,) = result.comparison.overlaps
    assert (overlap.count, overlap.expected, overlap.verdict) == (0, 0, "as by chance")
    assert result.comparison.datapool is None
    assert any("does not count here" in note for note in result.comparison.notes)
    assert "since the one could not hold what the other has" in str(result)


def test_balance_of_every_label_field_that_any_has(placed):
    select(placed, "low", 8, strategy=LOW)
    found = compare_selections(placed, ["low", "even"], random_draws=3).comparison

    kind = next(one for one in found.balance if one.source == "kind")
    assert kind.members["even"].counts == [20, 0]
    assert kind.members["even"].entropy == 0
    assert kind.members["low"].entropy == 1
    assert kind.input.total == 40
    assert kind.random["even"].distance_to_input.mean < kind.members["even"].distance_to_input == 0.5
    truth = next(one for one in found.balance if one.source == "truth")
    assert truth.left_out == 30
    assert dict(zip(truth.categories, truth.members["low"].counts, strict=True)) == {"a": 3, "b": 3, "c": 2}


def test_label_fields_as_asked_for(placed):
    select(placed, "top", 5)
    found = compare_selections(placed, ["top", "even"], label_fields=["kind"], random_draws=2).comparison
    assert [one.source for one in found.balance] == ["kind"]
    found = compare_selections(placed, ["top", "even"], random_draws=2).comparison
    assert [one.source for one in found.balance] == ["truth", "kind"]
    assert found.balance[0].members["top"].total == 0
    placed.untag_samples("even")
    placed.skip(20).tag_samples("late")
    found = compare_selections(placed, ["top", "late"], random_draws=2).comparison
    assert [one.source for one in found.balance] == ["kind"]
    assert "none of them holds labels in 'truth'" in found.notes


def test_without_embeddings_the_rest_is_compared(classified):
    classified.delete_sample_field("clip")
    hour = {"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "WEIGHTS"}}
    select(classified, "late", 4, strategy=hour)
    found = compare_selections(classified, ["late", "odd"], random_draws=2).comparison
    assert found.space is None
    assert any("`visualize_embeddings`" in note for note in found.notes)
    assert found.overlaps[0].count == 2


def test_which_embeddings(placed):
    placed.set_values("other", list(np.ones((SIZE, 2), np.float32)))
    select(placed, "cover", 5, strategy=COVERAGE)
    names = ["cover", "even"]
    assert compare_selections(placed, names, random_draws=2).comparison.space.source == "clip"
    assert compare_selections(placed, names, embeddings="other", random_draws=2).comparison.space.source == "other"
    with pytest.raises(ShortlistError, match="'nothing'"):
        compare_selections(placed, names, embeddings="nothing")
    # What the config used is gone: the first that there is will do.
    placed.delete_sample_field("clip")
    assert compare_selections(placed, names, random_draws=2).comparison.space.source == "other"


def test_samples_without_a_vector_are_told(placed):
    placed.match({"place": {"$in": [0, 1, 2]}}).set_field("clip", None).save("clip")
    select(placed, "low", 5, strategy=LOW)
    found = compare_selections(placed, ["low", "even"], random_draws=2).comparison
    assert found.space.left_out == 3
    assert "3 of 5 samples of 'low' have no vector in 'clip'" in found.notes


def test_tags_are_compared_with_the_samples_given(placed):
    select(placed.limit(30), "top", 5)
    found = compare_selections(placed.limit(30), ["even", "top"], random_draws=2).comparison
    assert [member.input for member in found.members] == [35, 30]


def test_the_same_seed_gives_the_same_and_nothing_is_written(placed, snapshot):
    select(placed, "top", 5)
    before = snapshot(placed)
    first, second = (compare_selections(placed, ["top", "even"], random_draws=4).comparison for _ in range(2))
    assert first.model_copy(update={"created": second.created}) == second
    assert snapshot(placed) == before
    other = compare_selections(placed, ["top", "even"], random_draws=4, seed=1).comparison
    assert other.space.coverage.random != first.space.coverage.random


def test_it_is_json_and_back(placed):
    select(placed, "top", 5)
    found = compare_selections(placed, ["top", "even"], random_draws=2).comparison
    assert SelectionComparison.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["even"], "run_keys must"),
        (["even"] * 2, "run_keys must be different ones. Got 'even' twice instead."),
        (["even", "evn"], "run_keys must be a tag, a saved view or a selection of"),
        ([f"t{n}" for n in range(9)], "run_keys must"),
    ],
)
def test_bad_input(placed, names, sentence):
    with pytest.raises(ShortlistError) as caught:
        compare_selections(placed, names)
    assert str(caught.value).startswith(sentence)


def test_progress_can_stop_it(placed):
    placed.limit(3).tag_samples("first")

    def stop(done, total, label=""):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare_selections(placed, ["even", "first"], progress=stop)
