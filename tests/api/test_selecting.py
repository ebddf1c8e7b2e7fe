"""select_samples: what a selection is made of, and what decides it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import fiftyone as fo
import numpy as np
import pytest
from fiftyone import ViewField as F

from shortlist import list_selections, load_selection, score_uncertainty, select_samples
from shortlist.api import selecting
from shortlist.core.analysis.coverage import compare_with_random
from shortlist.core.schema import parse
from shortlist.core.selection.config import SelectionConfig

DIVERSITY = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}
HOUR = {"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "WEIGHTS"}}


def by_hour(n: int, **more) -> dict:
    return {"n_samples": n, "strategies": [HOUR], **more}


def hours(result) -> list[int]:
    return result.view.values("hour")


class TestWhatASelectionIsMadeOf:
    """A mixture of two strategies, kept as ``round_1``."""

    @pytest.fixture(scope="class")
    def made(self, make_lasting):
        chance = np.random.default_rng(1)
        dataset = make_lasting()
        vectors = chance.normal(size=(20, 3))
        dataset.add_samples(
            [
                fo.Sample(f"/nowhere/{row}.png", tags=["user"], hour=row, clip=vectors[row], weather="sun")
                for row in range(20)
            ],
            progress=False,
        )
        config = {"n_samples": 5, "strategies": [DIVERSITY, HOUR], "seed": 3}
        return dataset, select_samples(dataset, config, "round_1"), config

    def test_the_result(self, made):
        dataset, result, _ = made
        assert result.n_samples == len(result.ids) == 5
        assert (result.eligible, result.left_out, result.notes) == (20, {}, [])
        assert result.view.values("round_1.rank") == [1, 2, 3, 4, 5]
        assert result.view._dataset is dataset
        assert sum(result.strategies.values()) == 5
        assert set(result.strategies) <= {"DIVERSITY of embeddings", "WEIGHTS of hour"}

    def test_the_result_says_it_to_people(self, made):
        _, result, _ = made
        lines = str(result).splitlines()
        assert lines[0] == "Selected 5 of 20 eligible samples as 'round_1'"
        assert lines[-1].split(maxsplit=2) == ["kept", "as", "tag, saved view and field round_1"]
        assert any("decided by" in line for line in lines)
        assert any("coverage" in line for line in lines)

    def test_the_tag_is_added_to_the_picks_alone(self, made):
        dataset, result, _ = made
        tags = dict(zip(*dataset.values(["id", "tags"]), strict=True))
        assert all(tags[one] == (["user", "round_1"] if one in result.ids else ["user"]) for one in tags)

    def test_the_saved_view_is_in_order_of_rank(self, made):
        dataset, result, _ = made
        assert dataset.load_saved_view("round_1").values("id") == result.ids
        assert load_selection(dataset, "round_1").values("id") == result.ids

    def test_the_view_holds_no_list_of_ids(self, made):
        dataset, result, _ = made
        stages = str(dataset.load_saved_view("round_1")._serialize())
        assert not any(one in stages for one in result.ids)

    def test_every_pick_says_why(self, made):
        _, result, _ = made
        for place, sample in enumerate(result.view):
            why = sample["round_1"]
            assert set(why.field_names) == {
                *("rank", "decided_by", "value", "nearest", "distance"),
                *("gain_diversity_embeddings", "gain_weights_hour"),
            }
            assert why.decided_by in ("DIVERSITY of embeddings", "WEIGHTS of hour")
            assert why.gain_weights_hour == sample.hour
            assert (why.gain_diversity_embeddings is None) == (place == 0)

    def test_the_nearest_earlier_pick_is_the_nearest(self, made):
        _, result, _ = made
        samples = list(result.view)
        assert (samples[0].round_1.nearest, samples[0].round_1.distance) == (None, None)
        for place in range(1, 5):
            gaps = {one.id: np.linalg.norm(samples[place].clip - one.clip) for one in samples[:place]}
            assert samples[place].round_1.nearest == min(gaps, key=gaps.get)
            assert samples[place].round_1.distance == pytest.approx(min(gaps.values()), rel=1e-5)

    def test_the_others_have_no_reason(self, made):
        dataset, result, _ = made
        others = dataset.exclude(result.ids)
        assert others.values("round_1") == [None] * 15

    def test_the_fields_are_declared_and_described(self, made):
        dataset, _, _ = made
        schema = dataset.get_field_schema(flat=True)
        paths = {path for path in schema if path.startswith("round_1")}
        assert {"round_1", "round_1.rank", "round_1.decided_by", "round_1.gain_weights_hour"} <= paths
        assert all(schema[path].description for path in paths)
        mark = schema["round_1"].info["shortlist"]
        assert (mark["verb"], mark["status"]) == ("select_samples", "complete")
        assert "round_1.rank" in dataset.list_indexes()
        (group,) = [group for group in dataset.app_config.sidebar_groups if group.name == "round_1"]
        assert "round_1.rank" in group.paths

    def test_the_record(self, made):
        dataset, _, config = made
        (record,) = list_selections(dataset)
        assert (record.run_key, record.n_samples) == ("round_1", 5)
        assert abs(datetime.now(UTC).replace(tzinfo=None) - record.created) < timedelta(minutes=5)
        assert record.facts["strategies"] == ["DIVERSITY of embeddings", "WEIGHTS of hour"]
        assert record.facts["eligible"] == 20
        assert {"versions", "by", "time", "coverage", "left_out", "preselected"} <= set(record.facts)
        assert parse(SelectionConfig, record.config) == parse(SelectionConfig, config)

    def test_the_recorded_config_picks_the_same(self, made):
        dataset, result, _ = made
        (record,) = list_selections(dataset)
        again = select_samples(dataset, record.config, "again")
        assert again.ids == result.ids
        dataset.delete_run("again")


class TestWhoMayBePicked:
    """The datapool, candidates and views."""

    def test_highest_first_and_lowest_with_a_negative_strength(self, classified):
        assert hours(select_samples(classified, by_hour(3), "high")) == [11, 10, 9]
        low = {**HOUR, "strength": -1}
        assert hours(select_samples(classified, {"n_samples": 3, "strategies": [low]}, "low")) == [0, 1, 2]

    def test_a_share_of_the_candidates(self, classified):
        config = {"proportion_samples": 0.25, "strategies": [HOUR]}
        assert hours(select_samples(classified, config, "round_1")) == [11, 10, 9]

    def test_no_samples_at_all(self, classified):
        result = select_samples(classified, by_hour(0), "round_1")
        assert (result.n_samples, result.ids, result.strategies) == (0, [], {})
        assert list_selections(classified)[0].n_samples == 0
        assert classified.has_saved_view("round_1")

    def test_an_earlier_selection_and_a_view_and_a_tag_are_never_picked_again(self, classified):
        first = select_samples(classified, by_hour(2), "first")
        second = select_samples(classified, by_hour(2, preselected="first"), "second")
        assert (hours(first), hours(second)) == ([11, 10], [9, 8])
        classified.save_view("later", classified.match(F("hour") >= 6))
        assert hours(select_samples(classified, by_hour(2, preselected="later"), "third")) == [5, 4]
        assert hours(select_samples(classified, by_hour(2, preselected="odd"), "fourth")) == [10, 8]
        assert list_selections(classified)[1].facts["preselected"] == 2

    def test_several_sets_are_the_datapool_in_one_go(self, classified):
        """A tag, a saved view and a selection, which hold some samples more than once."""
        select_samples(classified, by_hour(2), "first")
        classified.save_view("later", classified.match(F("hour") >= 9))
        given = ["odd", "later", "first", "odd"]
        result = select_samples(classified, by_hour(2, preselected=given), "second")
        assert hours(result) == [8, 6]
        record = list_selections(classified)[1]
        assert record.config["preselected"] == ["odd", "later", "first"]
        # 1 3 5 7 9 11 and 10.
        assert record.facts["preselected"] == 7
        assert hours(select_samples(classified, by_hour(1, preselected=[]), "third")) == [11]

    def test_the_datapool_repels_though_it_is_outside_the_view(self, classified):
        vectors = np.zeros((12, 2))
        vectors[:, 0] = [0, 0.1, 5, 10, 10.1, 10.2, 10.3, 10.4, 10.5, 10.6, 10.7, 10.8]
        classified.set_values("clip", list(vectors))
        classified.limit(1).tag_samples("done")
        view = classified.skip(1)
        config = {"n_samples": 2, "strategies": [DIVERSITY], "preselected": "done"}
        result = select_samples(view, config, "round_1")
        assert hours(result) == [11, 2]
        assert result.view.first().round_1.nearest == classified.first().id
        assert result.view.first().round_1.distance == pytest.approx(10.8)

    def test_candidates_narrow_the_pool(self, classified):
        result = select_samples(classified, by_hour(3, candidates="even", preselected="odd"), "round_1")
        assert hours(result) == [10, 8, 6]
        assert result.eligible == 6

    def test_only_the_view_s_samples_are_picked(self, classified):
        assert hours(select_samples(classified.match(F("hour") < 5), by_hour(2), "round_1")) == [4, 3]

    def test_a_threshold_leaves_out_and_counts(self, classified):
        below = {
            "input": {"type": "METADATA", "key": "hour"},
            "strategy": {"type": "THRESHOLD", "threshold": 7, "operation": "SMALLER"},
        }
        result = select_samples(classified, {"n_samples": 2, "strategies": [HOUR, below]}, "round_1")
        assert hours(result) == [6, 5]
        assert result.left_out == {"beyond the THRESHOLD of hour": 5}
        assert "left out" in str(result)

    def test_a_user_s_tag_of_another_name_stays_where_it_is(self, classified):
        before = classified.count_sample_tags()
        select_samples(classified, by_hour(3), "round_1")
        assert classified.count_sample_tags() == {**before, "round_1": 3}


class TestTheOrderOfTheSamples:
    """The same samples in another order give the same picks."""

    CONFIG = {
        "n_samples": 6,
        "seed": 5,
        "strategies": [DIVERSITY, {"input": {"type": "METADATA", "key": "tie"}, "strategy": {"type": "WEIGHTS"}}],
    }

    @pytest.fixture
    def source(self, make):
        chance = np.random.default_rng(4)
        vectors = chance.normal(size=(10, 3))
        # Duplicates: ties that only the ids can break.
        return make(
            [
                fo.Sample(f"/nowhere/{row}.png", clip=vectors[row // 3], tie=float(row % 4 == 0), hour=row)
                for row in range(30)
            ]
        )

    def test_shuffled_view(self, source):
        straight = select_samples(source, self.CONFIG, "straight")
        for seed in (1, 2):
            assert select_samples(source.shuffle(seed=seed), self.CONFIG, f"shuffled_{seed}").ids == straight.ids

    def test_stored_in_another_order(self, source, make):
        other = make()
        other.add_samples([source.first()], progress=False)
        other.clear()
        stored = list(source._sample_collection.find())
        for document in stored:
            document["_dataset_id"] = other._doc.id
        other._sample_collection.insert_many(stored[::-1])
        assert other.values("id") == source.values("id")[::-1]
        random = {"n_samples": 5, "strategies": [{"input": {"type": "RANDOM"}, "strategy": {"type": "WEIGHTS"}}]}
        for key, config in (("mixed", self.CONFIG), ("chance", random)):
            assert select_samples(source, config, key).ids == select_samples(other, config, key).ids

    def test_another_seed_picks_others(self, source):
        random = {"n_samples": 5, "strategies": [{"input": {"type": "RANDOM"}, "strategy": {"type": "WEIGHTS"}}]}
        first = select_samples(source, random, "first").ids
        assert select_samples(source, {**random, "seed": 1}, "second").ids != first


class TestScoresFirst:
    """The SCORES input of a score that is not there yet."""

    CONFIG = {
        "n_samples": 3,
        "strategies": [
            {
                "input": {"type": "SCORES", "task": "predictions", "score": "uncertainty_entropy"},
                "strategy": {"type": "WEIGHTS"},
            }
        ],
    }

    def test_are_computed_when_missing(self, classified):
        result = select_samples(classified, self.CONFIG, "round_1")
        assert result.notes == ["computed predictions_uncertainty_entropy of 12 samples first"]
        values = classified.values("predictions_uncertainty_entropy")
        assert result.view.values("predictions_uncertainty_entropy") == sorted(values, reverse=True)[:3]
        assert result.view.values("round_1.gain_weights_predictions_uncertainty_entropy") == (
            pytest.approx(sorted(values, reverse=True)[:3])
        )

    def test_are_computed_for_the_samples_that_came_later(self, classified):
        early, late = classified.limit(4), classified.skip(4)
        score_uncertainty(early, "predictions")
        early.set_values("predictions_uncertainty_entropy", [9.0] * 4)
        result = select_samples(classified, self.CONFIG, "round_1")
        assert result.notes == ["computed predictions_uncertainty_entropy of 8 samples first"]
        assert result.eligible == 12
        assert early.values("predictions_uncertainty_entropy") == [9.0] * 4
        assert all(0 <= value <= 1 for value in late.values("predictions_uncertainty_entropy"))

    def test_are_not_computed_again(self, classified):
        score_uncertainty(classified, "predictions")
        classified.set_values("predictions_uncertainty_entropy", [float(row) for row in range(12)])
        result = select_samples(classified, self.CONFIG, "round_1")
        assert result.notes == []
        assert hours(result) == [11, 10, 9]

    def test_by_an_attribute_of_the_prediction(self, classified):
        config = {
            "n_samples": 2,
            "strategies": [
                {
                    "input": {"type": "METADATA", "key": "predictions.confidence"},
                    "strategy": {"type": "WEIGHTS", "strength": -1.0},
                }
            ],
        }
        confidences = sorted(value for value in classified.values("predictions.confidence") if value is not None)
        result = select_samples(classified, config, "round_1")
        assert result.view.values("predictions.confidence") == confidences[:2]

    def test_by_field(self, classified):
        config = {
            "n_samples": 2,
            "strategies": [{"input": {"type": "SCORES", "field": "hour"}, "strategy": {"type": "WEIGHTS"}}],
        }
        assert hours(select_samples(classified, config, "round_1")) == [11, 10]


def test_a_config_model_is_taken_as_well_as_json(classified):
    config = parse(SelectionConfig, by_hour(2))
    assert hours(select_samples(classified, config, "round_1")) == [11, 10]


def test_samples_in_memory_are_refreshed(classified):
    held = classified.last()
    select_samples(classified, by_hour(1), "round_1")
    assert held.round_1.rank == 1
    assert held.tags == ["odd", "round_1"]


def test_nothing_but_tag_and_field_is_changed(classified, documents):
    ours = ["last_modified_at", "round_1", "tags"]
    before = documents(classified, ours)
    select_samples(classified, by_hour(3), "round_1")
    assert documents(classified, ours) == before


def test_of_many_candidates_some_are_compared_and_all_are_drawn_from(classified, monkeypatch):
    monkeypatch.setattr(selecting, "_FEWEST_AND_MOST_COVERED", (2, 4))
    seen = []

    def compared(*args, pool, covered, **more):
        seen.append((len(pool), len(covered)))
        return compare_with_random(*args, pool=pool, covered=covered, **more)

    monkeypatch.setattr(selecting, "compare_with_random", compared)
    select_samples(classified, {"n_samples": 5, "strategies": [DIVERSITY]}, "some")
    monkeypatch.setattr(selecting, "_MOST_COMPARED", 15)
    select_samples(classified, {"n_samples": 5, "strategies": [DIVERSITY]}, "fewer")
    assert seen == [(12, 4), (12, 3)]
