"""What the tab Compare shows: the figures, the table and the sentences of a comparison."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from scipy import sparse

from shortlist.api.compared_summary import overlap_sentence
from shortlist.core.analysis.comparison import Balance, Member, Overlap, SelectionComparison
from shortlist.core.analysis.distributions import distribution_of
from shortlist.core.analysis.overlap import rank_agreement, shared_of
from shortlist.core.analysis.side_by_side import in_space, sets_of
from shortlist.core.selection.values import Amounts
from shortlist.panels import compare_facts as facts
from shortlist.panels.charts import balance_plot, beside_plot, overlap_plot
from shortlist.panels.charts.compare import color_of
from shortlist.panels.charts.style import COLORS
from shortlist.panels.numbers import DASH

NONE = np.zeros(0, np.int64)
NAMES = ("a", "<b>b</b>", "3")
CLASSES = ("1", "2", "<i>")


@pytest.fixture(scope="module")
def compared() -> SelectionComparison:
    """Of 60 points: ten at random, ten of one corner that hold none of the last class, and the first again with others."""
    chance = np.random.default_rng(0)
    vectors = chance.normal(size=(60, 2)).astype(np.float32)
    rows = np.arange(60)
    vectors[20:30] = 4 + vectors[20:30] / 50
    own = [np.arange(10), np.arange(20, 30), np.arange(4, 20)]
    members = {name: np.sort(found) for name, found in zip(NAMES, own, strict=True)}
    classes = np.where(np.isin(rows, members["<b>b</b>"]), 0, rows % 3)
    amounts = Amounts(CLASSES, sparse.csr_array(np.eye(3)[classes]))
    sets = sets_of(members, rows, NONE, 5, 0)
    counted = {name: distribution_of(amounts, one, source="truth", kind="classes") for name, one in sets.items()}
    first = counted["a"]
    balance = Balance(
        source="truth",
        categories=first.categories,
        input=first.sets["input"],
        members={name: one.sets["selected"] for name, one in counted.items()},
        random={name: one.random for name, one in counted.items()},
        left_out=0,
    )
    return SelectionComparison(
        created="2026-01-01T00:00:00+00:00",
        dataset="d",
        parameters={},
        members=[
            Member(name=name, kind="selection", created=None, strategies=["TOP of x"][:number], datapool=None,
                   size=len(members[name]), input=60, alone=number)
            for number, name in enumerate(NAMES)
        ],
        input=60,
        datapool=None,
        overlaps=[_overlap(members, one, other) for one, other in (("a", "<b>b</b>"), ("a", "3"), ("<b>b</b>", "3"))],
        space=in_space(vectors, np.ones(60, bool), members, rows, NONE, source="clip", draws=5, seed=0),
        balance=[balance],
        notes=[],
    )  # fmt: skip


def _overlap(members, one: str, other: str) -> Overlap:
    shared = shared_of(members[one], members[other], np.arange(60), np.arange(60))
    return Overlap(
        first=one,
        second=other,
        count=shared.count,
        jaccard=shared.jaccard,
        share_of_smaller=shared.of_smaller,
        both_could=shared.both_could,
        expected=shared.chance.expected,
        low=shared.chance.low,
        high=shared.chance.high,
        verdict=shared.verdict,
        rank_agreement=rank_agreement(np.arange(3), np.arange(3)),
    )


def test_the_heat_map_holds_every_pair_twice_and_the_sizes(compared):
    (heat,) = overlap_plot(compared)["data"]
    assert heat["text"][0] == ["(10)", str(compared.overlap("a", "<b>b</b>").count), "6"]
    assert heat["z"][0][2] == heat["z"][2][0] == pytest.approx(6 / 20)
    assert heat["z"][1][1] == 0
    # The tab finds the pair by the numbers on the axes.
    assert heat["x"] == heat["y"] == [0, 1, 2]
    assert "6 shared, Jaccard 0.30" in heat["customdata"][0][2]


def test_names_are_text_in_every_figure(compared):
    figures = [
        overlap_plot(compared),
        beside_plot(compared.space.coverage, compared.names, title="distance"),
        balance_plot(compared.balance[0], compared.names),
    ]
    for figure in figures:
        written = json.dumps(figure, allow_nan=False)
        assert not re.search("<(b|i)>", written)
        assert "&lt;" in written
        assert figure["layout"]["height"] > 100


def test_distances_stand_beside_random_ones(compared):
    coverage = compared.space.coverage
    random, own = beside_plot(coverage, compared.names, title="distance")["data"]
    assert own["x"] == [coverage.members[name].mean for name in NAMES]
    assert own["y"] == random["y"] == [0, 1, 2]
    assert random["x"][1] == coverage.random["<b>b</b>"].mean.mean
    low = random["x"][1] - random["error_x"]["arrayminus"][1]
    assert low == pytest.approx(coverage.random["<b>b</b>"].mean.low)


def test_what_has_no_distance_has_no_mark(compared):
    coverage = compared.space.coverage
    empty = coverage.members["a"].model_copy(update={"mean": None})
    beside = coverage.model_copy(
        update={"members": {**coverage.members, "a": empty}, "random": {"3": coverage.random["3"]}}
    )
    random, own = beside_plot(beside, compared.names, title="distance")["data"]
    assert (own["y"], random["y"]) == ([1, 2], [2])


def test_shares_of_classes_side_by_side(compared):
    figure = balance_plot(compared.balance[0], compared.names)
    assert [trace["name"] for trace in figure["data"]] == ["a", "&lt;b&gt;b&lt;/b&gt;", "3", "all candidates"]
    only_first = figure["data"][1]
    assert dict(zip(compared.balance[0].categories, only_first["x"], strict=True)) == {"1": 1, "2": 0, "<i>": 0}
    assert sum(figure["data"][3]["x"]) == pytest.approx(1)
    assert len(balance_plot(compared.balance[0], compared.names, most=2)["data"][0]["y"]) == 2


def test_eight_colours_and_none_that_stands_for_something_else():
    colors = [color_of(number) for number in range(8)]
    assert len(set(colors)) == 8
    assert not {COLORS["random"], COLORS["input"]} & set(colors)
    assert color_of(8) == color_of(0)


def test_the_table(compared):
    rows = facts.rows(compared, compared.balance[0])
    assert [row["name"] for row in rows] == ["a: selection", "<b>b</b>: TOP of x", "3: TOP of x"]
    assert all(set(row) == set(facts.COLUMNS) for row in rows)
    # One corner covers the plane badly, and its samples are alike.
    assert rows[1]["coverage"].endswith("farther")
    assert rows[1]["diversity"].endswith("smaller")
    assert rows[1]["balance"] == "0.000"
    gain = compared.space.coverage.gain("<b>b</b>")
    assert rows[1]["coverage"] == f"{-gain * 100:.0f} % farther"


def test_what_is_within_the_random_ones_is_as_random(compared):
    coverage = compared.space.coverage
    mean = coverage.random["a"].mean.mean
    members = {**coverage.members, "a": coverage.members["a"].model_copy(update={"mean": mean})}
    space = compared.space.model_copy(update={"coverage": coverage.model_copy(update={"members": members})})
    assert facts.rows(compared.model_copy(update={"space": space}), None)[0]["coverage"] == "as random"


def test_without_embeddings_and_labels_the_table_has_dashes(compared):
    rows = facts.rows(compared.model_copy(update={"space": None, "balance": []}), None)
    assert {rows[0][name] for name in ("coverage", "diversity", "balance")} == {DASH}


def test_the_label_field_that_most_hold_labels_of_is_shown_first(compared):
    whole = compared.balance[0]
    none = whole.members["a"].model_copy(update={"total": 0.0, "entropy": None})
    partial = whole.model_copy(update={"members": {**whole.members, "a": none}})
    assert facts.shown_first(compared.model_copy(update={"balance": [partial, whole]})) == 1
    assert facts.shown_first(compared.model_copy(update={"balance": [whole, partial]})) == 0
    assert facts.balance_sentence(partial) == "only <b>b</b>, 3 hold labels of truth"
    empty = dict.fromkeys(NAMES, none)
    assert facts.balance_sentence(whole.model_copy(update={"members": empty})).startswith("none of them")


def test_the_most_even_one_is_named_and_what_the_others_lack(compared):
    sentence = facts.balance_sentence(compared.balance[0])
    assert "is the most even one over the classes of truth" in sentence
    assert "<b>b</b> lacks 2 of 3 classes" in sentence


def test_pairs_that_share_most_come_first(compared):
    found = facts.notable(compared)
    assert [one.jaccard for one in found] == sorted((one.jaccard for one in compared.overlaps), reverse=True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"verdict": "more"}, "6 shared (Jaccard 0.30), more than chance, which gives 1 to 4"),
        ({"verdict": "fewer", "count": 0}, "0 shared (Jaccard 0.30), fewer than chance"),
        ({"verdict": "as by chance", "count": 0, "expected": 0.0}, "since the one could not hold what the other has"),
        (
            {"verdict": "as by chance", "count": 0, "low": 0},
            "0 shared (Jaccard 0.30), as by chance, which gives 0 to 4",
        ),
        ({"rank_agreement": 0.5}, "their ranks agree by 0.50 (Spearman)"),
    ],
)
def test_overlaps_in_words(compared, changes, words):
    pair = compared.overlap("3", "a").model_copy(update={"low": 1, "high": 4, **changes})
    assert words in overlap_sentence(pair)
