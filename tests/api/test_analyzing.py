"""analyze_selection on sets with known answers: a line, two clusters, duplicates; selections, tags, views, datapools."""

from __future__ import annotations

import fiftyone as fo
import numpy as np
import pytest
from bson import ObjectId

from shortlist import analyze_selection, select_samples
from shortlist.core.analysis.report import Report

TOP = {"input": {"type": "METADATA", "key": "place"}, "strategy": {"type": "WEIGHTS"}}


@pytest.fixture
def line(make):
    """Ten samples in a row, one apart."""
    return make([fo.Sample(f"/nowhere/{x}.png", vector=np.array([x, 0.0], np.float32), place=x) for x in range(10)])


def tag(dataset, name, *places):
    dataset.match(fo.ViewField("place").is_in(list(places))).tag_samples(name)


def analyze(dataset, key, **more) -> Report:
    return analyze_selection(dataset, key, **more).report


def test_a_line(line):
    tag(line, "picked", 2, 7)
    found = analyze(line, "picked", random_draws=5)
    space = found.of_samples
    coverage, diversity = space.coverage.sets["selected"], space.diversity.sets["selected"]

    # 2 1 0 1 2 2 1 0 1 2 away from 2 or 7.
    assert (coverage.mean, coverage.max, coverage.median, coverage.count) == (pytest.approx(1.2), 2, 1, 10)
    assert (diversity.mean, diversity.count) == (5, 2)
    assert space.diversity.sets["input"].mean == 1
    assert len(space.coverage.random["random"].mean.draws) == found.random_draws == 5
    assert found.sizes == {"input": 10, "selected": 2}
    assert (found.analyzed.name, found.analyzed.kind, found.analyzed.config) == ("picked", "tag", None)
    assert (space.source, space.dimensions, space.left_out) == ("vector", 2, 0)
    assert (found.dataset, found.notes) == (line.name, [])


def test_each_sample_knows_how_it_is_covered(line):
    tag(line, "picked", 2, 7)
    result = analyze_selection(line, "picked")

    assert line.values("picked_analysis.distance") == [2, 1, 0, 1, 2, 2, 1, 0, 1, 2]
    ids = line.values("id")
    assert line.values("picked_analysis.nearest") == [ids[2]] * 5 + [ids[7]] * 5
    # The worst 5 % of ten are one.
    assert (len(result.view), result.view.first().picked_analysis.distance) == (1, 2)
    assert line.load_saved_view("picked_uncovered").values("id") == result.view.values("id")
    assert "picked_analysis.distance" in line.list_indexes()
    assert line.values("picked_analysis.duplicate_group") == [None] * 10


def test_two_clusters_of_which_one_is_forgotten(make):
    places = [0.0] * 20 + [100.0] * 20
    chance = np.random.default_rng(0)
    dataset = make([fo.Sample(f"/{row}.png", v=chance.normal([x, 0], 0.1)) for row, x in enumerate(places)])
    dataset[:8].tag_samples("picked")
    result = analyze_selection(dataset, "picked")
    space = result.report.of_samples

    first = space.regions[0]
    far = set(dataset[20:].values("id"))
    assert (first.sample_id in far, first.n_items) == (True, 20)
    assert first.mean_distance == pytest.approx(100, abs=0.5)
    assert first.gain > 0.9
    assert set(dataset.match(fo.ViewField("picked_analysis.region") == 1).values("id")) == far
    assert result.view.first().id in far
    assert "Worse than chance" in result.headline


def test_what_is_selected_twice(make):
    places = [0, 0, 50, 50, 50, 80, 90, 100]
    dataset = make([fo.Sample(f"/{row}.png", v=[float(x), 0.0]) for row, x in enumerate(places)])
    dataset[:6].tag_samples("picked")
    result = analyze_selection(dataset, "picked")
    found = result.report.of_samples.near_duplicates

    ids = dataset.values("id")
    assert (found.n_groups, found.n_items, found.n_pairs) == (2, 5, 4)
    assert [set(group) for group in found.groups] == [set(ids[2:5]), set(ids[:2])]
    assert dataset.values("picked_analysis.duplicate_group") == [2, 2, 1, 1, 1, None, None, None]
    assert set(result.views) == {"picked_uncovered", "picked_near_duplicates"}
    alike = dataset.load_saved_view("picked_near_duplicates").values("picked_analysis.duplicate_group")
    assert alike == [1, 1, 1, 2, 2]


def test_the_whole_input_leaves_nothing_uncovered(line):
    line.tag_samples("all")
    result = analyze_selection(line, "all")
    assert result.report.of_samples.coverage.sets["selected"].max == 0
    assert (result.view, result.views, line.list_saved_views()) == (None, [], [])
    assert "everything that could be selected is selected" in result.report.notes[0]


def test_a_selection_is_compared_with_what_it_was_made_from(line):
    view = line.match(fo.ViewField("place") < 6)
    select_samples(view, {"n_samples": 2, "strategies": [TOP]}, "round_1")
    # Whatever it is called with.
    found = analyze(line.limit(1), "round_1")
    assert found.sizes == {"input": 6, "selected": 2}
    assert found.analyzed.kind == "selection"
    assert found.analyzed.config["n_samples"] == 2
    assert line.values("round_1_analysis.distance")[:6] == [4, 3, 2, 1, 0, 0]
    assert line.values("round_1_analysis")[6:] == [None] * 4


def test_its_datapool_and_its_candidates_count(line):
    tag(line, "labeled", 0)
    tag(line, "may", 0, 1, 2, 3, 4)
    select_samples(
        line, {"n_samples": 1, "strategies": [TOP], "preselected": "labeled", "candidates": "may"}, "round_1"
    )
    found = analyze(line, "round_1")
    assert found.sizes == {"input": 4, "selected": 1, "datapool": 1, "datapool_and_selected": 2}
    assert found.analyzed.datapool == "labeled"
    # 1 2 3 4 are to be covered by 4 and 0.
    coverage = found.of_samples.coverage.sets
    assert coverage["datapool_and_selected"].mean == 1
    assert coverage["selected"].mean == 1.5
    assert coverage["datapool"].mean == 2.5
    assert line.values("round_1_analysis.distance") == [None, 1, 2, 1, 0] + [None] * 5
    assert set(found.of_samples.coverage.random) == {"random", "datapool_and_random"}


def test_a_datapool_of_several_sets(line):
    tag(line, "labeled", 0)
    tag(line, "done", 0, 1)
    config = {"n_samples": 1, "strategies": [TOP], "preselected": ["labeled", "done"]}
    select_samples(line, config, "round_1")
    found = analyze(line, "round_1")
    assert (found.sizes["datapool"], found.analyzed.datapool) == (2, "labeled, done")
    line.untag_samples("done")
    found = analyze(line, "round_1")
    assert (found.sizes["datapool"], found.analyzed.datapool) == (1, "labeled")
    assert found.notes == ["preselected 'done' of the selection's config is no longer there: analyzed without it"]


def test_another_datapool_can_be_asked_for(line):
    tag(line, "picked", 9)
    tag(line, "old", 0, 9)
    found = analyze(line, "picked", datapool="old")
    # What is selected is not there already.
    assert found.sizes == {"input": 9, "selected": 1, "datapool": 1, "datapool_and_selected": 2}
    assert found.analyzed.datapool == "old"


def test_a_datapool_that_is_gone_is_said(line):
    tag(line, "labeled", 0, 1)
    select_samples(line, {"n_samples": 1, "strategies": [TOP], "preselected": "labeled"}, "round_1")
    line.untag_samples("labeled")
    found = analyze(line, "round_1")
    assert "datapool" not in found.sizes
    assert found.notes == [
        "preselected 'labeled' of the selection's config is no longer there: analyzed without a datapool"
    ]


def test_a_saved_view_in_the_samples_given(line):
    line.save_view("late ones", line.match(fo.ViewField("place") >= 8))
    found = analyze(line.match(fo.ViewField("place") >= 5), "late ones")
    assert (found.analyzed.kind, found.sizes) == ("view", {"input": 5, "selected": 2})


def test_a_tag_beyond_the_samples_given_counts_as_input(line):
    tag(line, "picked", 0)
    found = analyze(line.match(fo.ViewField("place") >= 8), "picked")
    assert found.sizes == {"input": 3, "selected": 1}


@pytest.mark.parametrize(
    ("name", "key"),
    [("a tag. with dots é", "a_tag_with_dots_e"), ("批次", "set"), ("2024/05", "set_2024_05"), ("$x", "x")],
)
def test_any_name_of_a_tag(line, name, key):
    tag(line, name, 2)
    result = analyze_selection(line, name)
    assert result.key == f"{key}_analysis"
    assert line.has_saved_view(f"{key}_uncovered")
    assert result.report.analyzed.name == name


def test_two_names_that_look_alike_have_an_analysis_each(line):
    tag(line, "a b", 1)
    tag(line, "a.b", 8)
    assert [analyze_selection(line, name).key for name in ("a b", "a.b", "a b")] == [
        "a_b_analysis",
        "a_b_2_analysis",
        "a_b_analysis",
    ]
    assert [line.values(f"{key}.distance")[1] for key in ("a_b_analysis", "a_b_2_analysis")] == [0, 7]


def test_what_was_deleted_or_came_later_is_said(line):
    select_samples(line, {"n_samples": 3, "strategies": [TOP]}, "round_1")
    line.delete_samples(line.match(fo.ViewField("place") == 9).values("id"))
    # An id begins with the second it was made in.
    collection = line._sample_collection
    document = collection.find_one()
    collection.insert_one({**document, "filepath": "/later.png", "_id": ObjectId("ffffffff0000000000000000")})
    found = analyze(line, "round_1")
    assert found.sizes == {"input": 9, "selected": 2}
    assert found.notes == [
        "1 of 3 picks were deleted since",
        "1 samples came after the selection was made and do not count",
    ]


def test_the_same_seed_gives_the_same_report(line):
    tag(line, "picked", 2, 7)
    first, again, other = (analyze(line, "picked", seed=seed) for seed in (3, 3, 4))
    assert first.embeddings == again.embeddings
    assert first.of_samples.coverage.random != other.of_samples.coverage.random
    means = [one.of_samples.coverage.sets["selected"].mean for one in (first, other)]
    assert means == [pytest.approx(1.2)] * 2


def test_what_people_read(line):
    tag(line, "picked", 2, 7)
    result = analyze_selection(line, "picked")
    assert result.headline.startswith("Analyzed 'picked'. Better than chance: ")
    rows = dict(result.rows())
    assert rows["samples"] == "2 selected of 10"
    assert rows["kept as"] == "run picked_analysis, saved view picked_uncovered"
    assert str(result).startswith(result.headline)
