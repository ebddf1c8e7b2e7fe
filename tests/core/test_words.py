"""What a config means in one sentence, and the table of what people want."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shortlist.core.schema import parse, tag_of
from shortlist.core.selection.config import SelectionConfig
from shortlist.core.selection.constraint import constraints
from shortlist.core.selection.inputs import inputs
from shortlist.core.selection.presets import PRESETS, Has, presets, table
from shortlist.core.selection.strategy import strategies
from shortlist.core.selection.words import in_words

CLIP = {"type": "EMBEDDINGS", "field": "clip"}
ENTROPY = {"type": "SCORES", "task": "predictions", "score": "uncertainty_entropy"}
HOUR = {"type": "METADATA", "key": "hour"}
EVERYTHING = Has(CLIP, "predictions", "labeled", "video_name", "day", "hour", "faces")
#: what a strategy or constraint must be given
NEEDED: dict[str, dict[str, Any]] = {
    "THRESHOLD": {"threshold": 3},
    "CLUSTER_MARGIN": {"weight": ENTROPY},
    "BUDGET": {"input": HOUR, "maximum": 60},
    "MAX_PER_GROUP": {"key": "video_name", "maximum": 5},
    "MINIMUM_DISTANCE": {"distance": 0.5, "input": CLIP},
    "PER_CLASS": {
        "input": {"type": "PREDICTIONS", "task": "predictions"},
        "minimum": {"car": 3},
        "maximum": {"bus": 9},
    },
}
#: an input of each kind
GIVING: dict[str, dict[str, Any]] = {
    "vectors": CLIP,
    "numbers": ENTROPY,
    "amounts": {"type": "PREDICTIONS", "task": "predictions"},
    "probabilities": {"type": "PREDICTIONS", "task": "predictions", "name": "PROBABILITIES"},
    "committee": {"type": "PREDICTIONS", "task": "predictions", "name": "PASSES", "further_tasks": ["others"]},
}


def entry(kind: str, source: dict | None = None, **parameters: Any) -> dict[str, Any]:
    found = strategies()[kind]
    given = {**(source or GIVING[found.takes])}
    if found.queries:
        given["tag_name"] = "faces"
    return {"input": given, "strategy": {"type": kind, **NEEDED.get(kind, {}), **parameters}}


def said(*entries: dict, **config: Any) -> str:
    n = {} if "proportion_samples" in config else {"n_samples": 100}
    return in_words(parse(SelectionConfig, {**n, "strategies": list(entries), **config}))


def test_the_models_of_a_committee_are_named():
    assert "the models of `predictions` and `others` disagree" in said(entry("BATCHBALD"))
    of_passes = {"type": "PREDICTIONS", "name": "PASSES", "task": "one", "passes_attribute": "passes"}
    assert "the models of `one` disagree" in said(entry("BATCHBALD", of_passes))


def test_the_sentence_of_the_issue():
    rules = [{"type": "MAX_PER_GROUP", "key": "video_name", "maximum": 5}]
    assert said(entry("DIVERSITY"), entry("WEIGHTS"), constraints=rules) == (
        "Picks 100 samples: spreads out in `clip`, prefers high `predictions_uncertainty_entropy`, at most 5 per "
        "`video_name`."
    )


@pytest.mark.parametrize("kind", strategies())
@pytest.mark.parametrize("strength", [1, -1])
def test_every_strategy_has_words_that_name_what_it_reads(kind, strength):
    made = parse(SelectionConfig, {"n_samples": 1, "strategies": [entry(kind, strength=strength)]}).strategies[0]
    words = made.strategy.words(made.input.words())
    assert made.input.words() in words
    assert words[0].islower()
    assert not words.endswith((".", ","))
    if strength < 0 and not made.strategy.filters:
        other = parse(SelectionConfig, {"n_samples": 1, "strategies": [entry(kind)]}).strategies[0]
        assert words != other.strategy.words(other.input.words())


@pytest.mark.parametrize("kind", constraints())
def test_every_constraint_has_words_that_name_its_field(kind):
    one = parse(
        SelectionConfig,
        {"n_samples": 1, "strategies": [entry("DIVERSITY")], "constraints": [{"type": kind, **NEEDED[kind]}]},
    )
    assert "`" in one.constraints[0].words()
    assert one.constraints[0].words() in in_words(one)
    assert "`" not in one.constraints[0].label()


@pytest.mark.parametrize("kind", inputs())
def test_every_input_has_words(kind):
    given = {"METADATA": HOUR, "EMBEDDINGS": CLIP, "SCORES": ENTROPY}.get(kind, {"type": kind})
    assert parse(inputs()[kind], given).words()


def test_strengths_are_said_where_they_are_not_one():
    assert said(entry("DIVERSITY", strength=0.5)) == "Picks 100 samples: spreads out in `clip` (strength 0.5)."
    assert said(entry("WEIGHTS", strength=-2)) == (
        "Picks 100 samples: prefers low `predictions_uncertainty_entropy` (strength 2)."
    )
    assert said(entry("DIVERSITY", strength=1e9)) == "Picks 100 samples: spreads out in `clip` (above all else)."


def test_a_strategy_without_strength_is_left_out():
    assert said(entry("DIVERSITY"), entry("WEIGHTS", strength=0)) == "Picks 100 samples: spreads out in `clip`."


def test_with_nothing_that_ranks_it_picks_at_random():
    assert said(entry("THRESHOLD", HOUR)) == "Picks 100 samples: at random, keeps only `hour` >= 3."
    assert said(entry("DIVERSITY", strength=0)) == "Picks 100 samples: at random."


def test_how_many_of_what():
    one = entry("DIVERSITY")
    assert said(one, n_samples=1).startswith("Picks 1 sample:")
    assert said(one, proportion_samples=0.125).startswith("Picks 12.5 % of the candidates:")
    assert said(one, proportion_samples=0.5, candidates="night").startswith("Picks 50 % of `night`:")
    assert said(one, candidates="night").startswith("Picks 100 samples of `night`:")
    assert said(one, selected_sequence_length=8).startswith("Picks 100 samples in sequences of 8:")
    assert said(one, selected_sequence_length=1).startswith("Picks 100 samples:")
    budget = {"type": "BUDGET", **NEEDED["BUDGET"]}
    only_a_budget = parse(SelectionConfig, {"strategies": [one], "constraints": [budget]})
    assert in_words(only_a_budget) == "Picks samples: spreads out in `clip`, at most 60 of `hour` in all."


def test_the_datapool():
    assert said(entry("DIVERSITY"), preselected="round 1").endswith("; what is in `round 1` counts as picked already.")
    several = said(entry("DIVERSITY"), preselected=["labeled", "round 1", "labeled"])
    assert several.endswith("; what is in `labeled` and `round 1` counts as picked already.")


class TestPresets:
    def test_have_names_and_wants_of_their_own(self):
        assert len(presets()) == len(PRESETS) == len({preset.want for preset in PRESETS})
        for preset in PRESETS:
            assert preset.name.isidentifier()
            assert preset.want[0].islower()
            assert preset.want[-1] != "."

    @pytest.mark.parametrize("name", presets())
    def test_are_configs_wherever_there_is_what_they_need(self, name):
        made = {"n_samples": 10, **presets()[name].config(EVERYTHING)}
        if name == "threshold":
            # The one thing that nobody else can say.
            made["strategies"][0]["strategy"]["threshold"] = 3
        assert presets()[name].lacking(EVERYTHING) == []
        assert in_words(parse(SelectionConfig, made)).startswith("Picks 10 samples: ")

    @pytest.mark.parametrize("name", presets())
    def test_use_what_their_row_says(self, name):
        made = presets()[name].config(EVERYTHING)
        for one in made["strategies"][:1]:
            assert (
                f"`{one['strategy']['type']}`" in presets()[name].use
                or "the same" in presets()[name].use
                or name == "few_per_group"
            )
        for one in made.get("constraints", []):
            assert f"`{one['type']}`" in presets()[name].use

    @pytest.mark.parametrize("name", presets())
    def test_say_what_is_missing(self, name):
        lacking = presets()[name].lacking(Has())
        assert len(lacking) == len(presets()[name].needs)
        assert all(sentence.endswith(".") for sentence in lacking)
        # With what it needs, and nothing else, it is whole.
        has = Has(**{need: getattr(EVERYTHING, need) for need in presets()[name].needs})
        assert "None" not in str(presets()[name].config(has))

    def test_the_next_batch_is_weighted_by_how_unsure_the_model_is(self):
        (one,) = presets()["next_batch"].config(EVERYTHING)["strategies"]
        assert one["strategy"]["weight"] == {"type": "SCORES", "task": "predictions", "score": "uncertainty_margin"}
        assert presets()["next_batch"].config(EVERYTHING)["preselected"] == ["labeled"]

    def test_what_resembles_some_samples_is_not_these_samples(self):
        made = presets()["similar"].config(EVERYTHING)
        assert [made["strategies"][0]["input"]["tag_name"]] == made["preselected"] == ["faces"]

    def test_the_docs_have_the_same_table(self):
        page = (Path(__file__).resolve().parents[2] / "docs" / "selection.md").read_text(encoding="utf-8")
        assert "\n".join(table()) in page

    def test_a_strategy_in_them_is_one_of_the_registry(self):
        used = {one["strategy"]["type"] for preset in PRESETS for one in preset.config(EVERYTHING)["strategies"]}
        assert used <= {tag_of(one) for one in strategies().values()}
