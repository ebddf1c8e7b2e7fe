"""Reading what a person gave into a model, and what is said when it does not fit."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from shortlist.core.errors import ShortlistError
from shortlist.core.schema import (
    EMBEDDINGS,
    Schema,
    bounds_of,
    choices_of,
    described,
    first_sentence,
    models_of,
    parse,
    role_of,
    tag_of,
    without_none,
)
from shortlist.core.selection.config import SelectionConfig
from shortlist.core.selection.inputs import Embeddings
from shortlist.core.selection.strategies.diversity import Diversity
from shortlist.core.verbs import ManageSelections, ScoreUncertainty, SelectSamples

ROOT = Path(__file__).resolve().parents[2]
VECTORS = {"type": "EMBEDDINGS"}
NUMBERS = {"type": "SCORES", "field": "score"}


def entry(strategy: object, source: object = VECTORS, **beside) -> dict:
    return {"input": source, "strategy": strategy, **beside}


def config(*entries: object, **fields) -> dict:
    return {"n_samples": 3, "strategies": list(entries) or [entry({"type": "DIVERSITY"})], **fields}


def said(given: object, model: type[Schema] = SelectionConfig, where: str = "") -> str:
    with pytest.raises(ShortlistError) as caught:
        parse(model, given, where)
    return str(caught.value)


WRONG = {
    "unknown": (
        config(preselect="a"),
        f"preselect is not known. the parameters can have {', '.join(SelectionConfig.model_fields)}. Did you mean "
        "'preselected'?",
    ),
    "unknown, nothing close": (
        config(zzz="a"),
        f"zzz is not known. the parameters can have {', '.join(SelectionConfig.model_fields)}.",
    ),
    "unknown inside": (
        config(entry({"type": "DIVERSITY", "strenght": 2.0})),
        "strategies[0].strategy.strenght is not known. strategies[0].strategy can have "
        f"{', '.join(Diversity.model_fields)}. Did you mean 'strength'?",
    ),
    "unknown in an input": (
        config(entry({"type": "DIVERSITY"}, {"type": "EMBEDDINGS", "brainkey": "a"})),
        "strategies[0].input.brainkey is not known. strategies[0].input can have "
        f"{', '.join(Embeddings.model_fields)}. Did you mean 'brain_key'?",
    ),
    "unknown in an entry": (
        config(entry({"type": "DIVERSITY"}, inputs=VECTORS)),
        "strategies[0].inputs is not known. strategies[0] can have input, strategy. Did you mean 'input'?",
    ),
    "missing": ({"n_samples": 3}, "strategies must be given."),
    "missing inside": (config({"input": VECTORS}), "strategies[0].strategy must be given."),
    "missing type": (config(entry({})), "strategies[0].strategy.type must be given."),
    "missing threshold": (
        config(entry({"type": "THRESHOLD"}, NUMBERS)),
        "strategies[0].strategy.threshold must be given.",
    ),
    "text for an integer": (config(n_samples="3"), "n_samples must be an integer. Got '3' instead."),
    "float for an integer": (config(n_samples=3.0), "n_samples must be an integer. Got 3.0 instead."),
    "bool for an integer": (config(n_samples=True), "n_samples must be an integer. Got True instead."),
    "bool for a number": (
        config(entry({"type": "DIVERSITY", "strength": True})),
        "strategies[0].strategy.strength must be a number. Got True instead.",
    ),
    "number for a text": (config(candidates=3), "candidates must be a text. Got 3 instead."),
    "number for names": (config(preselected=3), "preselected must be a list. Got 3 instead."),
    "object for a list": ({"n_samples": 3, "strategies": {}}, "strategies must be a list. Got {} instead."),
    "text for an object": (
        config(entry("DIVERSITY")),
        "strategies[0].strategy must be an object of named parameters. Got 'DIVERSITY' instead.",
    ),
    "number for an entry": (config(1), "strategies[0] must be an object of named parameters. Got 1 instead."),
    "empty list": ({"n_samples": 3, "strategies": []}, "strategies must be a list of at least 1. Got [] instead."),
    "below a bound": (config(n_samples=-1), "n_samples must be >= 0. Got -1 instead."),
    "on an open bound": (
        config(n_samples=None, proportion_samples=0.0),
        "proportion_samples must be > 0.0. Got 0.0 instead.",
    ),
    "above a bound": (
        config(n_samples=None, proportion_samples=1.5),
        "proportion_samples must be <= 1.0. Got 1.5 instead.",
    ),
    "literal": (
        config(entry({"type": "THRESHOLD", "threshold": 1.0, "operation": "BIGER"}, NUMBERS)),
        "strategies[0].strategy.operation must be one of BIGGER, BIGGER_EQUAL, SMALLER, SMALLER_EQUAL. Got 'BIGER' "
        "instead. Did you mean 'BIGGER'?",
    ),
    "both budgets": (
        config(proportion_samples=0.5),
        "exactly one of n_samples and proportion_samples must be given. Got both instead.",
    ),
    "neither budget": (
        config(n_samples=None),
        "exactly one of n_samples and proportion_samples must be given, or a BUDGET among the constraints. Got neither "
        "instead.",
    ),
    "strength twice": (
        config(entry({"type": "DIVERSITY", "strength": 2.0}, strength=3.0)),
        "strategies[0]: strength must be given once, inside the strategy. Got 2.0 inside and 3.0 beside it instead.",
    ),
    "strength beside, wrong": (
        config(entry({"type": "DIVERSITY"}, strength="2")),
        "strategies[0].strategy.strength must be a number. Got '2' instead.",
    ),
    "numbers where vectors are needed": (
        config(entry({"type": "DIVERSITY"}), entry({"type": "DIVERSITY"}, NUMBERS)),
        "strategies[1]: the input of DIVERSITY must give vectors: one of EMBEDDINGS. Got 'SCORES', which gives "
        "numbers, instead.",
    ),
    "more bits than a database records": (
        config(entry({"type": "TYPICALITY", "num_nearest_neighbors": 2**70})),
        "strategies[0].strategy.num_nearest_neighbors must be an integer of at most 64 bits. Got 1180591620717411303424 "
        "instead.",
    ),
    "not an object": ([1], "SelectionConfig must be an object of named parameters. Got [1] instead."),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_one_sentence(case):
    wrong, sentence = WRONG[case]
    assert said(wrong) == sentence


@pytest.mark.parametrize("place", [0, 1])
def test_an_unknown_strategy_is_named_with_its_place_and_the_choices(place):
    entries = [entry({"type": "DIVERSITY"})] * place + [entry({"type": "DIVERSTY"})]
    # The choices come from the registry, so a new strategy is in the sentence by itself.
    pattern = (
        rf"strategies\[{place}\]\.strategy\.type must be one of ([A-Z_]+, )*DIVERSITY(, [A-Z_]+)*\. Got 'DIVERSTY' "
        r"instead\. Did you mean 'DIVERSITY'\?"
    )
    assert re.fullmatch(pattern, said(config(*entries)))


def test_an_unknown_input_is_named_with_the_choices():
    sentence = said(config(entry({"type": "DIVERSITY"}, {"type": "EMBEDDING"})))
    assert sentence.startswith("strategies[0].input.type must be one of EMBEDDINGS, ")
    assert sentence.endswith("Got 'EMBEDDING' instead. Did you mean 'EMBEDDINGS'?")


def test_further_errors_are_counted_and_a_misspelt_name_comes_first():
    sentence = said({"n_samples": "3", "strategys": []})
    assert sentence.startswith("strategys is not known.")
    assert sentence.endswith("Did you mean 'strategies'? (2 more after it.)")


def test_the_place_of_the_whole_comes_first():
    assert said({"n_samples": 3}, where="config") == "config.strategies must be given."
    assert said(3, where="config") == "config must be an object of named parameters. Got 3 instead."


def test_errors_of_the_verbs_speak_in_the_same_voice():
    assert said({"run_key": "", "config": config()}, SelectSamples) == (
        "run_key must be a text of at least 1 character(s). Got '' instead."
    )
    assert said({"action": "delete"}, ManageSelections) == "run_key must be given to delete a selection."
    assert said({"label_field": "p", "min_confidence": 2.0}, ScoreUncertainty) == (
        "min_confidence must be <= 1.0. Got 2.0 instead."
    )
    assert said({"label_field": "p", "scores": ["object_freqency"]}, ScoreUncertainty).endswith(
        "Got 'object_freqency' instead. Did you mean 'object_frequency'?"
    )


@pytest.mark.parametrize(("typed", "meant"), [("maxi", "max"), ("meen", "mean"), ("summ", "sum"), ("top-m", "top_m")])
def test_every_choice_can_be_suggested(typed, meant):
    assert said({"label_field": "p", "aggregation": typed}, ScoreUncertainty) == (
        f"aggregation must be one of max, mean, sum, top_m. Got {typed!r} instead. Did you mean {meant!r}?"
    )


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf"), 1e10, -1e10])
def test_a_strength_is_finite_and_bounded(wrong):
    assert said(config(entry({"type": "DIVERSITY", "strength": wrong}))).startswith(
        "strategies[0].strategy.strength must be "
    )


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_a_threshold_is_a_finite_number(wrong):
    assert said(config(entry({"type": "THRESHOLD", "threshold": wrong}, NUMBERS))).startswith(
        "strategies[0].strategy.threshold must be a finite number."
    )


@pytest.mark.parametrize(
    "written",
    [
        entry({"type": "DIVERSITY", "strength": 2.0}),
        entry({"type": "DIVERSITY"}, strength=2.0),
        entry({"type": "DIVERSITY", "strength": 2.0}, strength=2.0),
        entry({"type": "DIVERSITY", "strength": 2}),
    ],
)
def test_strength_is_read_inside_and_beside_the_strategy(written):
    assert parse(SelectionConfig, config(written)).strategies[0].strategy == Diversity(type="DIVERSITY", strength=2.0)


def test_reading_does_not_change_what_was_given():
    written = config(entry({"type": "DIVERSITY"}, strength=2.0))
    before = json.dumps(written)
    parse(SelectionConfig, written)
    assert json.dumps(written) == before


ENTRIES = st.one_of(
    st.builds(
        lambda kind, strength, field: entry(
            {"type": kind, "strength": strength}, {"type": "EMBEDDINGS", "field": field}
        ),
        st.sampled_from(["DIVERSITY", "COVERAGE"]),
        st.floats(-1e9, 1e9),
        st.none() | st.text(min_size=1),
    ),
    st.builds(
        lambda threshold, key, default: entry(
            {"type": "THRESHOLD", "threshold": threshold}, {"type": "METADATA", "key": key, "default_value": default}
        ),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(min_size=1),
        st.none() | st.floats(-1e9, 1e9),
    ),
    st.builds(
        lambda seed: entry({"type": "WEIGHTS"}, {"type": "RANDOM", "random_seed": seed}),
        st.none() | st.integers(0, 2**32 - 1),
    ),
)


@given(
    entries=st.lists(ENTRIES, min_size=1, max_size=4),
    n_samples=st.none() | st.integers(0, 10**9),
    seed=st.integers(0, 2**32 - 1),
    preselected=st.none() | st.text(),
)
def test_a_config_comes_back_from_json_as_it_was(entries, n_samples, seed, preselected):
    budget = {"proportion_samples": 0.25} if n_samples is None else {"n_samples": n_samples}
    read = parse(SelectionConfig, {"strategies": entries, "seed": seed, "preselected": preselected, **budget})
    assert parse(SelectionConfig, read.model_dump(mode="json")) == read
    assert parse(SelectionConfig, json.loads(json.dumps(read.model_dump(mode="json")))) == read
    assert parse(SelectionConfig, read.model_dump(mode="json", exclude_none=True)) == read


@pytest.fixture
def other_copy():
    """Another copy of the core, as FiftyOne and pip make two."""
    name = "shortlist_other_copy"
    spec = importlib.util.spec_from_file_location(name, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    yield name
    for module in [module for module in sys.modules if module.split(".")[0] == name]:
        del sys.modules[module]


def test_a_model_of_another_copy_of_the_code_is_read(other_copy):
    theirs = importlib.import_module(f"{other_copy}.core.selection.config").SelectionConfig
    assert theirs is not SelectionConfig
    given = theirs.model_validate(config(entry({"type": "DIVERSITY"}, strength=2.0)))
    assert parse(SelectionConfig, given) == parse(SelectionConfig, config(entry({"type": "DIVERSITY"}, strength=2.0)))


@pytest.mark.parametrize(
    ("budget", "candidates", "expected"),
    [
        ({"n_samples": 7}, 3, 7),
        ({"n_samples": 0}, 3, 0),
        ({"proportion_samples": 0.5}, 10, 5),
        ({"proportion_samples": 1.0}, 3, 3),
        ({"proportion_samples": 0.01}, 10, 1),
    ],
)
def test_a_budget_is_a_number_or_a_share_of_the_candidates(budget, candidates, expected):
    read = parse(SelectionConfig, {"strategies": [entry({"type": "DIVERSITY"})], **budget})
    assert read.budget(candidates) == expected


def test_an_entry_is_named_by_its_strategy_and_input():
    read = parse(SelectionConfig, config(entry({"type": "DIVERSITY"}, {"type": "EMBEDDINGS", "field": "clip"})))
    assert read.strategies[0].label() == "DIVERSITY of clip"


class Inner(Schema):
    type: Literal["INNER"]


class Outer(Schema):
    """Shows what can be read from a model.

    More of it.
    """

    vectors: Annotated[str | None, EMBEDDINGS] = None
    number: float | None = Field(None, gt=0, le=2)
    choice: Literal["a", "b"] = "a"
    many: list[Literal["a", "b"]] | None = None
    inner: Inner | None = None
    either: Inner | Diversity | None = None


def test_role_bounds_choices_and_models_are_read_from_the_fields():
    fields = Outer.model_fields
    assert role_of(fields["vectors"]) == EMBEDDINGS
    assert role_of(fields["number"]) is None
    assert bounds_of(fields["number"]) == {"gt": 0, "le": 2}
    assert bounds_of(fields["choice"]) == {}
    assert choices_of(fields["choice"].annotation) == ("a", "b")
    assert choices_of(fields["many"].annotation) == ("a", "b")
    assert choices_of(fields["number"].annotation) == ()
    assert models_of(fields["inner"].annotation) == [Inner]
    assert models_of(fields["number"].annotation) == []
    assert without_none(fields["inner"].annotation) is Inner
    assert without_none(fields["either"].annotation) == fields["either"].annotation
    assert tag_of(Inner) == "INNER"


def test_the_type_is_not_for_people_to_fill():
    assert "type" in Diversity.model_fields
    assert "type" not in [name for name, _ in described(Diversity)]


def test_the_first_sentence_of_a_docstring():
    assert first_sentence(Outer) == "Shows what can be read from a model."
    assert first_sentence(type("Bare", (), {})) == ""


def test_a_model_does_not_change_once_read():
    with pytest.raises(ValidationError):
        parse(SelectionConfig, config()).seed = 3
