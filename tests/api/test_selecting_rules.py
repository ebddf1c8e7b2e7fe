"""select_samples: constraints, partial runs, budgets, notes, and what is recorded of where a selection came from."""

from __future__ import annotations

from collections import Counter

import fiftyone as fo
import numpy as np
import pytest
from bson import ObjectId
from fiftyone import ViewField as F

from shortlist import ShortlistError, list_selections, load_selection, select_samples
from shortlist.dataset.selections import candidates_of

HOUR = {"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "WEIGHTS"}}
OBJECTS = {"type": "PREDICTIONS", "task": "objects", "name": "CATEGORY_COUNT"}


def config(n: int | None = None, *constraints: dict, **more) -> dict:
    budget = {} if n is None else {"n_samples": n}
    return {**budget, "strategies": [HOUR], "constraints": list(constraints), **more}


def hours(result) -> list[int]:
    return result.view.values("hour")


@pytest.fixture
def dataset(make):
    """Twelve frames of three videos, with as many cats as the rest of the hour by three, and dogs in every fifth."""

    def box(label: str) -> fo.Detection:
        return fo.Detection(label=label, bounding_box=[0.1, 0.1, 0.2, 0.2])

    return make(
        [
            fo.Sample(
                f"/nowhere/v{row // 4}/{row:02d}.png",
                hour=row,
                video=f"v {row // 4}.mp4",
                clip=[float(row // 2), 0.0],
                minutes=None if row == 11 else float(row),
                objects=fo.Detections(detections=[box("cat")] * (row % 3) + [box("dog")] * (row % 5 == 0)),
            )
            for row in range(12)
        ]
    )


class TestConstraints:
    def test_at_most_so_many_of_a_group(self, dataset):
        rule = {"type": "MAX_PER_GROUP", "key": "video", "maximum": 2}
        assert hours(select_samples(dataset, config(5, rule), "round_1")) == [11, 10, 7, 6, 3]

    def test_the_datapool_counts_in_its_group(self, dataset):
        dataset.skip(11).tag_samples("done")
        rule = {"type": "MAX_PER_GROUP", "key": "video", "maximum": 2}
        assert hours(select_samples(dataset, config(4, rule, preselected="done"), "round_1")) == [10, 7, 6, 3]

    def test_a_minimum_distance(self, dataset):
        rule = {"type": "MINIMUM_DISTANCE", "distance": 1.5}
        assert hours(select_samples(dataset, config(3, rule), "round_1")) == [11, 7, 3]

    def test_quotas_of_classes(self, dataset):
        rule = {
            "type": "PER_CLASS",
            "input": {"type": "PREDICTIONS", "task": "objects"},
            "minimum": {"dog": 2},
            "maximum": {"cat": 3},
        }
        result = select_samples(dataset, config(4, rule), "round_1")
        assert (
            hours(result) == [11, 10, 9, 5]
            or Counter(label for labels in result.view.values("objects.detections.label") for label in labels)["dog"]
            >= 2
        )
        found = Counter(label for labels in result.view.values("objects.detections.label") for label in labels)
        assert found["dog"] >= 2
        assert found["cat"] <= 3

    def test_a_budget_of_objects_instead_of_a_number(self, dataset):
        rule = {"type": "BUDGET", "input": OBJECTS, "maximum": 5}
        result = select_samples(dataset, config(None, rule), "round_1")
        # Objects from hour 11 down: 2, 2, 0, 2, 1, 0, 3, 1, 0, 2, 1, 1.
        assert hours(result) == [11, 10, 9, 7, 6, 3]
        assert result.notes == ["the picks take 5 of 5 of objects count"]

    def test_what_has_no_costs_is_free_and_said_so(self, dataset):
        rule = {"type": "BUDGET", "input": {"type": "METADATA", "key": "minutes"}, "maximum": 12}
        result = select_samples(dataset, config(None, rule), "round_1")
        assert hours(result) == [11, 10, 2, 0]
        assert result.notes == [
            "the picks take 12 of 12 of minutes; 1 candidates without a value cost nothing",
        ]

    def test_errors_say_which_rule(self, dataset, refused):
        for rule, sentence in [
            (
                {"type": "MAX_PER_GROUP", "key": "vidoe", "maximum": 2},
                f"constraints[0]: key must be a field of {dataset.name!r}. Got 'vidoe' instead. Did you mean 'video'?",
            ),
            (
                {"type": "BUDGET", "input": {"type": "METADATA", "key": "video"}, "maximum": 2},
                "constraints[0]: input.key must be a field with one number, date or truth value a sample. Got "
                "'video (StringField)' instead.",
            ),
        ]:
            with refused(dataset, sentence):
                select_samples(dataset, config(2, rule), "round_1")

    def test_errors_say_which_input_of_a_strategy(self, dataset, refused):
        coverage = {
            "input": {"type": "EMBEDDINGS", "field": "clip"},
            "strategy": {"type": "COVERAGE", "weight": {"type": "SCORES", "field": "huor"}},
        }
        sentence = (
            f"strategies[0]: strategy.weight.field must be a field of {dataset.name!r}. Got 'huor' instead. "
            f"Did you mean 'hour'?"
        )
        with refused(dataset, sentence):
            select_samples(dataset, {"n_samples": 2, "strategies": [coverage]}, "round_1")


class TestPartialRuns:
    RULE = {"type": "MAX_PER_GROUP", "key": "video", "maximum": 1}

    def test_fewer_picks_than_asked_for_are_said(self, dataset):
        result = select_samples(dataset, config(7, self.RULE), "round_1")
        note = "picked 3 of the 7 asked for: the rules (at most 1 per video) allow no more"
        assert (result.n_samples, hours(result), result.notes) == (3, [11, 7, 3], [note])
        (record,) = list_selections(dataset)
        assert (record.n_samples, record.facts["notes"]) == (3, [note])
        assert load_selection(dataset, "round_1").values("round_1.rank") == [1, 2, 3]
        assert "picked 3 of the 7" in str(result)

    def test_stopping_conditions_are_named_too(self, dataset):
        diverse = {
            "input": {"type": "EMBEDDINGS", "field": "clip"},
            "strategy": {"type": "DIVERSITY", "stopping_condition_minimum_distance": 2.0},
        }
        result = select_samples(dataset, {"n_samples": 6, "strategies": [diverse]}, "round_1")
        assert result.n_samples == 3
        assert result.notes == [
            "picked 3 of the 6 asked for: the rules (stopping_condition_minimum_distance of DIVERSITY of clip) allow no more"
        ]

    def test_nothing_at_all_is_an_error(self, dataset, refused):
        dataset.set_values("price", [10.0] * 12)
        rule = {"type": "BUDGET", "input": {"type": "METADATA", "key": "price"}, "maximum": 5}
        sentence = (
            "the rules (at most 5 of price in all) must allow at least one pick. Got none of 12 candidates instead; "
            "nothing was written."
        )
        with refused(dataset, sentence):
            select_samples(dataset, config(None, rule), "round_1")

    def test_no_candidate_left_is_an_error(self, dataset, refused):
        above = {**HOUR, "strategy": {"type": "THRESHOLD", "threshold": 99}}
        rule = {"type": "BUDGET", "input": OBJECTS, "maximum": 5}
        sentence = (
            "at least one candidate must be eligible. Got none of 12 candidates instead (12 beyond the THRESHOLD of hour); "
            "nothing was written."
        )
        with refused(dataset, sentence):
            select_samples(dataset, {"strategies": [HOUR, above], "constraints": [rule]}, "round_1")

    def test_what_the_pool_cannot_give_is_said(self, dataset):
        rule = {
            "type": "PER_CLASS",
            "input": {"type": "PREDICTIONS", "task": "objects"},
            "minimum": {"dog": 9},
        }
        result = select_samples(dataset, config(4, rule), "round_1")
        assert [note for note in result.notes if "dog" in note] == [
            "at least 9 dog in objects asks for 9 of 'dog', and there are 3"
        ]
        assert list_selections(dataset)[0].facts["notes"] == result.notes

    def test_a_minimum_that_another_rule_kept_out_of_reach_is_said(self, dataset):
        """The three frames with dogs are those of hours 0, 5 and 10."""
        rules = [
            {"type": "PER_CLASS", "input": {"type": "PREDICTIONS", "task": "objects"}, "minimum": {"dog": 3}},
            {"type": "BUDGET", "input": {"type": "METADATA", "key": "hour"}, "maximum": 12},
        ]
        result = select_samples(dataset, config(4, *rules), "round_1")
        held = sum("dog" in labels for labels in result.view.values("objects.detections.label"))
        assert held < 3
        assert any(f"hold {held} of 'dog', and at least 3 dog in objects asks for 3" in note for note in result.notes)


class TestTheRecord:
    def test_gives_the_candidates_again(self, dataset):
        view = dataset.match(F("hour") < 5)
        select_samples(view, config(2), "round_1")
        select_samples(dataset, config(2), "round_2")
        assert dataset.load_run_view("round_1").values("hour") == [0, 1, 2, 3, 4]
        assert candidates_of(dataset, "round_1").values("hour") == [0, 1, 2, 3, 4]
        assert len(candidates_of(dataset, "round_2")) == 12
        facts = [record.facts for record in list_selections(dataset)]
        assert [one["candidates"] for one in facts] == [5, 12]

    def test_of_a_slice_of_groups(self, make):
        dataset = make()
        dataset.add_group_field("group", default="left")
        for row in range(4):
            group = fo.Group()
            pair = [
                fo.Sample(f"/nowhere/{row}-{side}.png", group=group.element(side), hour=row)
                for side in ("left", "right")
            ]
            dataset.add_samples(pair, progress=False)
        select_samples(dataset, config(2), "round_1")
        dataset.group_slice = "right"
        assert candidates_of(dataset, "round_1").values("group.name") == ["left"] * 4

    def test_of_a_view_that_no_document_can_hold(self, dataset, monkeypatch):
        """The selection is kept all the same; only where it came from is not."""
        monkeypatch.setattr("shortlist.dataset.selections._MOST_OF_A_VIEW", 200)
        select_samples(dataset.select(dataset.limit(8).values("id")), config(2), "round_1")
        assert list_selections(dataset)[0].n_samples == 2
        with pytest.raises(ShortlistError, match="must have the view that it was made from"):
            candidates_of(dataset, "round_1")


class TestInputsOfStrategies:
    def test_what_the_datapool_lacks_beside_does_not_take_it_out(self, make):
        """Of labelled samples nothing is predicted any more, and yet what is near them is covered."""
        samples = [fo.Sample(f"/nowhere/{row}.png", clip=[1.0, row / 100], hour=row, u=1.0) for row in range(4)]
        samples += [fo.Sample(f"/nowhere/{row}.png", clip=[row / 100, 1.0], hour=row, u=1.0) for row in range(4, 7)]
        samples[0]["u"], samples[0].tags = None, ["done"]
        dataset = make(samples)
        coverage = {
            "input": {"type": "EMBEDDINGS", "field": "clip"},
            "strategy": {"type": "COVERAGE", "weight": {"type": "SCORES", "field": "u"}, "kernel_width": 0.2},
        }
        given = {"n_samples": 1, "strategies": [coverage], "preselected": "done"}
        (first,) = hours(select_samples(dataset, given, "round_1"))
        assert first >= 4

    def test_scores_that_they_need_are_computed_first(self, classified):
        coverage = {
            "input": {"type": "EMBEDDINGS"},
            "strategy": {
                "type": "COVERAGE",
                "weight": {"type": "SCORES", "task": "predictions", "score": "uncertainty_margin"},
            },
        }
        result = select_samples(classified, {"n_samples": 3, "strategies": [coverage]}, "round_1")
        assert result.notes == ["computed predictions_uncertainty_margin of 12 samples first"]

    def test_candidates_without_a_value_beside_are_left_out(self, classified):
        classified.set_values("u", [None, *[1.0] * 11])
        coverage = {
            "input": {"type": "EMBEDDINGS"},
            "strategy": {"type": "COVERAGE", "weight": {"type": "SCORES", "field": "u"}},
        }
        result = select_samples(classified, {"n_samples": 3, "strategies": [coverage]}, "round_1")
        assert result.left_out == {"without a value for COVERAGE of embeddings": 1}


class TestSequences:
    CONFIG = {"selected_sequence_length": 2}

    def test_whole_sequences_are_picked(self, dataset):
        result = select_samples(dataset, config(4, **self.CONFIG), "round_1")
        # Of sequences, too, the highest come first; their frames are in order.
        assert hours(result) == [10, 11, 8, 9]
        assert result.view.values("round_1.rank") == [1, 2, 3, 4]
        assert result.view.values("round_1.gain_weights_hour") == [10.5, 10.5, 8.5, 8.5]
        assert (result.eligible, result.notes) == (12, [])

    def test_what_is_no_multiple_is_said(self, dataset):
        result = select_samples(dataset, config(5, **self.CONFIG), "round_1")
        assert result.n_samples == 4
        assert result.notes == ["picked 4 of 5 samples, which are whole sequences of 2"]

    def test_left_overs_are_counted(self, dataset):
        result = select_samples(dataset, config(6, selected_sequence_length=3), "round_1")
        assert hours(result) == [8, 9, 10, 4, 5, 6]
        assert result.left_out == {"in no whole sequence of 3": 3}

    def test_by_fields(self, dataset):
        dataset.set_values("backwards", [-row for row in range(12)])
        given = config(2, **self.CONFIG, sequence_of="video", sequence_order="backwards")
        assert hours(select_samples(dataset, given, "round_1")) == [11, 10]

    def test_paths_are_counted_as_people_count(self, make):
        dataset = make([fo.Sample(f"/nowhere/frame_{row}.png", hour=row) for row in (1, 10, 2, 11, 9, 3)])
        result = select_samples(dataset, config(2, **self.CONFIG), "round_1")
        assert hours(result) == [10, 11]

    def test_costs_are_those_of_all_frames(self, dataset):
        rule = {"type": "BUDGET", "input": OBJECTS, "maximum": 6}
        result = select_samples(dataset, config(None, rule, **self.CONFIG), "round_1")
        # Sequences from the last: 4, 2, 1, 4, 2, 2 objects.
        assert hours(result) == [10, 11, 8, 9]
        assert result.notes == ["the picks take 6 of 6 of objects count"]

    def test_what_cannot_be_picked_whole(self, dataset, refused):
        with refused(dataset, "n_samples must be from 3 to 9, the candidates in whole sequences of 3. Got 2 instead."):
            select_samples(dataset, config(2, selected_sequence_length=3), "round_1")
        with refused(dataset, "n_samples must be from 3 to 9, the candidates in whole sequences of 3. Got 12 instead."):
            select_samples(dataset, config(12, selected_sequence_length=3), "round_1")
        sentence = (
            "selected_sequence_length must be at most as many candidates as a video has next to each other. Got 5 instead; "
            "no video has that many."
        )
        with refused(dataset, sentence):
            select_samples(dataset, config(5, selected_sequence_length=5), "round_1")
        with refused(
            dataset, f"sequence_of must be a field of {dataset.name!r}. Got 'vidoe' instead. Did you mean 'video'?"
        ):
            select_samples(dataset, config(4, **self.CONFIG, sequence_of="vidoe"), "round_1")

    def test_the_order_of_the_samples_does_not_matter(self, dataset):
        diverse = {"input": {"type": "EMBEDDINGS", "field": "clip"}, "strategy": {"type": "DIVERSITY"}}
        given = {"n_samples": 6, "strategies": [diverse, HOUR], **self.CONFIG}
        straight = select_samples(dataset, given, "straight")
        assert select_samples(dataset.shuffle(seed=3), given, "shuffled").ids == straight.ids


class TestUnusualData:
    @pytest.mark.parametrize("name", ["größe", "a_b", "Ω"])
    def test_names_of_fields_and_classes(self, make, name):
        labels = ["a.b", "with space", "ü$", ""]
        dataset = make([fo.Sample(f"/nowhere/{row}.png", **{name: labels[row % 4]}, hour=row) for row in range(8)])
        balance = {
            "input": {"type": "METADATA", "key": name},
            "strategy": {"type": "BALANCE", "target": {"a.b": 0.5, "ü$": 0.5}},
        }
        result = select_samples(dataset, {"n_samples": 4, "strategies": [balance]}, "round_1")
        assert Counter(result.view.values(name)) == {"a.b": 2, "ü$": 2}

    def test_one_sample(self, make):
        dataset = make([fo.Sample("/nowhere/0.png", clip=[1.0, 2.0], weather="sun", hour=1)])
        for number, (source, kind) in enumerate(
            [
                ({"type": "EMBEDDINGS"}, "DIVERSITY"),
                ({"type": "EMBEDDINGS"}, "COVERAGE"),
                ({"type": "EMBEDDINGS"}, "TYPICALITY"),
                ({"type": "METADATA", "key": "weather"}, "BALANCE"),
                ({"type": "RANDOM"}, "WEIGHTS"),
            ]
        ):
            given = {"n_samples": 1, "strategies": [{"input": source, "strategy": {"type": kind}}]}
            assert select_samples(dataset, given, f"round_{number}").n_samples == 1

    def test_the_same_run_twice_picks_the_same(self, dataset):
        rule = {"type": "MAX_PER_GROUP", "key": "video", "maximum": 2}
        first = select_samples(dataset, config(5, rule), "round_1").ids
        assert select_samples(dataset, config(5, rule), "round_2").ids == first

    def test_cancelled_while_reading_nothing_is_written(self, dataset, snapshot):
        from shortlist.core.errors import Cancelled

        def progress(done, total, label=""):
            if label.startswith("reading objects"):
                raise Cancelled

        before = snapshot(dataset)
        rule = {"type": "BUDGET", "input": OBJECTS, "maximum": 5}
        with pytest.raises(Cancelled):
            select_samples(dataset, config(None, rule), "round_1", progress=progress)
        assert snapshot(dataset) == before

    def test_many_samples_in_batches(self, make):
        """More samples than are read at a time, some of them twice."""
        dataset = make([fo.Sample("/nowhere/0.png", hour=0, weather="sun")])
        source = dataset._sample_collection.find_one()
        made = [
            {**source, "_id": ObjectId(), "hour": row, "weather": ["sun", "rain"][row % 2]} for row in range(1, 4200)
        ]
        dataset._sample_collection.insert_many(made)
        balance = {"input": {"type": "METADATA", "key": "weather"}, "strategy": {"type": "BALANCE", "strength": 1e9}}
        view = dataset.concat(dataset.limit(100))
        result = select_samples(view, {"n_samples": 10, "strategies": [balance, HOUR]}, "round_1")
        assert Counter(result.view.values("weather")) == {"sun": 5, "rain": 5}
        assert sorted(hours(result)) == list(range(4190, 4200))
        assert result.eligible == len(np.unique(view.values("id"))) == 4200
