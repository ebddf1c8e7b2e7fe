"""Bad input to select_samples: one sentence, and nothing changes."""

from __future__ import annotations

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np
import pytest

from shortlist import ShortlistError, score_uncertainty, select_samples

DIVERSITY = {"input": {"type": "EMBEDDINGS"}, "strategy": {"type": "DIVERSITY"}}
HOUR = {"input": {"type": "METADATA", "key": "hour"}, "strategy": {"type": "WEIGHTS"}}


def config(*strategies: dict, n: int = 2, **more) -> dict:
    return {"n_samples": n, "strategies": list(strategies or [HOUR]), **more}


def weights(**source) -> dict:
    return {"input": source, "strategy": {"type": "WEIGHTS"}}


class TestTheNumber:
    def test_beyond_the_pool(self, untouched, refused):
        with refused(untouched, "n_samples must be at most 12, the number of candidates. Got 13 instead."):
            select_samples(untouched, config(n=13), "round_1")

    def test_beyond_what_is_not_preselected(self, untouched, refused):
        sentence = "n_samples must be at most 6, the number of candidates (6 more are preselected). Got 7 instead."
        with refused(untouched, sentence):
            select_samples(untouched, config(n=7, preselected="odd"), "round_1")

    def test_beyond_what_is_eligible(self, untouched, refused):
        below = {**HOUR, "strategy": {"type": "THRESHOLD", "threshold": 9, "operation": "BIGGER"}}
        sentence = (
            "n_samples must be at most 2, the eligible candidates (12 in all, 10 beyond the THRESHOLD of hour). "
            "Got 5 instead."
        )
        with refused(untouched, sentence):
            select_samples(untouched, config(HOUR, below, n=5), "round_1")

    @pytest.mark.parametrize(
        ("more", "end"),
        [
            ({}, ", or a BUDGET among the constraints. Got neither instead."),
            ({"n_samples": 1, "proportion_samples": 0.5}, ". Got both instead."),
        ],
    )
    def test_of_two_kinds_or_none(self, untouched, refused, more, end):
        sentence = f"config: exactly one of n_samples and proportion_samples must be given{end}"
        with refused(untouched, sentence):
            select_samples(untouched, {"strategies": [HOUR], **more}, "round_1")


def test_an_unknown_strategy(untouched, refused):
    misspelt = {**DIVERSITY, "strategy": {"type": "DIVERSTY"}}
    with pytest.raises(ShortlistError) as caught:
        select_samples(untouched, config(misspelt), "round_1")
    assert str(caught.value).startswith("config.strategies[0].strategy.type must be one of ")
    assert str(caught.value).endswith("Got 'DIVERSTY' instead. Did you mean 'DIVERSITY'?")


@pytest.mark.parametrize("given", [None, 3, "round", []])
def test_a_config_that_is_none(untouched, refused, given):
    sentence = f"config must be an object of named parameters. Got {given!r} instead."
    with refused(untouched, sentence):
        select_samples(untouched, given, "round_1")


class TestTheRunKey:
    @pytest.mark.parametrize(
        ("key", "suggestion"),
        [
            ("round 1", "round_1"),
            ("1st", "run_1st"),
            ("größe", "gr_e"),
            ("a.b", "a_b"),
            ("_x", "round_1"),
            ("_ab", "ab"),
            ("-", "round_1"),
        ],
    )
    def test_that_is_no_name(self, untouched, refused, key, suggestion):
        sentence = (
            f"run_key must be a letter followed by letters, digits and underscores, since it names a field. "
            f"Got {key!r} instead. Try {suggestion!r}."
        )
        with refused(untouched, sentence):
            select_samples(untouched, config(), key)

    def test_that_is_empty(self, untouched, refused):
        with refused(untouched, "run_key must be a text of at least 1 character(s). Got '' instead."):
            select_samples(untouched, config(), "")

    def test_of_an_earlier_selection(self, classified, refused):
        select_samples(classified, config(), "round_1")
        sentence = (
            "run_key must be new. Got 'round_1' instead. There is a selection of that name. Choose another key, or "
            "delete it first."
        )
        with refused(classified, sentence):
            select_samples(classified, config(), "round_1")

    def test_of_another_run(self, classified, refused):
        classified.register_run("round_1", classified.init_run(method="mine"))
        with refused(classified, taken("There is another run of that name.")):
            select_samples(classified, config(), "round_1")

    def test_of_a_field(self, classified, refused):
        classified.set_values("round_1", ["mine"] * 12)
        with refused(classified, taken("There is a field of that name.")):
            select_samples(classified, config(), "round_1")

    def test_of_a_score(self, classified, refused):
        score_uncertainty(classified, "predictions", scores=["uncertainty_margin"])
        key = "predictions_uncertainty_margin"
        with refused(classified, taken("There is a score field of that name.", key)):
            select_samples(classified, config(), key)

    def test_of_a_tag(self, untouched, refused):
        with refused(untouched, taken("There are samples with a tag of that name.", "even")):
            select_samples(untouched, config(), "even")

    def test_of_a_saved_view(self, classified, refused):
        classified.save_view("round_1", classified.limit(3))
        with refused(classified, taken("There is a saved view of that name.")):
            select_samples(classified, config(), "round_1")

    @pytest.mark.parametrize("name", ["Round 1", "ROUND_1", "round-1"])
    def test_of_a_saved_view_that_fiftyone_takes_for_the_same(self, classified, refused, name):
        """FiftyOne refuses names that look alike in a URL; that must come before anything is written."""
        classified.save_view(name, classified.limit(3))
        with refused(classified, taken("There is a saved view of that name.")):
            select_samples(classified, config(), "round_1")

    @pytest.mark.parametrize("name", ["frames", "self"])
    def test_that_fiftyone_keeps_for_itself(self, untouched, refused, name):
        sentence = (
            f"run_key must be another name than FiftyOne keeps for itself. Got {name!r} instead. Choose another key."
        )
        with refused(untouched, sentence):
            select_samples(untouched, config(), name)

    @pytest.mark.parametrize("name", ["id", "filepath", "tags", "metadata", "predictions"])
    def test_of_a_field_that_every_dataset_has(self, untouched, refused, name):
        with refused(untouched, taken("There is a field of that name.", name)):
            select_samples(untouched, config(), name)


def taken(what: str, key: str = "round_1") -> str:
    return f"run_key must be new. Got {key!r} instead. {what} Choose another key."


class TestTheEmbeddings:
    def test_none_at_all(self, detected, refused):
        sentence = (
            "strategies[0]: the input EMBEDDINGS needs embeddings. This dataset has no embeddings. Compute some with "
            "`visualize_embeddings` and a model, or store one vector a sample in a field."
        )
        with refused(detected, sentence):
            select_samples(detected, config(DIVERSITY), "round_1")

    def test_several(self, classified, refused):
        classified.set_values("dino", classified.values("clip"))
        fob.compute_similarity(classified, embeddings=np.eye(12), brain_key="sim", progress=False)
        sentence = (
            "strategies[0]: the input EMBEDDINGS must name its field or brain_key, "
            "since there are several: clip, dino, sim."
        )
        with refused(classified, sentence):
            select_samples(classified, config(DIVERSITY), "round_1")

    def test_field_and_key_at_once(self, untouched, refused):
        both = {**DIVERSITY, "input": {"type": "EMBEDDINGS", "field": "clip", "brain_key": "sim"}}
        sentence = (
            "strategies[0]: the input EMBEDDINGS must be given a field or a brain_key, not both. "
            "Got ['clip', 'sim'] instead."
        )
        with refused(untouched, sentence):
            select_samples(untouched, config(both), "round_1")

    def test_of_mixed_sizes(self, classified, refused):
        vectors = classified.values("clip")
        vectors[5] = np.ones(3, np.float32)
        classified.set_values("clip", vectors)
        odd = classified.skip(5).first().id
        sentence = (
            f"strategies[0]: embeddings in 'clip' must be vectors of one length, 4 as first found. Got shape (3,) for "
            f"sample {odd} instead."
        )
        with refused(classified, sentence):
            select_samples(classified, config(DIVERSITY), "round_1")

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_that_are_not_finite(self, classified, refused, bad):
        vectors = classified.values("clip")
        for row in (2, 7):
            vectors[row] = np.array([1, bad, 0, 0], np.float32)
        classified.set_values("clip", vectors)
        ids = classified.values("id")
        sentence = (
            f"strategies[0]: embeddings must be finite numbers. Got NaN or infinity in 'clip' for 2 sample(s) instead: "
            f"{ids[2]}, {ids[7]}."
        )
        with refused(classified, sentence):
            select_samples(classified, config(DIVERSITY), "round_1")

    def test_in_a_field_that_is_no_vector(self, untouched, refused):
        wrong = {**DIVERSITY, "input": {"type": "EMBEDDINGS", "field": "hour"}}
        sentence = "strategies[0]: input.field must be a field with one vector a sample. Got 'hour (IntField)' instead."
        with refused(untouched, sentence):
            select_samples(untouched, config(wrong), "round_1")

    def test_in_a_field_without_a_value(self, classified, refused):
        classified.set_values("clip", [None] * 12)
        sentence = "strategies[0]: embeddings must be there for at least one sample. Got none in 'clip' instead."
        with refused(classified, sentence):
            select_samples(classified, config(DIVERSITY), "round_1")


class TestTheNumbers:
    @pytest.mark.parametrize(
        ("key", "kind"), [("weather", "StringField"), ("tags", "ListField"), ("clip", "VectorField")]
    )
    def test_that_are_none(self, untouched, refused, key, kind):
        sentence = (
            f"strategies[0]: input.key must be a field with one number, date or truth value a sample. "
            f"Got '{key} ({kind})' instead."
        )
        with refused(untouched, sentence):
            select_samples(untouched, config(weights(type="METADATA", key=key)), "round_1")

    def test_no_such_field(self, untouched, refused):
        sentence = (
            f"strategies[1]: input.key must be a field of {untouched.name!r}. Got 'hours' instead. Did you mean 'hour'?"
        )
        with refused(untouched, sentence):
            select_samples(untouched, config(HOUR, weights(type="METADATA", key="hours")), "round_1")

    def test_without_a_single_value(self, classified, refused):
        classified.add_sample_field("empty", fo.FloatField)
        with refused(classified, "strategies[0]: input.key: no sample has a value in 'empty'."):
            select_samples(classified, config(weights(type="METADATA", key="empty")), "round_1")

    def test_that_are_infinite(self, classified, refused):
        classified.set_values("score", [float("inf"), *range(11)])
        sentence = "WEIGHTS of score: values must be finite numbers. Got infinity 1 times instead (first row: 0)."
        with refused(classified, sentence):
            select_samples(classified, config(weights(type="METADATA", key="score")), "round_1")

    def test_a_default_that_is_a_text(self, untouched, refused):
        source = {"type": "METADATA", "key": "hour", "default_value": "noon"}
        sentence = "strategies[0]: input.default_value must be a number where numbers are wanted. Got 'noon' instead."
        with refused(untouched, sentence):
            select_samples(untouched, config(weights(**source)), "round_1")

    @pytest.mark.parametrize(
        "given", [{}, {"task": "predictions"}, {"task": "predictions", "score": "uncertainty_margin", "field": "hour"}]
    )
    def test_scores_that_name_no_one_thing(self, untouched, refused, given):
        sentence = (
            f"strategies[0]: the input SCORES must be given either a field, or a task (label field) and a score. "
            f"Got {given!r} instead. Number fields here: hour, checked, day, metadata.size_bytes, metadata.width, "
            f"metadata.height, metadata.num_channels, predictions.confidence."
        )
        with refused(untouched, sentence):
            select_samples(untouched, config(weights(type="SCORES", **given)), "round_1")

    def test_a_score_that_is_not_known(self, untouched, refused):
        source = {"type": "SCORES", "task": "predictions", "score": "entropy"}
        with pytest.raises(
            ShortlistError, match=r"^config\.strategies\[0\]\.input\.score must be one of .* Got 'entropy' instead\."
        ):
            select_samples(untouched, config(weights(**source)), "round_1")

    def test_after_a_score_that_would_be_computed_first(self, untouched, refused):
        """Nothing is scored for a selection that cannot be made."""
        missing = weights(type="SCORES", task="predictions", score="uncertainty_margin")
        sentence = (
            f"strategies[1]: input.key must be a field of {untouched.name!r}. Got 'hours' instead. Did you mean 'hour'?"
        )
        with refused(untouched, sentence):
            select_samples(untouched, config(missing, weights(type="METADATA", key="hours")), "round_1")


class TestPreselectedAndCandidates:
    @pytest.mark.parametrize("where", ["preselected", "candidates"])
    def test_that_are_nothing(self, untouched, refused, where):
        sentence = (
            f"{where} must be a tag, a saved view or a selection of {untouched.name!r}. Got 'evn' instead. "
            f"Did you mean 'even'?"
        )
        with refused(untouched, sentence):
            select_samples(untouched, config(**{where: "evn"}), "round_1")

    def test_one_of_several_that_is_nothing(self, untouched, refused):
        sentence = (
            f"preselected must be a tag, a saved view or a selection of {untouched.name!r}. Got 'ood' instead. "
            f"Did you mean 'odd'?"
        )
        with refused(untouched, sentence):
            select_samples(untouched, config(preselected=["even", "ood"]), "round_1")

    @pytest.mark.parametrize("given", [7, ["even", 7], {"even": 1}])
    def test_what_is_no_name(self, untouched, given):
        with pytest.raises(ShortlistError, match=r"^config\.preselected"):
            select_samples(untouched, config(preselected=given), "round_1")

    def test_where_there_are_none(self, make, refused):
        dataset = make([fo.Sample("/nowhere/0.png", hour=1)])
        sentence = (
            f"candidates must be a tag, a saved view or a selection of {dataset.name!r}. Got 'x' instead. "
            f"It has none yet."
        )
        with refused(dataset, sentence):
            select_samples(dataset, config(n=1, candidates="x"), "round_1")

    @pytest.mark.parametrize("where", ["preselected", "candidates"])
    def test_that_are_patches(self, detected, refused, where):
        detected.save_view("objects", detected.to_patches("predictions"))
        sentence = f"{where} must be a view of samples. Got 'objects', a view of patches, instead."
        detected.set_values("hour", list(range(8)))
        with refused(detected, sentence):
            select_samples(detected, config(**{where: "objects"}), "round_1")


class TestTheSamples:
    def test_an_empty_view(self, untouched, refused):
        with refused(untouched, "the samples must hold at least one. Got an empty view instead."):
            select_samples(untouched.match_tags("nothing"), config(), "round_1")

    def test_a_view_of_patches(self, detected, refused):
        sentence = (
            "the samples must be a dataset or a view of its samples. Got a view of patches instead. Use the view that it "
            "was made from."
        )
        with refused(detected, sentence):
            select_samples(detected.to_patches("predictions"), config(), "round_1")

    def test_no_dataset(self):
        with pytest.raises(
            ShortlistError, match=r"^the samples must be a FiftyOne dataset or view\. Got 'str' instead\.$"
        ):
            select_samples("quickstart", config(), "round_1")
