"""The samples behind what an analysis found."""

from __future__ import annotations

from datetime import UTC, date, datetime

import fiftyone as fo
import numpy as np
import pytest

from shortlist import ShortlistError, select_samples
from shortlist.api import showing
from shortlist.api.analyzing import analyze_selection


@pytest.fixture(scope="module")
def dataset(make_lasting):
    """Ten samples on a line at 0, 1, ... 9; those at 0 and 5 are selected, two of them the same."""
    samples = []
    for row in range(10):
        sample = fo.Sample(
            f"/nowhere/{row}.png",
            tags=["all", *(["few"] if row in (0, 5) else [])],
            predictions=fo.Classification(label="a" if row < 4 else "b", confidence=0.5),
            objects=fo.Detections(
                detections=[fo.Detection(label=one, bounding_box=[0, 0, 1, 1]) for one in ("a", "b")[: row % 3]]
            ),
            mask=fo.Segmentation(mask=np.full((2, 2), row % 2, np.uint8)),
            line=np.array([row, 0], np.float32),
            score=row / 10,
            checked=row % 2 == 0,
            day=date(2024, 1, 1 + row),
            moment=datetime(2024, 1, 1, row, tzinfo=UTC),
            number=row // 3,
            words=["x", "y"][: row % 3],
        )
        samples.append(sample)
    dataset = make_lasting(samples)
    vectors = {"type": "EMBEDDINGS", "field": "line"}
    select_samples(
        dataset, {"n_samples": 3, "strategies": [{"input": vectors, "strategy": {"type": "DIVERSITY"}}]}, "round_1"
    )
    analyze_selection(dataset, "few", embeddings="line", random_draws=2, regions=2)
    analyze_selection(dataset, "round_1", embeddings="line", random_draws=2)
    return dataset


def rows(view):
    return [int(path.removeprefix("/nowhere/").removesuffix(".png")) for path in view.values("filepath")]


def test_a_range_of_distances_the_farthest_first(dataset):
    # 9 is 4 from 5, 8 is 3, 7 is 2; 3 and 2 are 2 from the nearer of 0 and 5.
    assert rows(showing.at_distance(dataset, "few", 2.5, 4, closed=True)) == [9, 8]
    assert rows(showing.at_distance(dataset, "few", 3, 4)) == [8]
    assert sorted(rows(showing.at_distance(dataset, "few", 0, 1))) == [0, 5]


def test_the_samples_of_a_region(dataset):
    found = showing.of_region(dataset, "few", 1)
    assert set(rows(found)) <= {7, 8, 9}
    assert len(found) > 0
    assert rows(showing.of_region(dataset, "few", 99)) == []


@pytest.mark.parametrize(
    ("path", "low", "high", "closed", "expected"),
    [
        ("score", 0.2, 0.4, False, [2, 3]),
        ("score", 0.8, 0.9, True, [8, 9]),
        ("number", 0.5, 1.5, False, [3, 4, 5]),
        ("checked", 0.5, 1.5, True, [0, 2, 4, 6, 8]),
        ("checked", 0, 1, True, list(range(10))),
        ("checked", 0, 1, False, [1, 3, 5, 7, 9]),
        (
            "day",
            datetime(2024, 1, 2, tzinfo=UTC).timestamp(),
            datetime(2024, 1, 4, tzinfo=UTC).timestamp(),
            False,
            [1, 2],
        ),
        (
            "moment",
            datetime(2024, 1, 1, 8, tzinfo=UTC).timestamp(),
            datetime(2024, 1, 1, 9, tzinfo=UTC).timestamp(),
            True,
            [8, 9],
        ),
    ],
)
def test_a_range_of_numbers_of_any_kind(dataset, path, low, high, closed, expected):
    assert rows(showing.with_number(dataset, "few", "all", path, low, high, closed)) == expected


def test_only_of_the_part_that_is_asked_for(dataset):
    assert rows(showing.with_number(dataset, "few", "selected", "score", 0, 1)) == [0, 5]
    assert len(showing.part_of(dataset, "few", "input")) == 10
    assert len(showing.part_of(dataset, "round_1", "selected")) == 3


@pytest.mark.parametrize(
    ("kind", "source", "category", "expected"),
    [
        ("classes", "predictions", "a", [0, 1, 2, 3]),
        ("classes", "objects", "b", [2, 5, 8]),
        ("categories", "checked", "true", [0, 2, 4, 6, 8]),
        ("categories", "day", "2024-01-03", [2]),
        ("categories", "number", "3", [9]),
        ("categories", "words", "y", [2, 5, 8]),
        ("categories", "score", "0.3", [3]),
        ("classes", "predictions", "(others)", []),
    ],
)
def test_a_class_or_category_as_the_report_names_it(dataset, kind, source, category, expected):
    assert rows(showing.with_category(dataset, "few", "all", kind, source, category)) == expected


def test_what_cannot_be_searched_says_so(dataset):
    with pytest.raises(ShortlistError, match="whose classes are in masks"):
        showing.with_category(dataset, "few", "all", "classes", "mask", "1")
    with pytest.raises(ShortlistError, match="must be those of one field"):
        showing.with_category(dataset, "few", "all", "categories", "number, words", "1, x")
    with pytest.raises(ShortlistError, match="Analyze again"):
        showing.with_number(dataset, "few", "all", "gone", 0, 1)
    with pytest.raises(ShortlistError, match="Make one with `analyze_selection`"):
        showing.at_distance(dataset, "all", 0, 1)


def test_where_samples_stand(dataset):
    ids = dataset.values("id")
    far, chosen = showing.places_of(dataset, "few", [ids[9], "0" * 24, ids[5]])
    assert (far.name, far.distance, far.nearest, far.nearest_name) == ("9.png", 4, ids[5], "5.png")
    assert far.rank is None
    assert far.region in (1, 2)
    assert (chosen.name, chosen.distance, chosen.region) == ("5.png", 0, None)


def test_ranks_are_those_of_the_selection(dataset):
    ranks = dict(zip(dataset.values("id"), dataset.values("round_1.rank"), strict=True))
    picked = [one for one, rank in ranks.items() if rank]
    assert [place.rank for place in showing.places_of(dataset, "round_1", picked)] == [ranks[one] for one in picked]


def test_samples_by_their_ids(dataset):
    ids = dataset.values("id")
    assert rows(showing.these(dataset, [ids[4], ids[2]])) == [2, 4]


def test_an_analysis_without_embeddings_knows_no_places(make):
    dataset = make([fo.Sample(f"/nowhere/{row}.png", tags=["a"], kind="x") for row in range(3)])
    analyze_selection(dataset, "a", fields=["kind"], random_draws=2)
    place = showing.places_of(dataset, "a", [dataset.first().id])[0]
    assert (place.name, place.distance, place.rank) == ("0.png", None, None)
    with pytest.raises(ShortlistError, match="must have its field"):
        showing.of_region(dataset, "a", 1)
