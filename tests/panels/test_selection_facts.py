"""What the Selection tab says of a report."""

from __future__ import annotations

import doctest
import importlib

import pytest

from shortlist.api.showing import Place
from shortlist.panels import selection_facts as facts
from shortlist.panels.numbers import DASH
from shortlist.panels.page import plain


@pytest.mark.parametrize("module", ["numbers", "page", "charts.style"])
def test_the_examples_in_docstrings_are_true(module):
    assert doctest.testmod(importlib.import_module(f"shortlist.panels.{module}")).failed == 0


def test_sets_stand_above_random_selections_of_the_same_size(report):
    analysis = report.of_samples
    rows = facts.comparison_rows(analysis, 4)
    assert [row["set"] for row in rows] == ["This selection", "Random (4 draws)", "95 % of draws", "All candidates"]
    assert rows[0]["size"] == "10"
    assert float(rows[0]["coverage_mean"]) == pytest.approx(analysis.coverage.sets["selected"].mean, rel=0.01)
    assert float(rows[1]["diversity_mean"]) == pytest.approx(analysis.diversity.random["random"].mean.mean, rel=0.01)
    low, high = rows[2]["coverage_max"].split(DASH)
    assert float(low) <= analysis.coverage.random["random"].max.mean <= float(high)
    assert set(rows[0]) == set(facts.COLUMNS)


def test_the_same_sample_twice_is_no_distance_apart(report):
    assert float(facts.comparison_rows(report.of_samples, 4)[0]["diversity_min"]) == 0


def test_the_datapool_has_rows_of_its_own(report_of):
    rows = facts.comparison_rows(report_of(datapool=True).of_samples, 4)
    assert [row["set"] for row in rows] == [
        "This selection", "Random (4 draws)", "95 % of draws", "Datapool + selection", "Datapool + random (4 draws)",
        "95 % of draws", "Datapool", "All candidates",
    ]  # fmt: skip
    assert rows[3]["size"] == "20"


def test_regions_are_numbered_from_the_worst(report):
    rows = facts.region_rows(report.of_samples)
    assert [row["region"] for row in rows] == ["1", "2", "3"]
    assert [int(row["n_items"]) for row in rows] == [region.n_items for region in report.of_samples.regions]
    assert all(row["gain"].endswith(" %") for row in rows)


def place(**given):
    known = dict.fromkeys(("rank", "distance", "nearest", "nearest_name", "region", "duplicate_group"))
    return Place(**{"sample_id": "a", "name": "a_b.png", **known, **given})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (place(rank=3, distance=0.0), "**a\\_b\\.png**: picked at rank 3"),
        (
            place(distance=0.5, nearest="b", nearest_name="b.png", region=2),
            "**a\\_b\\.png**: 0.5 from the nearest selected sample (b\\.png), in uncovered region 2",
        ),
        (place(), "**a\\_b\\.png**: not among the samples that were analyzed"),
        (
            place(rank=1, distance=0.0, duplicate_group=4),
            "**a\\_b\\.png**: picked at rank 1, in group 4 of near duplicates",
        ),
        (place(distance=0.0), "**a\\_b\\.png**: selected, or the same as what is"),
    ],
)
def test_says_where_a_sample_stands(given, expected):
    assert facts.place_sentence(given, datapool=False) == expected


def test_a_datapool_sample_counts_as_near(report):
    assert "nearest selected or datapool sample" in facts.place_sentence(place(distance=1.0), datapool=True)


def test_says_how_balanced_a_selection_is(report):
    found = report.distributions[0]
    text = facts.balance_sentence(found)
    shares = found.sets["selected"]
    assert text.startswith(f"{shares.present} of 4 classes; balance {shares.entropy:.2f} (random ")
    assert "away from the candidates (random " in text
    aimed = found.model_copy(
        update={
            "target": [0.25] * 4,
            "sets": {**found.sets, "selected": found.sets["selected"].model_copy(update={"distance_to_target": 0.5})},
        }
    )
    assert facts.balance_sentence(aimed).endswith("; 50 % away from the target")
    empty = found.sets["selected"].model_copy(update={"total": 0.0})
    assert facts.balance_sentence(found.model_copy(update={"sets": {**found.sets, "selected": empty}})) == (
        "The selection holds none of them."
    )


def test_says_the_mean_of_a_score(report):
    mean = report.numbers[0].sets["selected"].mean
    assert facts.number_sentence(report.numbers[0]).startswith(f"mean {mean:.3f}; random ")


@pytest.mark.parametrize(("at", "expected"), [("1", 1), (0, 0), ("5", 0), (None, 0), ("x", 0), (-1, 0)])
def test_a_choice_that_is_no_longer_there_is_the_first(at, expected):
    assert facts.first(["a", "b"], at) == expected


def test_names_are_no_markdown():
    assert plain("# **a**\n- [b](c)") == "\\# \\*\\*a\\*\\* \\- \\[b\\]\\(c\\)"
